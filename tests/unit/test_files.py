# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that a run writes."""

from __future__ import annotations

import os
from pathlib import Path

from stm32emu.files import OutputFile


def test_a_private_file_is_the_users_only(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.touch(0o644)
    with OutputFile("--keylog", path, private=True) as file:
        file.write(b"secret")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"secret", 0o600)


def test_a_pipe_keeps_its_mode(tmp_path: Path) -> None:
    """And so does a device, such as /dev/null, which is everybody's."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    path.chmod(0o644)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with OutputFile("--keylog", path, private=True) as file:
        file.write(b"secret")
    assert (os.read(reader, 10), path.stat().st_mode & 0o777) == (b"secret", 0o644)
    os.close(reader)
