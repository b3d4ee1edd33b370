# SPDX-License-Identifier: GPL-2.0-or-later
"""The basic blocks of one function in flash, and what of them is no longer needed when some of its code goes."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

from stm32emu.conditions import condition
from stm32emu.flash_graph import FlashGraph


class ControlFlow:
    """Of the function that is piece `number` of a firmware. Code is given and found as addresses of halfwords."""

    def __init__(self, graph: FlashGraph, number: int) -> None:
        piece = graph.pieces[number]
        parts = [*graph.code(piece)]
        self._graph = graph
        self.halfword = graph.halfword
        self.code = frozenset(at for part in parts for at in range(*part, 2))
        self.flows = {m.at: m for m in graph.mentions[number] if m.flow in ("jump", "branch")}
        self.calls = sorted(m.at for m in graph.mentions[number] if m.flow == "call")
        within = [m for m in self.flows.values() if piece.start <= m.target < piece.end]
        leaders = {piece.start, piece.end, *(end for part in parts for end in part)}
        leaders |= {at for m in within for at in (m.target, self.after(m.at))}
        self.leaders = sorted(leaders)

    def block(self, at: int) -> range:
        """The basic block with the instruction at `at`."""
        position = bisect_right(self.leaders, at)
        return range(self.leaders[position - 1], self.leaders[position], 2)

    def condition(self, branch: int) -> set[int]:
        """A branch, and the comparison that only it needs."""
        return condition(self.halfword, self.block(branch).start, branch)

    def after(self, at: int) -> int:
        """Where the next instruction starts."""
        return at + self._graph.width(at)

    def idle(self, dead: set[int]) -> set[int]:
        """What else of the function goes when `dead` code does: jumps and tests without a use."""
        return (self._emptied(dead) | self._joined(dead)) & self.code - dead

    def _emptied(self, dead: set[int]) -> set[int]:
        """The rest of basic blocks that do nothing any more: the jump at their end, and tests that lead to them."""
        found: set[int] = set()
        for start, end in pairwise(self.leaders):
            left = [at for at in range(start, end, 2) if at not in dead]
            if start in dead and (not left or self._is_jump(left[0], end)):
                found.update(left)
                tests = (m.at for m in self.flows.values() if m.target == start and m.flow == "branch")
                found.update(at for test in tests for at in self.condition(test))
        return found

    def _joined(self, dead: set[int]) -> set[int]:
        """Jumps to what nothing else leads to, since what came before it goes: it takes the jump's place."""
        found: set[int] = set()
        alive = [m for m in self.flows.values() if m.at not in dead]
        for before, start in pairwise(self.leaders):
            if start in self.code - dead and all(at in dead for at in range(before, start, 2)):
                leading = [m for m in alive if m.target == start]
                if [m.flow for m in leading] == ["jump"]:
                    found |= self._halfwords(leading[0].at)
        return found

    def _is_jump(self, at: int, end: int) -> bool:
        """Whether nothing but an unconditional jump lies between `at` and `end`."""
        return at in self.flows and self.flows[at].flow == "jump" and self.after(at) == end

    def _halfwords(self, at: int) -> set[int]:
        return {*range(at, self.after(at), 2)}
