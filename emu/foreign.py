# SPDX-License-Identifier: GPL-2.0-or-later
"""Firmware for another family of parts: said at once, since it would fault or wait for ever on an STM32F4."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from stm32emu.errors import UserError

FILE = re.compile(rb"(startup_(?:stm32|gd32|at32)\w+|(?:stm32|gd32|at32)[a-z]+\d\w*\.h)", re.IGNORECASE)
"""Start-up files and device headers, whose names stay in an ELF as symbols and as DWARF."""
OURS = b"stm32f4"


def refuse_foreign(path: Path, contents: bytes, advice: str) -> None:
    """Raise UserError if the files that an ELF was made from are another family's and none is the STM32F4's.

    Args:
        advice: what to do about it, the sentence's end.
    """
    named = Counter(match[1] for match in FILE.finditer(contents))
    if not named or any(OURS in name.lower() for name in named):
        return
    name = max(named, key=lambda name: (name.lower().startswith(b"startup"), named[name])).decode()
    raise UserError(
        f"{path}: is not for the STM32F4 family, which is all that stm32emu models: it was built with {name}; {advice}"
    )
