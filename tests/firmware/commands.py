# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands that end by themselves, run in the tests' own process."""

from __future__ import annotations

import pytest

from stm32emu.cli.main import main


def doctor(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """`stm32emu doctor ...`: exit code, stdout and stderr."""
    with pytest.raises(SystemExit) as ended:
        main(["doctor", *words])
    output = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, output.out, output.err
