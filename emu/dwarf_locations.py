# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a variable is at some place in the code: a register, memory, or a value known without either (DWARF 5, 2.6).

Expressions are understood as far as compilers use them for whole variables; of one in pieces, or one that needs a value
the caller had, nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elftools.dwarf.dwarf_expr import DWARFExprParser
from elftools.dwarf.locationlists import BaseAddressEntry, LocationEntry, LocationExpr, LocationParser


@dataclass(frozen=True, slots=True)
class Frame:
    """A function's frame: registers by number (0 to 15) as far as known, and the CFA, which is SP on entry."""

    pc: int
    registers: Mapping[int, int]
    cfa: int | None


@dataclass(frozen=True, slots=True)
class Location:
    """One of: the register's number, the address, the value."""

    register: int | None = None
    address: int | None = None
    value: int | None = None


def locate(die: Any, frame: Frame) -> Location | None:
    """Where the variable `die` is in `frame`; None when it is nowhere then, or DWARF does not tell."""
    try:
        expression = _expression(die, frame.pc)
        return None if expression is None else _evaluate(die, expression, frame)
    except Exception:  # pyelftools raises whatever the malformed data leads to
        return None


def _expression(die: Any, pc: int) -> list[int] | None:
    """DW_AT_location, or the entry of its list that covers `pc`."""
    attribute = die.attributes.get("DW_AT_location")
    if attribute is None:
        return None
    lists = die.cu.dwarfinfo.location_lists()
    parsed = LocationParser(lists).parse_from_attribute(attribute, die.cu["version"], die)
    if isinstance(parsed, LocationExpr):
        return list(parsed.loc_expr)
    top = die.cu.get_top_DIE().attributes
    base = top["DW_AT_low_pc"].value if "DW_AT_low_pc" in top else 0
    for entry in parsed:
        if isinstance(entry, BaseAddressEntry):
            base = entry.base_address
        elif isinstance(entry, LocationEntry):
            start = entry.begin_offset + (0 if entry.is_absolute else base)
            if start <= pc < start + entry.end_offset - entry.begin_offset:
                return list(entry.loc_expr)
    return None


def _evaluate(die: Any, expression: list[int], frame: Frame) -> Location | None:
    stack: list[int] = []
    is_value = False
    for operation in DWARFExprParser(die.cu.structs).parse_expr(expression):
        name, arguments = operation.op_name.removeprefix("DW_OP_"), operation.args
        if name.startswith("reg") and name[3:].isdigit():
            return Location(register=int(name[3:]))
        if name == "stack_value":
            is_value = True
        elif not _push(stack, name, arguments, frame):
            return None
    if len(stack) != 1:
        return None
    return Location(value=stack[0]) if is_value else Location(address=stack[0])


def _push(stack: list[int], name: str, arguments: list[int], frame: Frame) -> bool:
    """One operation on the stack; False when it is not known here or needs what is not known."""
    value: int | None = None
    if name == "addr" or name.startswith("const"):
        value = arguments[0]
    elif name.startswith("lit") and name[3:].isdigit():
        value = int(name[3:])
    elif name == "fbreg" and frame.cfa is not None:  # GCC's frame base is the CFA
        value = frame.cfa + arguments[0]
    elif name == "call_frame_cfa":
        value = frame.cfa
    elif name.startswith("breg") and int(name[4:]) in frame.registers:
        value = frame.registers[int(name[4:])] + arguments[0]
    elif name == "plus_uconst" and stack:
        value = stack.pop() + arguments[0]
    if value is None:
        return False
    stack.append(value & 0xFFFF_FFFF)
    return True
