# SPDX-License-Identifier: GPL-2.0-or-later
"""Functions as DWARF describes them: parameters, result, local variables (DWARF 5, 3.3 and 4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from stm32emu.debug_units import DebugUnits
from stm32emu.dwarf_types import Type, children, text_of

MOST_ORIGINS = 8
_ORIGINS = ("DW_AT_abstract_origin", "DW_AT_specification")
_ASSEMBLER = 0x8001  # DW_LANG_Mips_Assembler, which all assemblers use
_SCOPES = {"DW_TAG_lexical_block", "DW_TAG_inlined_subroutine"}
_VARIABLES = {"DW_TAG_variable", "DW_TAG_formal_parameter"}


@dataclass(frozen=True, slots=True)
class Variable:
    """A parameter or local variable; `die` has its location."""

    name: str
    type: Type
    die: Any = field(repr=False, compare=False)


@dataclass(frozen=True)
class Function:
    """One compiled function."""

    die: Any = field(repr=False)

    @property
    def parameters(self) -> list[Variable]:
        """In order."""
        return [_variable(die) for die in children(self.die) if die.tag == "DW_TAG_formal_parameter"]

    @property
    def result(self) -> Type:
        """What it returns."""
        return type_of(self.die)

    def variables(self, pc: int) -> list[Variable]:
        """Parameters and variables in scope at `pc`, those of inlined functions included, outermost first."""
        return [_variable(die) for die in _in_scope(self.die, pc) if _named(die)]


class Functions:
    """The functions of a firmware by where they start; whatever is missing or malformed in DWARF makes no answer."""

    def __init__(self, debug: DebugUnits) -> None:
        self._debug = debug
        self._known: dict[int, dict[int, Any]] = {}

    def at(self, address: int) -> Function | None:
        """The function that starts at `address`."""
        try:
            units = map(self._unit, self._debug.at(address))
            return next((Function(unit[address]) for unit in units if address in unit), None)
        except Exception:  # pyelftools raises whatever the malformed data leads to
            return None

    def _unit(self, offset: int) -> dict[int, Any]:
        if offset not in self._known:
            top = self._debug.dwarf.get_CU_at(offset).get_top_DIE()
            language = top.attributes.get("DW_AT_language")
            assembly = language is not None and language.value == _ASSEMBLER  # has functions without parameters
            found = [die for die in children(top) if die.tag == "DW_TAG_subprogram" and not assembly]
            self._known[offset] = {
                die.attributes["DW_AT_low_pc"].value & ~1: die for die in found if "DW_AT_low_pc" in die.attributes
            }
        return self._known[offset]


def _with(die: Any, attribute: str) -> Any:
    """`die`, or the abstract instance or declaration that it comes from and that has `attribute`."""
    found = die
    try:
        for _ in range(MOST_ORIGINS):
            origin = next((name for name in _ORIGINS if name in found.attributes), None)
            if attribute in found.attributes or origin is None:
                return found
            found = found.get_DIE_from_attribute(origin)
    except Exception:  # pyelftools raises whatever the malformed data leads to
        pass
    return die


def _named(die: Any) -> bool:
    return "DW_AT_name" in _with(die, "DW_AT_name").attributes


def _variable(die: Any) -> Variable:
    return Variable(name_of(die) or "?", type_of(die), die)


def type_of(die: Any) -> Type:
    """Its own type, or that of what it is an instance of."""
    return Type.of(_with(die, "DW_AT_type"))


def name_of(die: Any) -> str:
    """Its own name, or that of what it is an instance of; "" without one."""
    return text_of(_with(die, "DW_AT_name"), "DW_AT_name")


def _in_scope(die: Any, pc: int) -> Iterator[Any]:
    for child in children(die):
        if child.tag in _VARIABLES:
            yield child
        elif child.tag in _SCOPES and _covers(child, pc):
            yield from _in_scope(child, pc)


def _covers(die: Any, pc: int) -> bool:
    try:
        return any(start <= pc < end for start, end in DebugUnits.ranges(die))
    except Exception:  # pyelftools raises whatever the malformed data leads to
        return False
