# SPDX-License-Identifier: GPL-2.0-or-later
"""What else symbol tables say: which bytes are instructions, and which source file a local symbol is from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from stm32emu.elf import DAMAGE

END = 1 << 32


def code_stretches(elf: Any, code: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts of the ranges `code` that are instructions, by mapping symbols (ELF for the Arm Architecture 4.5.5)."""
    marks = sorted((s["st_value"], s.name[:2] == "$t") for s in _symbols(elf) if s.name[:2] in ("$t", "$d"))
    if not marks:
        return code
    found = []
    for (start, instructions), (end, _next) in pairwise([*marks, (END, False)]):
        section = next(((low, high) for low, high in code if low <= start < high), None)
        if instructions and section is not None and start < end:
            found.append((start, min(end, section[1])))
    return found


def local_files(elf: Any) -> dict[int, str]:
    """Address of each local object or function -> base name of its source file, from the STT_FILE symbol before it."""
    found, file = {}, ""
    for symbol in _symbols(elf):
        kind, binding = symbol["st_info"]["type"], symbol["st_info"]["bind"]
        if kind == "STT_FILE":
            file = symbol.name
        elif binding == "STB_LOCAL" and kind in ("STT_OBJECT", "STT_FUNC"):
            found[symbol["st_value"] & (~1 if kind == "STT_FUNC" else ~0)] = file
    return found


def _symbols(elf: Any) -> Iterator[Any]:
    """Of every symbol table; malformed ones end early."""
    try:
        for section in elf.iter_sections("SHT_SYMTAB") if elf is not None else ():
            yield from section.iter_symbols()
    except DAMAGE:
        return
