# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests of this folder share: a server, and a faketime that starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runs import IMAGES, Run, free_port, running


@pytest.fixture(scope="session")
def tls_server() -> Iterator[Run]:
    """The healthy TLS server, listening on a free port."""
    with running(str(IMAGES / "tls_server.elf"), "--port", f"{free_port()}:4433") as run:
        run.port()
        yield run


@pytest.fixture(autouse=True)
def fresh_faketime() -> None:
    """faketime names its shared memory by its process, and does not start if one of that number was killed before."""
    for left in Path("/dev/shm").glob("*faketime_*"):
        if not Path("/proc", left.name.rpartition("_")[2]).exists():
            left.unlink(missing_ok=True)
