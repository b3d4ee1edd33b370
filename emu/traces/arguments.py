# SPDX-License-Identifier: GPL-2.0-or-later
"""Arguments and results of calls, by DWARF types and the rules of the Procedure Call Standard (AAPCS32, 6.4 to 6.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stm32emu.dwarf_functions import Function, Functions, Variable
from stm32emu.dwarf_locations import Frame, locate
from stm32emu.dwarf_types import Shape, Type
from stm32emu.dwarf_values import Values

ARGUMENT_REGISTERS = 4
EF_ARM_ABI_FLOAT_HARD = 0x400
CLONES = (".isra.", ".constprop.", ".part.")
"""What GCC adds to the name of a function that has other parameters than its source."""
UNKNOWN = "?"


@dataclass(frozen=True)
class Entry:
    """A call's first moment: where, r0 to r3, SP."""

    address: int
    registers: Sequence[int]
    sp: int


class Arguments:
    """Shows the arguments and results of one firmware's functions; without DWARF the registers."""

    def __init__(self, values: Values) -> None:
        symbols = values.symbols
        self._values = values
        self._functions = Functions(symbols.debug)
        self._known: dict[int, tuple[Function, list[tuple[Variable, int | None]]] | None] = {}
        flags = symbols.elf["e_flags"] if symbols.elf is not None else 0
        self._floats_apart = bool(flags & EF_ARM_ABI_FLOAT_HARD)

    def shown(self, entry: Entry) -> list[tuple[str, str]]:
        """(name, value) of each argument of a call."""
        known = self._function(entry.address)
        if known is None:
            return [(f"r{n}", f"{entry.registers[n]:#x}") for n in range(ARGUMENT_REGISTERS)]
        symbol = self._values.symbols.lookup(entry.address)
        clone = symbol is not None and any(mark in symbol.name for mark in CLONES)
        return [(variable.name, self._argument(variable, place, entry, clone)) for variable, place in known[1]]

    def result(self, address: int, r0: int, r1: int) -> str:
        """What a call returned, "" for nothing."""
        known = self._function(address)
        if known is None:
            return f"{r0:#x}"
        type_ = known[0].result
        if type_.shape is Shape.VOID:
            return ""
        if _by_memory(type_):
            return self._values.at(type_, r0)
        if type_.shape is Shape.FLOAT and self._floats_apart:
            return UNKNOWN
        return self._values.render(type_, _bytes((r0, r1))[: type_.size or 4])

    def _function(self, address: int) -> tuple[Function, list[tuple[Variable, int | None]]] | None:
        """What DWARF knows, and where the parameters are."""
        if address not in self._known:
            function = self._functions.at(address)
            self._known[address] = None if function is None else (function, self._places(function))
        return self._known[address]

    def _places(self, function: Function) -> list[tuple[Variable, int | None]]:
        """The word in which each parameter begins: r0 to r3, then the stack; None for an FP register."""
        places: list[tuple[Variable, int | None]] = []
        word = 1 if _by_memory(function.result) else 0  # r0 is where the result goes
        for variable in function.parameters:
            type_ = variable.type
            if type_.shape is Shape.FLOAT and self._floats_apart:
                places.append((variable, None))
                continue
            size = _size(type_)
            if size == 8 and type_.shape is not Shape.STRUCTURE:  # aligned to 8 bytes
                word += word & 1
            places.append((variable, word))
            word += (size + 3) // 4
        return places

    def _argument(self, variable: Variable, place: int | None, entry: Entry, clone: bool) -> str:
        frame = Frame(entry.address, dict(enumerate(entry.registers)), entry.sp)
        found = locate(variable.die, frame) if clone else None
        if clone:
            place = found.register if found is not None else None
        if place is None:
            return UNKNOWN
        size = _size(variable.type)
        words = _bytes(entry.registers[place:ARGUMENT_REGISTERS])
        on_stack = max(place - ARGUMENT_REGISTERS, 0) * 4
        raw = words + self._values.peek(entry.sp + on_stack, max(size - len(words), 0))
        return self._values.render(variable.type, raw[: size or 4])


def _bytes(words: Sequence[int]) -> bytes:
    return b"".join(word.to_bytes(4, "little") for word in words)


def _size(type_: Type) -> int:
    """As an argument."""
    return type_.size or 4


def _by_memory(type_: Type) -> bool:
    """Whether a result of this type is stored where r0 says (AAPCS32, 6.5)."""
    return type_.shape is Shape.STRUCTURE and type_.size > 4


def as_text(arguments: Sequence[tuple[str, Any]]) -> str:
    """`name=value, name=value`."""
    return ", ".join(f"{name}={value}" for name, value in arguments)
