# SPDX-License-Identifier: GPL-2.0-or-later
"""The small file of random numbers that --remember keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from stm32emu.errors import UserError
from stm32emu.netbridge.tls.device import Mark
from stm32emu.remembered import MOST, Remembered

ONE, OTHER = Mark("random", "00ff"), Mark("nonce", "abc")


def test_runs_of_other_seeds_count(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    Remembered(path, 1).keep([ONE])
    Remembered(path, 2).keep([OTHER, OTHER])
    assert path.read_text() == "1 random 00ff\n2 nonce abc\n"
    assert Remembered(path, 3).marks == {ONE, OTHER}
    assert Remembered(path, 1).marks == {OTHER}


def test_the_file_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    Remembered(path, 1).keep(Mark("nonce", f"{n:x}") for n in range(MOST + 5))
    lines = path.read_text().splitlines()
    assert (len(lines), lines[0]) == (MOST, "1 nonce 5")


def test_another_file_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("dear diary\n")
    with pytest.raises(UserError, match="was not written by stm32emu"):
        Remembered(path, 1)
    assert path.read_text() == "dear diary\n"
