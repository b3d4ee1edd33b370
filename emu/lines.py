# SPDX-License-Identifier: GPL-2.0-or-later
"""Source lines from DWARF 2-5 line programs; decodes only the compilation units that are asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

Row = tuple[int, str, int]
END = ""
"""File name of a row that closes a sequence."""


class LineTable:
    """Lines of one ELF (pyelftools' ELFFile, or None for no information).

    Debug information is a convenience: whatever is missing or malformed in it makes an answer None, never an error.
    """

    def __init__(self, elf: Any) -> None:
        self._dwarf: Any = None
        self._units: list[tuple[int, int, int]] | None = None
        self._rows: dict[int, list[Row]] = {}
        try:
            if elf is not None and elf.has_dwarf_info(strict=True):
                self._dwarf = elf.get_dwarf_info()
        except Exception:  # pyelftools raises whatever the malformed data leads to
            self._dwarf = None

    def lookup(self, address: int) -> tuple[str, int] | None:
        """File (as compiled, with its directory) and line of the code at `address`."""
        if self._dwarf is None:
            return None
        for unit in self._units_at(address):
            rows = self._unit_rows(unit)
            position = bisect_right(rows, (address, "\U0010ffff", 0)) - 1
            if position >= 0 and rows[position][1] != END and rows[position][2]:
                return rows[position][1], rows[position][2]
        return None

    def _units_at(self, address: int) -> list[int]:
        if self._units is None:
            self._units = self._read_units()
        return [unit for start, end, unit in self._units if start <= address < end]

    def _read_units(self) -> list[tuple[int, int, int]]:
        """(start, end, offset in .debug_info) from .debug_aranges, or from the units (clang writes no aranges)."""
        try:
            aranges = self._dwarf.get_aranges()
            if aranges is not None and aranges.entries:
                return [(e.begin_addr, e.begin_addr + e.length, e.info_offset) for e in aranges.entries]
        except Exception:
            pass
        found: list[tuple[int, int, int]] = []
        try:
            for unit in self._dwarf.iter_CUs():
                found += ((start, end, unit.cu_offset) for start, end in self._unit_ranges(unit))
        except Exception:
            pass
        return found

    def _unit_ranges(self, unit: Any) -> list[tuple[int, int]]:
        attributes = unit.get_top_DIE().attributes
        low = attributes["DW_AT_low_pc"].value if "DW_AT_low_pc" in attributes else 0
        if "DW_AT_high_pc" in attributes:
            high = attributes["DW_AT_high_pc"]
            return [(low, high.value if high.form == "DW_FORM_addr" else low + high.value)]
        if "DW_AT_ranges" not in attributes:
            return []
        ranges, base = [], low
        for entry in self._dwarf.range_lists().get_range_list_at_offset(attributes["DW_AT_ranges"].value, cu=unit):
            if hasattr(entry, "base_address"):
                base = entry.base_address
            else:
                shift = 0 if getattr(entry, "is_absolute", False) else base
                ranges.append((shift + entry.begin_offset, shift + entry.end_offset))
        return ranges

    def _unit_rows(self, offset: int) -> list[Row]:
        if offset not in self._rows:
            try:
                self._rows[offset] = sorted(self._decode(offset), key=lambda row: row[0])
            except Exception:
                self._rows[offset] = []
        return self._rows[offset]

    def _decode(self, offset: int) -> Iterator[Row]:
        """Rows of one unit's line program; a closing row sorts before the row that opens the next sequence there."""
        unit = self._dwarf.get_CU_at(offset)
        program = self._dwarf.line_program_for_CU(unit)
        if program is None:
            return
        names = _file_names(unit, program)
        states = [entry.state for entry in program.get_entries() if entry.state is not None]
        sequences: list[list[Row]] = [[]]
        for state in states:
            name = END if state.end_sequence else names.get(state.file, "?")
            sequences[-1].append((state.address, name, state.line))
            if state.end_sequence:
                sequences.append([])
        for sequence in sorted((s for s in sequences if s), key=lambda rows: (rows[0][0], rows[-1][0])):
            yield from sequence


def _file_names(unit: Any, program: Any) -> dict[int, str]:
    """File register -> path. Version 5 counts files and directories from 0, older ones from 1 (DWARF 5, 6.2.4)."""
    header = program.header
    base = 0 if header["version"] >= 5 else 1
    attributes = unit.get_top_DIE().attributes
    directories = [_text(d) for d in header["include_directory"]]
    if base:
        compiled_in = attributes.get("DW_AT_comp_dir")
        directories.insert(0, _text(compiled_in.value) if compiled_in else "")
    names = {}
    for number, entry in enumerate(header["file_entry"], base):
        name = _text(entry.name)
        directory = directories[entry.dir_index] if entry.dir_index < len(directories) else ""
        absolute = name.startswith("/") or name[1:2] == ":"
        names[number] = name if absolute or not directory else f"{directory}/{name}"
    return names


def _text(value: Any) -> str:
    raw = getattr(value, "name", value)
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
