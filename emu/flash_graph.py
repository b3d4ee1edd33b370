# SPDX-License-Identifier: GPL-2.0-or-later
"""Which piece of flash mentions which, and so who needs whom."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise

from stm32emu.elf import Firmware
from stm32emu.flash_pieces import Piece, Pieces, gaps, named_pieces, stored
from stm32emu.mentions import Mention, code_mentions, data_mentions
from stm32emu.prologue import is_wide
from stm32emu.symbol_files import code_stretches
from stm32emu.symbols import Symbols


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

    def code(self, piece: Piece) -> Iterator[tuple[int, int]]:
        """The parts of a function that are instructions, not literals or tables of branches."""
        return self.instructions([(piece.start, piece.end)])

    def instructions(self, ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """The parts of `ranges` that are instructions."""
        for start, end in ranges:
            yield from ((max(start, low), min(end, high)) for low, high in self._code if low < end and high > start)

    def contents(self, piece: Piece) -> bytes:
        """Its bytes."""
        return self._bytes(piece.start)[: piece.size]

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
        return int.from_bytes(self._bytes(address)[:2], "little")

    def _read(self, piece: Piece) -> Iterator[Mention]:
        segment = next(s for s in self._segments if s.virtual <= piece.start < s.virtual + len(s.data))
        if piece.kind != "function":
            yield from data_mentions(segment, piece.start, piece.end)
            return
        for part in self.code(piece):
            yield from code_mentions(segment, *part)

    def _split(self, gap: Piece, targets: Sequence[int]) -> Iterator[Piece]:
        """At whatever is mentioned: what lies between is reached by an offset from the mention before it."""
        inside = targets[bisect_left(targets, gap.start + 1) : bisect_left(targets, gap.end)]
        for start, end in pairwise([gap.start, *inside, gap.end]):
            yield Piece(start, end, "unnamed", self._text(start))

    def _open(self, piece: Piece) -> bool:
        """Whether it is the beginning of a string of which the end is mentioned, too."""
        return self._bytes(piece.end - 1)[:1] != b"\0"

    def _text(self, start: int) -> str:
        text = self._bytes(start).partition(b"\0")[0].decode("latin-1")
        return text if text.isascii() else ""

    def _bytes(self, address: int) -> bytes:
        """From there to the end of the segment; none if there is none."""
        inside = (s for s in self._segments if s.virtual <= address < s.virtual + len(s.data))
        return next((segment.data[address - segment.virtual :] for segment in inside), b"")
