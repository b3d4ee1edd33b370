# SPDX-License-Identifier: GPL-2.0-or-later
"""`--trace NAME`: every call of some functions, with arguments and results."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache

from stm32emu.calls import Call, Event, FollowedCalls, Interest
from stm32emu.dwarf_values import Values
from stm32emu.errors import UserError
from stm32emu.machine import Machine
from stm32emu.symbols import Symbol, Symbols
from stm32emu.traces.arguments import Arguments, Entry, as_text
from stm32emu.traces.journal import Journal

NEAR_NAMES = 3
INDENT = "  "


class CallTrace:
    """Tells of the calls of all functions that one of `patterns` fits. Raises UserError where one fits none."""

    def __init__(self, patterns: Sequence[str], machine: Machine, journal: Journal) -> None:
        self._machine = machine
        self._journal = journal
        self._names = {s.address: s.name for p in patterns for s in _matching(machine, p)}
        self._arguments = Arguments(Values(machine.memory.peek, machine.symbols))
        self._depths: dict[int, int] = {}  # of the calls under way
        self._place = cache(journal.scene.place)
        FollowedCalls(machine, dict.fromkeys(self._names, Interest.ALL), self._heard)

    def _heard(self, event: Event, call: Call) -> None:
        if event is Event.ENTERED:
            self._entered(call)
        else:
            self._returned(call)

    def _entered(self, call: Call) -> None:
        *registers, sp, _lr = self._machine.cpu.call_registers()
        depth = self._depths[call.number] = self._depths.get(call.outer, -1) + 1
        name, place = self._names[call.function], self._place(call.returns_to - 2)
        arguments = self._arguments.shown(Entry(call.function, registers, sp))
        text = f"{INDENT * depth}{name}({as_text(arguments)}), called from {place}"
        data = {"function": name, "arguments": dict(arguments), "from": vars(place), "registers": registers}
        self._journal.add("trace", text, {"event": "call", "number": call.number, **data})

    def _returned(self, call: Call) -> None:
        depth = self._depths.pop(call.number, 0)
        r0, r1, *_rest = self._machine.cpu.call_registers()
        name, result = self._names[call.function], self._arguments.result(call.function, r0, r1)
        text = f"{INDENT * depth}{name} = {result}" if result else f"{INDENT * depth}{name} returns"
        data = {"function": name, "result": result, "r0": r0}
        self._journal.add("trace", text, {"event": "return", "number": call.number, **data})


def _matching(machine: Machine, pattern: str) -> list[Symbol]:
    functions = _functions(machine.symbols)
    found = [functions[name] for name in functions if fnmatchcase(name, pattern)]
    if found:
        return found
    near = get_close_matches(pattern.strip("*"), functions, NEAR_NAMES)
    hint = f"names like it: {', '.join(near)}" if near else "it may be inlined, or the ELF stripped of its names"
    raise UserError(f"--trace: {machine.firmware.path.name} has no function {pattern}; {hint}")


def _functions(symbols: Symbols) -> dict[str, Symbol]:
    return {s.name: s for s in symbols if s.kind == "function" and symbols.is_code(s.address)}
