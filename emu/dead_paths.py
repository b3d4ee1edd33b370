# SPDX-License-Identifier: GPL-2.0-or-later
"""Code that is only reached by a test that chose between code that goes and other code."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise

from stm32emu._core import flow as registers
from stm32emu.control_flow import ControlFlow
from stm32emu.prologue import is_wide

R0 = 1
"""As a mask of registers: where a call returns its result."""


class DeadPaths:
    """Of one function, of which `gone` is code that is known to go, not just for having nothing left to do."""

    def __init__(self, flow: ControlFlow, gone: frozenset[int]) -> None:
        self._flow = flow
        self._gone = gone

    def unreached(self, dead: set[int]) -> set[int]:
        """Tests that lose one of their sides when `dead` code goes, and all that is only reached over it."""
        sides = {at: side for at in self._flow.flows if (side := self._dead_side(at, dead)) is not None}
        if not sides or self._has_tables:
            return set()
        tests = {half for at in sides for half in self._flow.condition(at)}
        lost = self._reached({}) - self._reached(sides)
        return tests | {at for start in lost for at in self._flow.block(start)}

    def _dead_side(self, at: int, dead: set[int]) -> int | None:
        """Where the branch at `at` leads to dead code, if it goes itself or tests what a call returned that goes."""
        target, after = self._flow.flows[at].target, self._flow.after(at)
        if self._flow.flows[at].flow != "branch" or (target in dead) == (after in dead):
            return None
        return (target if target in dead else after) if at in self._gone or self._tests_dead_call(at, dead) else None

    def _tests_dead_call(self, branch: int, dead: set[int]) -> bool:
        """Whether the last call before the branch is dead, and its result decides."""
        block, needed = self._flow.block(branch), self._flow.condition(branch)
        calls = [at for at in self._flow.calls if block.start <= at < branch]
        if not calls or calls[-1] not in dead:
            return False
        at, holding = self._flow.after(calls[-1]), R0
        while at < min(needed):
            holding = holding if at in dead else _passed(holding, self._flow.halfword(at), self._flow.halfword(at + 2))
            at = self._flow.after(at)
        tested, *_rest = registers(self._flow.halfword(at), self._flow.halfword(at + 2))
        return tested != 0 and not tested & ~holding

    def _reached(self, sides: dict[int, int]) -> set[int]:
        """Where blocks start that the function can come to, if the tests in `sides` never go there."""
        found = {self._flow.leaders[0]}
        waiting = list(found)
        while waiting:
            at = waiting.pop()
            for start in self._successors(at):
                if start not in found and sides.get(self._ends[at]) != start:
                    found.add(start)
                    waiting.append(start)
        return found

    def _successors(self, start: int) -> list[int]:
        last, end = self._ends[start], self._flow.block(start).stop
        leading = self._flow.flows.get(last)
        found = [leading.target] if leading and leading.target in self._flow.code else []
        falls = leading.flow != "jump" if leading else not self._leaves(last)
        return [*found, end] if falls and end in self._flow.code else found

    @cached_property
    def _ends(self) -> dict[int, int]:
        """The last instruction of each block, by where it starts."""
        found = {}
        for start, end in pairwise(self._flow.leaders):
            last = at = start
            while at < end and at in self._flow.code:
                last, at = at, self._flow.after(at)
            found[start] = last
        return found

    @cached_property
    def _has_tables(self) -> bool:
        """Whether there is a TBB or TBH (ARMv7-M ARM A7.7.185), of which it is not known here where they lead."""
        halfword = self._flow.halfword
        return any(halfword(at) & 0xFFF0 == 0xE8D0 and halfword(at + 2) & 0xFFE0 == 0xF000 for at in self._flow.code)

    def _leaves(self, at: int) -> bool:
        """BX, POP and LDM with PC, and loads of PC (ARMv7-M ARM A7.7.20, A7.7.99, A7.7.41, A7.7.43)."""
        first, second = self._flow.halfword(at), self._flow.halfword(at + 2)
        if is_wide(first):
            return (first & 0xFE50 == 0xE810 and second & 0x8000 != 0) or (
                first & 0xFF70 == 0xF850 and second & 0xF000 == 0xF000
            )
        return first & 0xFF87 == 0x4700 or first & 0xFF00 == 0xBD00


def _passed(holding: int, first: int, second: int) -> int:
    """The registers that hold a value after an instruction, of those that did before; copies included."""
    sources, targets, transfers, addresses, _flags, _use, length, store, _offset = registers(first, second)
    if first & 0xFF00 == 0x4600 and sources & holding:  # MOV (register), encoding T1
        return holding | targets
    return holding & ~(targets | (0 if store else transfers) | (addresses if length else 0))
