# SPDX-License-Identifier: GPL-2.0-or-later
"""Which piece of flash mentions which: calls, literals and pointers, read from the linked image.

Relocations are gone by then, so code is decoded: branches, PC-relative literals, MOVW with MOVT, ADR; and a word of an
object that is the address of a piece counts as its mention.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from struct import unpack_from
from typing import NamedTuple

from stm32emu.elf import Firmware
from stm32emu.flash_pieces import Piece, Pieces, gaps, named_pieces, stored
from stm32emu.prologue import is_wide
from stm32emu.references import loads
from stm32emu.segment import Segment
from stm32emu.symbol_files import code_stretches
from stm32emu.symbols import Symbols


class Mention(NamedTuple):
    """The instruction or word at `at` has the address `target`; `pool` is where its literal lies, 0 if it has none.

    `flow` is how code goes there: "call" to come back, "jump" (B), "branch" (on a condition); "" for other mentions.
    """

    at: int
    target: int
    pool: int = 0
    flow: str = ""


class FlashGraph:
    """The pieces of a firmware's flash, and who needs whom."""

    def __init__(self, firmware: Firmware, symbols: Symbols) -> None:
        self._segments = stored(firmware)
        self._code = code_stretches(symbols.elf, symbols.code)
        named = named_pieces(firmware, symbols)
        mentions = [mention for piece in named for mention in self._mentions_in(piece)]
        targets = sorted({mention.target for mention in mentions})
        unnamed = [part for gap in gaps(firmware, named) for part in self._split(gap, targets)]
        mentions += [mention for piece in unnamed for mention in self._mentions_in(piece)]
        mentions += [Mention(a.start, b.start) for a, b in pairwise(unnamed) if a.end == b.start and self._open(a)]
        self.pieces = Pieces([*named, *unnamed])
        self.mentions: dict[int, list[Mention]] = defaultdict(list)
        for mention in mentions:
            self.mentions[self.pieces.number(mention.at)].append(mention)
        self._users: dict[int, str] = {}
        for number, piece in enumerate(self.pieces):
            for mention in self.mentions[number] if piece.file else ():
                self._users.setdefault(self.pieces.number(mention.target), piece.file)
        self._roots = {self.pieces.number(firmware.vector_table), self.pieces.number(firmware.reset_handler)}
        self._roots |= set(range(len(self.pieces))) - self.reachable(lambda mention: True)

    def reachable(self, counts: Callable[[Mention], bool]) -> set[int]:
        """Numbers of the pieces that are needed when only the mentions that count are followed.

        What nothing is seen to mention is needed by something that cannot be seen here.
        """
        found = set(self._roots)
        waiting = list(found)
        while waiting:
            for mention in self.mentions[waiting.pop()]:
                target = self.pieces.number(mention.target)
                if target not in found and target >= 0 and counts(mention):
                    found.add(target)
                    waiting.append(target)
        return found

    def code(self, piece: Piece) -> Iterator[tuple[int, int]]:
        """The parts of a function that are instructions, not literals or tables of branches."""
        return self.instructions([(piece.start, piece.end)])

    def instructions(self, ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """The parts of `ranges` that are instructions."""
        for start, end in ranges:
            yield from ((max(start, low), min(end, high)) for low, high in self._code if low < end and high > start)

    def user(self, number: int) -> str:
        """The source file of the first piece with a file that mentions a piece, "" if there is none."""
        return self._users.get(number, "")

    def test(self, branch: int) -> Iterator[int]:
        """Halfwords of the conditional branch at `branch` and of the 16-bit comparison just before it."""
        before, first = self._halfword(branch - 2), self._halfword(branch)
        yield from range(branch, branch + self.width(branch), 2)
        if first & 0xF500 != 0xB100 and (before & 0xF800 == 0x2800 or before & 0xFFC0 == 0x4280 or before >> 8 == 0x45):
            yield branch - 2

    def width(self, at: int) -> int:
        """Bytes of the instruction there."""
        return 4 if is_wide(self._halfword(at)) else 2

    def _halfword(self, address: int) -> int:
        segment = self._segment(address)
        return int.from_bytes(segment.data[address - segment.virtual :][:2], "little")

    def _mentions_in(self, piece: Piece) -> Iterator[Mention]:
        segment = self._segment(piece.start)
        if piece.kind == "function":
            for start, end in self.code(piece):
                yield from _branches(segment, start, end)
                yield from (Mention(load.at, load.value, load.pool) for load in loads(segment, start, end))
            return
        for at in range(-(-piece.start // 4) * 4, piece.end - 3, 4):
            yield Mention(at, unpack_from("<I", segment.data, at - segment.virtual)[0])

    def _split(self, gap: Piece, targets: Sequence[int]) -> Iterator[Piece]:
        """At whatever is mentioned: what lies between is reached by an offset from the mention before it."""
        inside = targets[bisect_left(targets, gap.start + 1) : bisect_left(targets, gap.end)]
        for start, end in pairwise([gap.start, *inside, gap.end]):
            yield Piece(start, end, "unnamed", self._text(start))

    def _open(self, piece: Piece) -> bool:
        """Whether it is the beginning of a string of which the end is mentioned, too."""
        segment = self._segment(piece.start)
        return segment.data[piece.end - 1 - segment.virtual] != 0

    def _text(self, start: int) -> str:
        segment = self._segment(start)
        text = segment.data[start - segment.virtual :].partition(b"\0")[0].decode("latin-1")
        return text if text.isascii() else ""

    def _segment(self, address: int) -> Segment:
        return next(s for s in self._segments if s.virtual <= address < s.virtual + len(s.data))


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
