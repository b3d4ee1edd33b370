# SPDX-License-Identifier: GPL-2.0-or-later
"""The code of functions that stay, but for which some others would not be compiled.

It is found by lines: a line of source that calls what goes, or uses a text that goes, goes with all its code, which
includes the set-up of arguments. Inlined copies go as a whole, and so does a basic block that handles nothing but
objects that go.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from stm32emu.dwarf_sources import Sources
from stm32emu.flash_graph import FlashGraph
from stm32emu.flash_pieces import Piece
from stm32emu.mentions import Mention
from stm32emu.symbols import Symbols


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
        base = piece.file.replace("\\", "/").rsplit("/", 1)[-1]
        return self.name(piece.name) or bool(self.files and re.fullmatch(self.files, base))


class DeadCode:
    """The code of one firmware."""

    def __init__(self, graph: FlashGraph, symbols: Symbols, sources: Sources) -> None:
        self._graph = graph
        self._sources = sources
        self._line = symbols.line
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
        code = {at for part in self._graph.code(self._graph.pieces[number]) for at in range(*part, 2)}
        dead = inlined & code
        for mention in self._graph.mentions[number]:
            if self._graph.pieces.number(mention.target) in named:
                dead |= self._with(number, mention, named) & code
        while dead and (more := (self._leading_there(number, named, dead) | self._emptied(number, dead)) & code - dead):
            dead |= more
        return dead

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
        start, end = next((s, e) for s, e in pairwise(self._leaders(number)) if s <= mention.at < e)
        block = set(range(start, end, 2))
        return {mention.at} if self._others(number, block, named) else block

    def _leaders(self, number: int) -> list[int]:
        """Where basic blocks of a function start, and its end."""
        piece = self._graph.pieces[number]
        found = {at for part in self._graph.code(piece) for at in part} | {piece.start, piece.end}
        for mention in self._graph.mentions[number]:
            if mention.flow in ("jump", "branch") and piece.start <= mention.target < piece.end:
                found |= {mention.target, mention.at + self._graph.width(mention.at)}
        return sorted(found)

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

    def _emptied(self, number: int, dead: set[int]) -> set[int]:
        """What is left of basic blocks that do nothing any more: the jump at their end, and tests that lead to them."""
        found: set[int] = set()
        flows = {m.at: m for m in self._graph.mentions[number] if m.flow in ("jump", "branch")}
        for start, end in pairwise(self._leaders(number)):
            left = [at for at in range(start, end, 2) if at not in dead]
            only_jump = bool(left) and left[0] in flows and left[0] + self._graph.width(left[0]) == end
            if start in dead and (not left or (only_jump and flows[left[0]].flow == "jump")):
                found.update(left)
                tests = (m.at for m in flows.values() if m.target == start and m.flow == "branch")
                found.update(at for test in tests for at in self._graph.test(test))
        return found
