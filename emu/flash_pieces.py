# SPDX-License-Identifier: GPL-2.0-or-later
"""What an ELF puts into flash, piece by piece: functions, objects, and the strings and constants that have no symbol.

Addresses are those at run time: the initial values of .data lie in flash and are known by their place in RAM.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stm32emu.dwarf_sources import Sources
from stm32emu.elf import Firmware
from stm32emu.segment import Segment
from stm32emu.symbol_files import local_files
from stm32emu.symbols import Symbols


@dataclass(frozen=True)
class Piece:
    """Bytes from `start` up to `end`: a "function", an "object", or "unnamed": strings, constants, padding.

    An unnamed one has the text that it starts with as its `name`. `file` is the source file as compiled, "" if unknown.
    """

    start: int
    end: int
    kind: str
    name: str = ""
    file: str = ""

    @property
    def size(self) -> int:
        """In bytes."""
        return self.end - self.start


class Pieces:
    """Pieces that do not overlap, in order of address and known by their numbers in it."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._pieces = sorted(pieces, key=lambda piece: piece.start)
        self._starts = [piece.start for piece in self._pieces]

    def __iter__(self) -> Iterator[Piece]:
        return iter(self._pieces)

    def __getitem__(self, number: int) -> Piece:
        return self._pieces[number]

    def __len__(self) -> int:
        return len(self._pieces)

    def number(self, address: int) -> int:
        """Of the piece that holds `address`; -1 if none does."""
        number = bisect_right(self._starts, address) - 1
        return number if number >= 0 and address < self._pieces[number].end else -1


def stored(firmware: Firmware) -> list[Segment]:
    """The segments that take flash."""
    return [segment for segment in firmware.segments if segment.data]


def named_pieces(firmware: Firmware, symbols: Symbols) -> list[Piece]:
    """The functions and objects that have a symbol with a size; where two overlap the second is cut."""
    sources = Sources(symbols.debug)
    locals_of = local_files(symbols.elf)
    found: list[Piece] = []
    for segment in sorted(stored(firmware), key=lambda segment: segment.virtual):
        reached = segment.virtual
        for symbol in symbols:
            start = max(symbol.address, reached)
            end = min(symbol.address + symbol.size, segment.virtual + len(segment.data))
            if segment.virtual <= symbol.address and start < end:
                file = sources.file(symbol.address) or sources.named(locals_of.get(symbol.address, ""))
                found.append(Piece(start, end, symbol.kind, symbol.name, file))
                reached = end
    return found


def gaps(firmware: Firmware, pieces: Iterable[Piece]) -> Iterator[Piece]:
    """What no piece has."""
    ordered = sorted(pieces, key=lambda piece: piece.start)
    for segment in stored(firmware):
        start, end = segment.virtual, segment.virtual + len(segment.data)
        for piece in (piece for piece in ordered if start <= piece.start < end):
            if start < piece.start:
                yield Piece(start, piece.start, "unnamed")
            start = piece.end
        if start < end:
            yield Piece(start, end, "unnamed")
