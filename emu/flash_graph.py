# SPDX-License-Identifier: GPL-2.0-or-later
"""Which piece of flash mentions which, and so who needs whom."""

from __future__ import annotations

import string
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise

from stm32emu.elf import Firmware
from stm32emu.flash_pieces import Piece, Pieces, gaps, named_pieces, stored
from stm32emu.mentions import Mention, code_mentions, data_mentions
from stm32emu.prologue import is_wide
from stm32emu.symbol_files import END, code_stretches
from stm32emu.symbols import Symbols

Range = tuple[int, int]
"""Addresses from the first up to, but without, the second."""


PRINTABLE = frozenset(string.printable)


class FlashGraph:
    """The pieces of a firmware's flash, and who needs whom."""

    def __init__(self, firmware: Firmware, symbols: Symbols) -> None:
        self._segments = stored(firmware)
        self._code = code_stretches(symbols.elf, symbols.code)
        named = named_pieces(firmware, symbols)
        mentions = [mention for piece in named for mention in self._read(piece)]
        targets = sorted({mention.target for mention in mentions})
        unnamed = [part for gap in gaps(firmware, named) for part in self._split(gap, targets)]
        mentions += [mention for piece in unnamed for mention in self._read(piece)]
        mentions += [Mention(a.start, b.start) for a, b in pairwise(unnamed) if a.end == b.start and self._open(a)]
        self.pieces = Pieces([*named, *unnamed])
        self.mentions: dict[int, list[Mention]] = defaultdict(list)
        for mention in mentions:
            self.mentions[self.pieces.number(mention.at)].append(mention)
        self._roots = {self.pieces.number(firmware.vector_table), self.pieces.number(firmware.reset_handler)}
        self._roots |= set(range(len(self.pieces))) - self.reachable(lambda mention: True)

    @property
    def segments(self) -> list[tuple[int, int]]:
        """Where each of the segments that take flash starts and ends at run time."""
        return [(segment.virtual, segment.virtual + len(segment.data)) for segment in self._segments]

    def copied(self, piece: Piece) -> bool:
        """Whether it lies in flash only to be copied to RAM at start, or is code that runs from there."""
        inside = (s for s in self._segments if s.virtual <= piece.start < s.virtual + len(s.data))
        return any(segment.virtual != segment.physical for segment in inside)

    @cached_property
    def users(self) -> dict[int, str]:
        """By number of a piece the source file of the first one with a file that mentions it."""
        found: dict[int, str] = {}
        for number, piece in enumerate(self.pieces):
            for mention in self.mentions[number] if piece.file else ():
                found.setdefault(self.pieces.number(mention.target), piece.file)
        return found

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

    def code(self, piece: Piece) -> Iterator[Range]:
        """The parts of a function that are instructions, not literals or tables of branches."""
        return self.instructions([(piece.start, piece.end)])

    def instructions(self, ranges: Iterable[Range]) -> Iterator[Range]:
        """The parts of `ranges` that are instructions."""
        for start, end in ranges:
            first = bisect_right(self._code, start, key=lambda part: part[1])
            last = bisect_left(self._code, end, key=lambda part: part[0])
            yield from ((max(start, low), min(end, high)) for low, high in self._code[first:last])

    def contents(self, piece: Piece) -> bytes:
        """Its bytes."""
        return self._bytes(piece.start, piece.end)

    def halfword(self, address: int) -> int:
        """The one there; 0 outside of flash."""
        return int.from_bytes(self._bytes(address, address + 2), "little")

    def width(self, at: int) -> int:
        """Bytes of the instruction there."""
        return 4 if is_wide(self.halfword(at)) else 2

    def _read(self, piece: Piece) -> Iterator[Mention]:
        segment = next(s for s in self._segments if s.virtual <= piece.start < s.virtual + len(s.data))
        if piece.kind != "function":
            yield from data_mentions(segment, piece.start, piece.end)
            return
        for part in self.code(piece):
            yield from code_mentions(segment, *part)

    def _split(self, gap: Piece, targets: Sequence[int]) -> Iterator[Piece]:
        """At whatever is mentioned, and behind texts: other data is reached by an offset from the mention before it."""
        inside = targets[bisect_left(targets, gap.start + 1) : bisect_left(targets, gap.end)]
        for start, end in pairwise([gap.start, *inside, gap.end]):
            text = self._text(start)
            stop = start + len(text) + 1 if text and PRINTABLE.issuperset(text) else end
            if stop < end and self._bytes(stop, end).strip(b"\0"):
                yield Piece(start, stop, "unnamed", text)
                yield Piece(stop, end, "unnamed", self._text(stop))
            else:
                yield Piece(start, end, "unnamed", text)

    def _open(self, piece: Piece) -> bool:
        """Whether it is the beginning of a string of which the end is mentioned, too."""
        return self.contents(piece)[-1:] != b"\0"

    def _text(self, start: int) -> str:
        """The text that starts there, which may go on in pieces that follow; "" if it is none."""
        text = self._bytes(start, END).partition(b"\0")[0].decode("latin-1")
        return text if text.isascii() else ""

    def _bytes(self, start: int, end: int) -> bytes:
        """Those from `start` up to `end`, or up to the end of the segment."""
        inside = (s for s in self._segments if s.virtual <= start < s.virtual + len(s.data))
        return next((segment.data[start - segment.virtual : end - segment.virtual] for segment in inside), b"")
