# SPDX-License-Identifier: GPL-2.0-or-later
"""What a conditional branch takes in code: its own instruction, and the comparison that only it needs."""

from __future__ import annotations

from collections.abc import Callable

from stm32emu._core import flow
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
        elif not keeps_flags(halfword(at), halfword(at + 2)):
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
    """CMN, CMP, TEQ and TST of all encodings, which set flags and nothing else."""
    _sources, targets, transfers, _addresses, flags, *_more = flow(first, second)
    return flags and not targets | transfers


def keeps_flags(first: int, second: int) -> bool:
    """Whether an instruction leaves the flags alone. In an IT block it may do so when this says no."""
    return not flow(first, second)[4]
