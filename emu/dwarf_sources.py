# SPDX-License-Identifier: GPL-2.0-or-later
"""Where code and data come from, by DWARF: source files, and functions that were inlined (DWARF 5, 3.3.8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from stm32emu.debug_units import DebugUnits
from stm32emu.dwarf_functions import name_of, type_of
from stm32emu.dwarf_types import Shape
from stm32emu.symbols import file_name

_ADDR = 0x03  # DW_OP_addr


class Sources:
    """What the units of an ELF say; empty where the information is missing or malformed, never an error."""

    def __init__(self, debug: DebugUnits) -> None:
        self._debug = debug
        self._inlined: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._rows: dict[int, int] = {}

    def file(self, address: int) -> str:
        """The source file, as compiled, of the unit with code at `address`; else of the variable there; else ""."""
        units = self._debug.at(address)
        return self._unit_name(units[0]) if units else self._variables.get(address, "")

    def named(self, base_name: str) -> str:
        """The one source file with this base name; the base name itself if there are several, or none."""
        found = self._by_base_name.get(base_name, [])
        return found[0] if len(found) == 1 else base_name

    @cached_property
    def inlined(self) -> dict[str, list[tuple[int, int]]]:
        """By function the code ranges (start, end) into which it was inlined."""
        self._read()
        return self._inlined

    @cached_property
    def rows(self) -> dict[int, int]:
        """By address of an array the bytes of its elements."""
        self._read()
        return self._rows

    def _read(self) -> None:
        """All DIEs, once: it takes a second or more."""
        for die in self._dies() if not self._inlined else ():
            address = _address(die) if die.tag == "DW_TAG_variable" else None
            if die.tag == "DW_TAG_inlined_subroutine":
                self._inlined[name_of(die)] += DebugUnits.ranges(die)
            elif address is not None:
                self._rows[address] = _row_size(die)

    def _dies(self) -> Iterator[Any]:
        try:
            for offset in self._debug.offsets():
                yield from self._debug.dwarf.get_CU_at(offset).iter_DIEs()
        except Exception:  # pyelftools raises whatever the malformed data leads to
            return

    @cached_property
    def _variables(self) -> dict[int, str]:
        """The files of global variables by address."""
        found = {}
        for offset in self._debug.offsets():
            try:
                for die in self._debug.dwarf.get_CU_at(offset).get_top_DIE().iter_children():
                    address = _address(die) if die.tag == "DW_TAG_variable" else None
                    if address is not None:
                        found[address] = self._unit_name(offset)
            except Exception:
                continue
        return found

    @cached_property
    def _by_base_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name in dict.fromkeys(map(self._unit_name, self._debug.offsets())):
            found[file_name(name)].append(name)
        return found

    def _unit_name(self, offset: int) -> str:
        try:
            return name_of(self._debug.dwarf.get_CU_at(offset).get_top_DIE())
        except Exception:
            return ""


def _address(die: Any) -> int | None:
    """Where a variable lies that has a place of its own."""
    place = die.attributes.get("DW_AT_location")
    words = place.value if place is not None and isinstance(place.value, list) else []
    return int.from_bytes(bytes(words[1:]), "little") if words[:1] == [_ADDR] and len(words) == 5 else None


def _row_size(die: Any) -> int:
    """Bytes of the elements of an array; 0 of anything else."""
    kind = type_of(die)
    return kind.target.size if kind.shape is Shape.ARRAY else 0
