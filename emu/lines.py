# SPDX-License-Identifier: GPL-2.0-or-later
"""Source lines from DWARF 2-5 line programs; decodes only the compilation units that are asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from stm32emu.debug_units import DebugUnits

Row = tuple[int, str, int]
END = ""
"""File name of a row that closes a sequence."""


class Span(NamedTuple):
    """Code from address `start` up to `end` that comes from one line of a file (path as compiled)."""

    start: int
    end: int
    file: str
    line: int


class LineTable:
    """Lines of the code in `units`; None where the information is missing or malformed, never an error."""

    def __init__(self, units: DebugUnits) -> None:
        self._units = units
        self._rows: dict[int, list[Row]] = {}

    def lookup(self, address: int) -> tuple[str, int] | None:
        """File (as compiled, with its directory) and line of the code at `address`."""
        for unit in self._units.at(address):
            rows = self._unit_rows(unit)
            position = bisect_right(rows, (address, "\U0010ffff", 0)) - 1
            if position >= 0 and rows[position][1] != END and rows[position][2]:
                return rows[position][1], rows[position][2]
        return None

    def spans(self) -> Iterator[Span]:
        """Everything that is known, unit by unit; also of functions that the linker dropped, which lie at address 0."""
        for unit in self._units.offsets():
            for (start, file, line), (end, *_next) in pairwise(self._unit_rows(unit)):
                if file != END and line and start < end:
                    yield Span(start, end, file, line)

    def _unit_rows(self, offset: int) -> list[Row]:
        if offset not in self._rows:
            try:
                self._rows[offset] = sorted(self._decode(offset), key=lambda row: row[0])
            except Exception:  # pyelftools raises whatever the malformed data leads to
                self._rows[offset] = []
        return self._rows[offset]

    def _decode(self, offset: int) -> Iterator[Row]:
        """Rows of one unit's line program; a closing row sorts before the row that opens the next sequence there."""
        unit = self._units.dwarf.get_CU_at(offset)
        program = self._units.dwarf.line_program_for_CU(unit)
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
