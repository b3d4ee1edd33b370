# SPDX-License-Identifier: GPL-2.0-or-later
"""Call frame information (.debug_frame, .eh_frame): from a function's registers to its caller's (DWARF 5, 6.4)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

SP, LR, PC = 13, 14, 15
ReadWord = Callable[[int], int | None]


class CallFrameInfo:
    """The frame rules of one ELF (pyelftools' ELFFile, or None). Malformed information counts as none."""

    def __init__(self, elf: Any) -> None:
        self._entries: list[tuple[int, int, Any]] = []
        try:
            if elf is not None and elf.has_dwarf_info(strict=False):
                self._entries = sorted(_read(elf.get_dwarf_info()), key=lambda entry: entry[0])
        except Exception:  # pyelftools raises whatever the malformed data leads to
            self._entries = []
        self._starts = [entry[0] for entry in self._entries]

    def caller(self, pc: int, registers: Mapping[int, int], read_word: ReadWord) -> dict[int, int] | None:
        """Registers of the caller of the function at `pc`, numbered 0-15 with PC (15) the return address.

        Registers whose value is lost are left out; None where no rule covers `pc` or memory cannot be read.
        """
        row = self._row(pc)
        if row is None:
            return None
        rule = row["cfa"]
        base = registers.get(rule.reg) if rule.expr is None else None
        if base is None:
            return None
        cfa = (base + rule.offset) & 0xFFFF_FFFF
        found = {number: value for number, value in registers.items() if number < LR}
        for number in range(LR + 1):
            value = _apply(row.get(number), number, registers, cfa, read_word)
            if value is None and number in row and row[number].type == "OFFSET":
                return None  # the frame is not where the rule puts it
            found.pop(number, None)
            if value is not None:
                found[number] = value
        if LR not in found:
            return None
        found[PC] = found.pop(LR)
        found[SP] = cfa
        return found

    def _row(self, pc: int) -> Any | None:
        """The row of the table in force at `pc`."""
        position = bisect_right(self._starts, pc) - 1
        if position < 0 or pc >= self._entries[position][1]:
            return None
        try:
            table = self._entries[position][2].get_decoded().table
        except Exception:
            return None
        rows = [row for row in table if row["pc"] & ~1 <= pc]
        return rows[-1] if rows and "cfa" in rows[-1] else None


def _read(dwarf: Any) -> list[tuple[int, int, Any]]:
    """(start, end, FDE) of every function described."""
    sources: list[Any] = []
    if dwarf.has_CFI():
        sources += dwarf.CFI_entries()
    if dwarf.has_EH_CFI():
        sources += dwarf.EH_CFI_entries()
    found = []
    for entry in sources:
        if hasattr(entry, "cie") and entry.cie is not None and "initial_location" in entry.header:
            start = entry.header["initial_location"] & ~1
            found.append((start, start + entry.header["address_range"], entry))
    return found


def _apply(rule: Any, number: int, registers: Mapping[int, int], cfa: int, read_word: ReadWord) -> int | None:
    """The caller's value of one register, or None when it is lost; without a rule it is unchanged."""
    kind = "SAME_VALUE" if rule is None else rule.type
    if kind == "SAME_VALUE":
        return registers.get(number)
    if kind == "OFFSET":
        return read_word((cfa + rule.arg) & 0xFFFF_FFFF)
    if kind == "VAL_OFFSET":
        return int(cfa + rule.arg) & 0xFFFF_FFFF
    return registers.get(rule.arg) if kind == "REGISTER" else None
