# SPDX-License-Identifier: GPL-2.0-or-later
"""How a linker would lay out what is left of an image: piece after piece, each aligned as it was.

A linked image no longer says what its pieces are aligned to, but padding tells: so many bytes before a piece are there
only because it is aligned to more than that. Where there is none, a function counts as aligned to 2, or to 4 if it has
literals (ARMv7-M ARM A7.7.44), and data to 4 if its address and size are multiples of 4. Texts are not aligned.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from stm32emu.flash_graph import FlashGraph
from stm32emu.flash_pieces import Piece

HALFWORD, WORD = 2, 4
FILL = re.compile(rb"(?:\xbf?\0)*")
"""Zeros, and NOPs (encoding T1, ARMv7-M ARM A7.7.88), which assemblers fill code with; read backwards, for speed."""


@dataclass(frozen=True)
class _Place:
    """A piece, by number, without the padding after it; number -1 is the end of a segment."""

    number: int
    size: int
    alignment: int


class Layout:
    """The pieces of one firmware in order, segment by segment."""

    def __init__(self, graph: FlashGraph) -> None:
        self._graph = graph
        self._segments = [(start, [*self._places(start, end)]) for start, end in graph.segments]

    def size(self, gone: Container[int] = (), less: Mapping[int, int] | None = None) -> int:
        """Bytes of flash when the pieces with the numbers `gone` are left out, and others are `less` bytes shorter."""
        return sum(self._end(start, places, gone, less or {}) - start for start, places in self._segments)

    def _end(self, start: int, places: list[_Place], gone: Container[int], less: Mapping[int, int]) -> int:
        end = start
        for place in places:
            if place.number not in gone:
                end = -(-end // place.alignment) * place.alignment + place.size - less.get(place.number, 0)
        return end

    def _places(self, start: int, end: int) -> Iterator[_Place]:
        """Of the segment from `start` up to `end`; the end is a place, too, which may be aligned."""
        padding, at = 0, start
        while at < end:
            number = self._graph.pieces.number(at)
            piece = self._graph.pieces[number]
            alignment = max(self._least(number, piece), _more_than(padding))
            padding = min(self._fill(piece), _most(piece.end) - 1)
            yield _Place(number, piece.size - padding, alignment)
            at = piece.end
        yield _Place(-1, 0, max(_more_than(padding), min(WORD, _most(end))))

    def _least(self, number: int, piece: Piece) -> int:
        """What a piece is aligned to at least."""
        if piece.kind == "function":
            literals = any(mention.pool for mention in self._graph.mentions[number])
            return min(WORD if literals else HALFWORD, _most(piece.start))
        return 1 if piece.name and piece.kind == "unnamed" else min(WORD, _most(piece.start), _most(piece.size))

    def _fill(self, piece: Piece) -> int:
        """How many bytes at its end may be padding."""
        text = len(piece.name) + 1 if piece.name else 0
        found = FILL.match(self._graph.contents(piece)[text:][::-1]) if piece.kind == "unnamed" else None
        return found.end() if found else 0


def _most(address: int) -> int:
    """The largest power of two that divides it."""
    return address & -address


def _more_than(padding: int) -> int:
    """The smallest power of two that is greater."""
    return 1 << padding.bit_length()
