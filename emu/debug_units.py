# SPDX-License-Identifier: GPL-2.0-or-later
"""The compilation units of an ELF's DWARF information, found by code address; and the structures they declare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stm32emu.dwarf_types import member_offset, text_of


@dataclass(frozen=True, slots=True)
class Member:
    """Where a structure's member lies, and its size in bytes (0 when DWARF does not say)."""

    offset: int
    size: int


class DebugUnits:
    """Units of one ELF (pyelftools' ELFFile, or None for no information).

    Debug information is a convenience: whatever is missing or malformed in it makes an answer empty, never an error.
    """

    def __init__(self, elf: Any) -> None:
        self.dwarf: Any = None
        self._ranges: list[tuple[int, int, int]] | None = None
        try:
            if elf is not None and elf.has_dwarf_info(strict=True):
                self.dwarf = elf.get_dwarf_info()
        except Exception:  # pyelftools raises whatever the malformed data leads to
            self.dwarf = None

    def at(self, address: int) -> list[int]:
        """Offsets in .debug_info of the units with code at `address`."""
        if self._ranges is None:
            self._ranges = self._read_ranges() if self.dwarf is not None else []
        return [unit for start, end, unit in self._ranges if start <= address < end]

    def offsets(self) -> list[int]:
        """Offsets in .debug_info of all units."""
        try:
            return [unit.cu_offset for unit in self.dwarf.iter_CUs()] if self.dwarf is not None else []
        except Exception:
            return []

    def members(self, structure: str, address: int) -> dict[str, Member]:
        """The members of `struct structure` as the unit with code at `address` knows it; empty if it does not."""
        try:
            for offset in self.at(address):
                for die in self.dwarf.get_CU_at(offset).get_top_DIE().iter_children():
                    if die.tag == "DW_TAG_structure_type" and _is_definition(die, structure):
                        return dict(_members(die))
        except Exception:
            pass
        return {}

    def _read_ranges(self) -> list[tuple[int, int, int]]:
        """(start, end, offset in .debug_info) from .debug_aranges, or from the units (clang writes no aranges)."""
        try:
            aranges = self.dwarf.get_aranges()
            if aranges is not None and aranges.entries:
                return [(e.begin_addr, e.begin_addr + e.length, e.info_offset) for e in aranges.entries]
        except Exception:
            pass
        found: list[tuple[int, int, int]] = []
        try:
            for unit in self.dwarf.iter_CUs():
                found += ((start, end, unit.cu_offset) for start, end in self.ranges(unit.get_top_DIE()))
        except Exception:
            pass
        return found

    @staticmethod
    def ranges(die: Any) -> list[tuple[int, int]]:
        """The address ranges (start, end) that a DIE has, by DW_AT_low_pc and DW_AT_high_pc, or by DW_AT_ranges."""
        if {"DW_AT_low_pc", "DW_AT_high_pc"} <= die.attributes.keys():
            low, high = die.attributes["DW_AT_low_pc"].value, die.attributes["DW_AT_high_pc"]
            return [(low, high.value if high.form == "DW_FORM_addr" else low + high.value)]
        if "DW_AT_ranges" not in die.attributes:
            return []
        top = die.cu.get_top_DIE().attributes
        ranges, base = [], top["DW_AT_low_pc"].value if "DW_AT_low_pc" in top else 0
        lists = die.cu.dwarfinfo.range_lists()
        for entry in lists.get_range_list_at_offset(die.attributes["DW_AT_ranges"].value, cu=die.cu):
            if hasattr(entry, "base_address"):
                base = entry.base_address
            else:
                shift = 0 if getattr(entry, "is_absolute", False) else base
                ranges.append((shift + entry.begin_offset, shift + entry.end_offset))
        return ranges


def _is_definition(die: Any, name: str) -> bool:
    tag = die.attributes.get("DW_AT_name")
    return tag is not None and tag.value == name.encode() and "DW_AT_declaration" not in die.attributes


def _members(structure: Any) -> list[tuple[str, Member]]:
    return [
        (text_of(die, "DW_AT_name"), Member(offset, _size(die)))
        for die in structure.iter_children()
        if die.tag == "DW_TAG_member" and "DW_AT_name" in die.attributes
        if (offset := member_offset(die)) is not None
    ]


def _size(die: Any) -> int:
    """Bytes of the type of `die`: through typedefs and qualifiers; of an array its elements times their count."""
    target = die.get_DIE_from_attribute("DW_AT_type")
    if "DW_AT_byte_size" in target.attributes:
        return int(target.attributes["DW_AT_byte_size"].value)
    if "DW_AT_type" not in target.attributes:
        return 0
    bounds = [part.attributes.get("DW_AT_upper_bound") for part in target.iter_children()]
    count = 1
    for bound in bounds if target.tag == "DW_TAG_array_type" else []:
        count *= bound.value + 1 if bound is not None and isinstance(bound.value, int) else 0
    return count * _size(target)
