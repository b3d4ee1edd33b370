# SPDX-License-Identifier: GPL-2.0-or-later
"""What would leave flash if some functions, objects and texts were not compiled, estimated from the linked image.

They go, with what `dead_code` finds of them in functions that stay, and so does whatever only those needed, by the
linker's garbage collection once more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from stm32emu.dead_code import DeadCode, Wanted
from stm32emu.dwarf_sources import Sources
from stm32emu.flash_graph import FlashGraph
from stm32emu.flash_layout import Layout
from stm32emu.flash_pieces import Piece
from stm32emu.symbols import Symbols

LITERAL = 4
Range = tuple[int, int]


@dataclass(frozen=True)
class Saving:
    """`gone` are the pieces that would leave; `cut` is what pieces that stay would lose: code, literals, table rows.

    `size` is how much smaller, in bytes, the image would be; padding between what stays may come and go.
    """

    gone: tuple[Piece, ...]
    cut: tuple[Range, ...]
    size: int


class Savings:
    """Answers for one firmware."""

    def __init__(self, graph: FlashGraph, symbols: Symbols) -> None:
        self._graph = graph
        self._sources = Sources(symbols.debug)
        self._code = DeadCode(graph, symbols, self._sources)
        self._all = graph.reachable(lambda mention: True)
        self._layout = Layout(graph)

    def without(self, wanted: Wanted) -> Saving:
        """What would go without the `wanted`."""
        pieces = self._graph.pieces
        named = {number for number, piece in enumerate(pieces) if wanted.piece(piece)}
        dead = self._code.dead(named, wanted) | set(self._dead_rows(named))
        kept = self._graph.reachable(lambda m: m.at not in dead and pieces.number(m.target) not in named)
        cut = {at for at in dead if pieces.number(at) in kept}
        literals = {at for n in kept for pool in self._unused_literals(n, cut) for at in range(pool, pool + LITERAL, 2)}
        shorter = [(piece.end - less, piece.end) for piece, less in self._shorter(kept, wanted)]
        return self._saving(self._all - kept, [*_merged(cut | literals), *shorter])

    def _saving(self, gone: set[int], cut: list[Range]) -> Saving:
        less: dict[int, int] = defaultdict(int)
        for start, end in cut:
            less[self._graph.pieces.number(start)] += end - start
        size = self._layout.size() - self._layout.size(gone, less)
        return Saving(tuple(self._graph.pieces[n] for n in sorted(gone)), tuple(cut), size)

    def _shorter(self, kept: set[int], wanted: Wanted) -> Iterator[tuple[Piece, int]]:
        """Objects that would be stored in another way, and the bytes that this saves."""
        for piece in (self._graph.pieces[number] for number in kept):
            less = wanted.shrinks(self._graph.contents(piece)) if piece.kind == "object" else 0
            if less:
                yield piece, less

    def _dead_rows(self, named: set[int]) -> Iterator[int]:
        """Of tables: those that mention what goes."""
        for number, mentions in self._graph.mentions.items():
            start = self._graph.pieces[number].start
            row = self._sources.rows.get(start, 0)
            for mention in mentions if row and number not in named else ():
                if self._graph.pieces.number(mention.target) in named:
                    first = start + (mention.at - start) // row * row
                    yield from range(first, first + row, 2)

    def _unused_literals(self, number: int, dead: set[int]) -> set[int]:
        mentions = [mention for mention in self._graph.mentions[number] if mention.pool]
        return {m.pool for m in mentions} - {m.pool for m in mentions if m.at not in dead}


def _merged(halfwords: set[int]) -> Iterator[Range]:
    """Ranges of all of them."""
    start = end = -1
    for at in sorted(halfwords):
        if at != end:
            if start >= 0:
                yield start, end
            start = at
        end = at + 2
    if start >= 0:
        yield start, end
