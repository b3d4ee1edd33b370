# SPDX-License-Identifier: GPL-2.0-or-later
"""The code of functions that stay, but for which some others would not be compiled.

It is found by lines: a line of source that calls what goes, or uses a text that goes, goes with all its code, which
includes the set-up of arguments. Inlined copies go as a whole, and so does a basic block that handles nothing but
objects that go. What is left without a use of all that is found by `control_flow` and `dead_paths`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from stm32emu.control_flow import ControlFlow
from stm32emu.dead_paths import DeadPaths
from stm32emu.dwarf_sources import Sources
from stm32emu.flash_graph import FlashGraph
from stm32emu.flash_pieces import Piece
from stm32emu.mentions import Mention
from stm32emu.symbols import Symbols, file_name


@dataclass(frozen=True)
class Wanted:
    """What goes, as regular expressions of whole names of functions and objects, base names of files, and texts.

    `shrinks` says how many bytes shorter an object would get that stays, by its contents.
    """

    names: str = ""
    files: str = ""
    texts: str = ""
    shrinks: Callable[[bytes], int] = lambda contents: 0

    def name(self, name: str) -> bool:
        """Whether a function or object goes; compilers append .isra.0, .part.1 and the like to copies and parts."""
        return bool(re.fullmatch(self.names, name.partition(".")[0]))

    def piece(self, piece: Piece) -> bool:
        """Whether a piece goes."""
        if piece.kind == "unnamed":
            return bool(self.texts and re.fullmatch(self.texts, piece.name, re.DOTALL))
        return self.name(piece.name) or bool(self.files and re.fullmatch(self.files, file_name(piece.file)))


class DeadCode:
    """The code of one firmware."""

    def __init__(self, graph: FlashGraph, symbols: Symbols, sources: Sources) -> None:
        self._graph = graph
        self._sources = sources
        self._line = symbols.line
        self._flows: dict[int, ControlFlow] = {}
        self._spans: dict[int, dict[tuple[str, int], set[int]]] = defaultdict(lambda: defaultdict(set))
        for span in symbols.lines.spans():
            halfwords = self._within(span.start, span.end)
            if halfwords:
                self._spans[graph.pieces.number(span.start)][span.file, span.line].update(halfwords)

    def dead(self, named: set[int], wanted: Wanted) -> set[int]:
        """Addresses of all halfwords of instructions that go, those of whole functions left out."""
        copies = [part for name, parts in self._sources.inlined.items() if wanted.name(name) for part in parts]
        inlined = {at for part in copies for at in self._within(*part)}
        functions = {number for number, piece in enumerate(self._graph.pieces) if piece.kind == "function"} - named
        return {at for number in functions for at in self._dead_in(number, named, inlined)}

    def _within(self, start: int, end: int) -> range:
        """Halfwords of what DWARF says is part of a piece; as far as that goes."""
        number = self._graph.pieces.number(start)
        return range(start, min(end, self._graph.pieces[number].end), 2) if number >= 0 else range(0)

    def _dead_in(self, number: int, named: set[int], inlined: set[int]) -> set[int]:
        flow = self._flow(number)
        dead = inlined & flow.code
        for mention in self._graph.mentions[number]:
            if self._graph.pieces.number(mention.target) in named:
                dead |= self._with(number, mention, named) & flow.code
        paths = DeadPaths(flow, frozenset(dead))
        while dead:
            more = flow.idle(dead) | paths.unreached(dead) | self._leading_there(number, named, dead)
            if dead >= (more := more & flow.code):
                break
            dead |= more
        return dead

    def _flow(self, number: int) -> ControlFlow:
        if number not in self._flows:
            self._flows[number] = ControlFlow(self._graph, number)
        return self._flows[number]

    def _with(self, number: int, mention: Mention, named: set[int]) -> set[int]:
        """What goes with a mention."""
        target = self._graph.pieces[self._graph.pieces.number(mention.target)]
        by_line = mention.flow or target.kind == "unnamed"
        return self._of_line(number, mention.at) if by_line else self._block(number, mention, named)

    def _of_line(self, number: int, at: int) -> set[int]:
        place = self._line(at)
        return self._spans[number].get(place, set()) if place else set()

    def _block(self, number: int, mention: Mention, named: set[int]) -> set[int]:
        """The basic block of a mention, if nothing else is mentioned there; else the instruction."""
        block = {*self._flow(number).block(mention.at)}
        return {mention.at} if self._others(number, block, named) else block

    def _leading_there(self, number: int, named: set[int], dead: set[int]) -> set[int]:
        """Lines that do nothing but load something and jump into dead code: calls that share their end."""
        found: set[int] = set()
        for mention in self._graph.mentions[number]:
            if mention.flow == "jump" and mention.target in dead and mention.at not in dead:
                line = self._of_line(number, mention.at)
                found |= set() if self._others(number, line, named) else line
        return found

    def _others(self, number: int, code: set[int], named: set[int]) -> bool:
        """Whether code of a function mentions functions or objects, besides itself, that stay."""
        targets = {self._graph.pieces.number(m.target) for m in self._graph.mentions[number] if m.at in code}
        return any(self._graph.pieces[n].kind != "unnamed" for n in targets - named - {-1, number})
