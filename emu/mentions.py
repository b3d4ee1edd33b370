# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses that code and data of a linked image mention.

Relocations are gone by then, so code is decoded: branches, PC-relative literals, MOVW with MOVT, ADR. Of data each
aligned word counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from
from typing import NamedTuple

from stm32emu.prologue import is_wide
from stm32emu.references import loads
from stm32emu.segment import Segment


class Mention(NamedTuple):
    """The instruction or word at `at` has the address `target`; `pool` is where its literal lies, 0 if it has none.

    `flow` is how code goes there: "call" to come back, "jump" (B), "branch" (on a condition); "" for other mentions.
    """

    at: int
    target: int
    pool: int = 0
    flow: str = ""


def code_mentions(segment: Segment, start: int, end: int) -> Iterator[Mention]:
    """Of the instructions from `start` up to `end`."""
    yield from _branches(segment, start, end)
    yield from (Mention(load.at, load.value, load.pool) for load in loads(segment, start, end))


def data_mentions(segment: Segment, start: int, end: int) -> Iterator[Mention]:
    """Of the words that lie between `start` and `end`."""
    for at in range(-(-start // 4) * 4, end - 3, 4):
        yield Mention(at, unpack_from("<I", segment.data, at - segment.virtual)[0])


def _branches(segment: Segment, start: int, end: int) -> Iterator[Mention]:
    """B, BL, CBZ (ARMv7-M ARM A7.7.12, A7.7.18, A7.7.21) and ADR (A7.7.7) in the code from `start` up to `end`."""
    at = start
    while at + 2 <= end:
        first = unpack_from("<H", segment.data, at - segment.virtual)[0]
        wide = is_wide(first) and at + 4 <= end
        second = unpack_from("<H", segment.data, at + 2 - segment.virtual)[0] if wide else 0
        distance, flow = _wide(first, second) if wide else _narrow(first)
        if distance is not None:
            yield Mention(at, (at + 4 if flow else at + 4 & ~3) + distance, 0, flow)
        at += 4 if is_wide(first) else 2


def _narrow(first: int) -> tuple[int | None, str]:
    """How far from PC a 16-bit instruction leads."""
    if first & 0xF800 == 0xE000:
        return _signed(first & 0x7FF, 11) * 2, "jump"
    if first & 0xF000 == 0xD000 and first & 0x0E00 != 0x0E00:
        return _signed(first & 0xFF, 8) * 2, "branch"
    if first & 0xF500 == 0xB100:
        return (first >> 9 & 1) * 64 + (first >> 3 & 31) * 2, "branch"
    return ((first & 0xFF) * 4, "") if first & 0xF800 == 0xA000 else (None, "")


def _wide(first: int, second: int) -> tuple[int | None, str]:
    """How far from PC a 32-bit instruction leads."""
    if first & 0xFBFF in (0xF20F, 0xF2AF) and not second & 0x8000:
        offset = (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF
        return (offset if first & 0xFBFF == 0xF20F else -offset), ""
    if first & 0xF800 != 0xF000 or not second & 0x8000:
        return None, ""
    sign, j1, j2, low = first >> 10 & 1, second >> 13 & 1, second >> 11 & 1, second & 0x7FF
    if second & 0x1000:  # BL, and B of encoding T4
        bits = sign << 23 | (~(j1 ^ sign) & 1) << 22 | (~(j2 ^ sign) & 1) << 21 | (first & 0x3FF) << 11 | low
        return _signed(bits, 24) * 2, "call" if second & 0x4000 else "jump"
    if first & 0x0380 != 0x0380:  # B<c>, encoding T3
        return _signed(sign << 19 | j2 << 18 | j1 << 17 | (first & 0x3F) << 11 | low, 20) * 2, "branch"
    return None, ""


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 else value
