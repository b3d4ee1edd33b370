# SPDX-License-Identifier: GPL-2.0-or-later
"""What a conditional branch takes in code: its own instruction, and the comparison that only it needs."""

from __future__ import annotations

from collections.abc import Callable

from stm32emu.prologue import is_wide

Halfword = Callable[[int], int]
"""The halfword at an address."""


def condition(halfword: Halfword, block: int, branch: int) -> set[int]:
    """Addresses of the halfwords of both; `block` is where the basic block that the branch ends starts."""
    found = _halfwords(halfword, branch)
    after = branch + 2 * len(found)
    if not is_cbz(halfword(branch)) and not is_conditional(halfword(after), halfword(after + 2)):
        found |= _comparison(halfword, block, branch)
    return found


def _comparison(halfword: Halfword, start: int, end: int) -> set[int]:
    """The instruction that the flags at `end` are from, if it does nothing but compare."""
    found: set[int] = set()
    at = start
    while at < end:
        here = _halfwords(halfword, at)
        if compares(halfword(at), halfword(at + 2)):
            found = here
        elif not keeps_flags(halfword(at)):
            found = set()
        at += 2 * len(here)
    return found


def _halfwords(halfword: Halfword, at: int) -> set[int]:
    """Of the instruction at `at`."""
    return {at, at + 2} if is_wide(halfword(at)) else {at}


def is_cbz(first: int) -> bool:
    """CBZ and CBNZ, which compare themselves (ARMv7-M ARM A7.7.21)."""
    return first & 0xF500 == 0xB100


def is_conditional(first: int, second: int) -> bool:
    """B<c> (ARMv7-M ARM A7.7.12) and IT (A7.7.38), which go by flags that were set before."""
    if is_wide(first):
        return first & 0xF800 == 0xF000 and second & 0xD000 == 0x8000 and first & 0x0380 != 0x0380
    return (first & 0xF000 == 0xD000 and first & 0x0E00 != 0x0E00) or (first & 0xFF00 == 0xBF00 and first & 0xF != 0)


def compares(first: int, second: int) -> bool:
    """CMN, CMP, TEQ and TST of all encodings (ARMv7-M ARM A7.7.25 to 28, A7.7.186 to 189)."""
    if is_wide(first):
        constant = first & 0xFBF0 in (0xF010, 0xF090, 0xF110, 0xF1B0)
        shifted = first & 0xFFF0 in (0xEA10, 0xEA90, 0xEB10, 0xEBB0)
        return (constant or shifted) and second & 0x8F00 == 0x0F00
    return first & 0xF800 == 0x2800 or first & 0xFFC0 in (0x4200, 0x4280, 0x42C0) or first & 0xFF00 == 0x4500


def keeps_flags(first: int) -> bool:
    """Loads and stores (ARMv7-M ARM A5.2.4, A5.3.5 to A5.3.10) and MOV between any registers (A7.7.77)."""
    if is_wide(first):
        return first & 0xFE00 in (0xE800, 0xF800)
    return first & 0xF800 == 0x4800 or 5 <= first >> 12 <= 9 or first & 0xFF00 == 0x4600
