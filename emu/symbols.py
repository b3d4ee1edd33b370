# SPDX-License-Identifier: GPL-2.0-or-later
"""Names for addresses: the ELF's symbol table, and its DWARF line numbers when somebody asks."""

from __future__ import annotations

import importlib
import io
import os
import struct
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from elftools.elf.elffile import ELFFile

from stm32emu.cfi import CallFrameInfo
from stm32emu.debug_units import DebugUnits
from stm32emu.elf import DAMAGE
from stm32emu.lines import LineTable

SHF_ALLOC, SHF_EXECINSTR = 0x2, 0x4
PF_X = 0x1
STT_NOTYPE, STT_OBJECT, STT_FUNC = 0, 1, 2
STB_LOCAL, STB_GLOBAL, STB_WEAK = 0, 1, 2
KINDS = {STT_FUNC: "function", STT_OBJECT: "object", STT_NOTYPE: "label"}
_BINDING_RANK = {STB_GLOBAL: 0, STB_WEAK: 1, STB_LOCAL: 2}


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function ("function"), variable ("object") or untyped label ("label").

    `address` has the Thumb bit cleared; `size` is in bytes, 0 when the ELF does not say. `offset` is where in it the
    address that was looked up lies.
    """

    name: str
    address: int
    size: int
    kind: str
    offset: int = 0

    def __str__(self) -> str:
        return f"{self.name}+{self.offset:#x}" if self.offset else self.name


class _Entry(NamedTuple):
    """One row of the symbol table; sorts so that the best name of an address comes first.

    The name of a definition is better than its weak aliases (Default_Handler, not the first of fifty interrupts), and
    a bare label is the last choice.
    """

    address: int
    bare: bool
    weak: bool
    untyped: bool
    binding: int
    order: int
    symbol: Symbol
    section_end: int


class Symbols:
    """The symbols of one firmware.

    Args:
        entries: rows as `from_elf` makes them.
        code: executable address ranges (start, end).
        elf: pyelftools' ELFFile, for line numbers and types.
    """

    def __init__(self, entries: Iterable[_Entry] = (), code: Iterable[tuple[int, int]] = (), elf: Any = None) -> None:
        self.elf = elf
        self.code = sorted(code)
        rows = sorted(entry for entry in entries)
        self._by_name: dict[str, int] = {}
        for row in sorted(rows, key=lambda entry: (entry.binding, entry.order)):
            self._by_name.setdefault(row.symbol.name, row.symbol.address)
        self._symbols, self._ends = _spans([row for row in rows if row.section_end])
        self._starts = [symbol.address for symbol in self._symbols]

    @classmethod
    def from_elf(cls, source: str | os.PathLike[str] | BinaryIO) -> Symbols:
        """Read a path or an open binary file. Malformed symbol information counts as none.

        Raises:
            OSError: the file cannot be read.
            elftools.common.exceptions.ELFError: it is no ELF.
        """
        data = Path(source).read_bytes() if isinstance(source, str | os.PathLike) else source.read()
        elf: Any = ELFFile(io.BytesIO(data))
        try:
            return cls(_entries(elf), _code_ranges(elf), elf)
        except DAMAGE:
            return cls()

    def __iter__(self) -> Any:
        return iter(self._symbols)

    def __len__(self) -> int:
        return len(self._symbols)

    def lookup(self, address: int) -> Symbol | None:
        """The function or object that holds `address`, or None."""
        position = bisect_right(self._starts, address) - 1
        if position < 0 or address >= self._ends[position]:
            return None
        found = self._symbols[position]
        return replace(found, offset=address - found.address)

    def address(self, name: str) -> int | None:
        """Where `name` is (Thumb bit cleared; linker-script symbols too), or None; a global wins over a static one."""
        return self._by_name.get(name)

    def named(self, *prefixes: str) -> list[str]:
        """All names that begin with one of `prefixes`, sorted."""
        return sorted(name for name in self._by_name if name.startswith(prefixes))

    def is_code(self, address: int) -> bool:
        """Whether `address` lies in an executable section (of a file without sections: segment)."""
        return any(start <= address < end for start, end in self.code)

    @cached_property
    def debug(self) -> DebugUnits:
        """The DWARF units; indexed on first use."""
        return DebugUnits(self.elf)

    @cached_property
    def lines(self) -> LineTable:
        """Source lines; DWARF is read as it is asked for."""
        return LineTable(self.debug)

    @cached_property
    def cfi(self) -> CallFrameInfo:
        """Frame rules for unwinding; read on first use."""
        return CallFrameInfo(self.elf)

    def line(self, address: int) -> tuple[str, int] | None:
        """Source file (path as compiled) and line of the code at `address`, or None. Reads DWARF on first use."""
        return self.lines.lookup(address)

    def format(self, address: int, line: bool = True) -> str:
        """`mbedtls_mpi_grow+0x12 (bignum.c:116)`, as far as it is known; else the address."""
        symbol = self.lookup(address)
        if symbol is None:
            return f"{address:#010x}"
        place = self.line(address) if line else None
        return f"{symbol} ({file_name(place[0])}:{place[1]})" if place else str(symbol)


def file_name(path: str) -> str:
    """A source file's path as compiled, on whatever system, without its folders."""
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _spans(rows: list[_Entry]) -> tuple[list[Symbol], list[int]]:
    """One symbol per address, without labels inside sized functions, and where each ends."""
    kept: list[_Entry] = []
    covered = -1
    for row in rows:
        if (row.bare and row.address < covered) or (kept and kept[-1].address == row.address):
            continue
        kept.append(row)
        covered = max(covered, row.address + row.symbol.size)
    following = [row.address for row in kept[1:]] + [1 << 32]
    ends = [
        row.address + row.symbol.size if row.symbol.size else min(limit, row.section_end)
        for row, limit in zip(kept, following, strict=False)
    ]
    return [row.symbol for row in kept], ends


def _entries(elf: Any) -> Iterable[_Entry]:
    """Rows of every symbol table (ELF for the Arm Architecture 4.5); mapping symbols ($t, $d) are left out.

    Read with struct rather than pyelftools' objects: a TLS firmware has thousands and this runs at every start.
    """
    sections = list(elf.iter_sections())
    for table in sections:
        if table["sh_type"] != "SHT_SYMTAB" or table["sh_link"] >= len(sections):
            continue
        names = sections[table["sh_link"]].data()
        raw = table.data()
        rows = struct.iter_unpack("<IIIBBH", raw[: len(raw) // 16 * 16])
        for order, (name_at, value, size, info, _other, index) in enumerate(rows):
            kind, binding = info & 0xF, info >> 4
            name = names[name_at : names.find(b"\0", name_at)].decode("utf-8", "replace")
            if kind not in KINDS or not name or name.startswith("$") or index == 0:
                continue
            yield _entry(sections, demangle(name), value, size, kind, binding, order, index)


def _entry(
    sections: list[Any], name: str, value: int, size: int, kind: int, binding: int, order: int, index: int
) -> _Entry:
    """`section_end` 0 keeps a symbol out of address look-ups: absolute ones, and labels outside code."""
    section = sections[index] if index < len(sections) else None
    flags = section["sh_flags"] if section is not None else 0
    is_code = bool(flags & SHF_EXECINSTR)
    address = value & ~1 if kind == STT_FUNC or (kind == STT_NOTYPE and is_code) else value
    found = section is not None and flags & SHF_ALLOC and (kind != STT_NOTYPE or is_code)
    end = section["sh_addr"] + section["sh_size"] if section is not None and found else 0
    symbol = Symbol(name, address, size, KINDS[kind])
    rank = _BINDING_RANK.get(binding, 3)
    untyped = kind == STT_NOTYPE
    return _Entry(address, untyped and not size, binding == STB_WEAK, untyped, rank, order, symbol, end)


def _code_ranges(elf: Any) -> list[tuple[int, int]]:
    sections = [
        (section["sh_addr"], section["sh_addr"] + section["sh_size"])
        for section in elf.iter_sections()
        if section["sh_flags"] & SHF_EXECINSTR and section["sh_flags"] & SHF_ALLOC and section["sh_size"]
    ]
    return sections or [
        (segment["p_vaddr"], segment["p_vaddr"] + segment["p_filesz"])
        for segment in elf.iter_segments()
        if segment["p_type"] == "PT_LOAD" and segment["p_flags"] & PF_X and segment["p_filesz"]
    ]


def demangle(name: str) -> str:
    """A C++ name in the programmer's spelling if the optional itanium-demangler is installed; else `name`."""
    if not name.startswith("_Z"):
        return name
    try:
        parser = importlib.import_module("itanium_demangler")
    except ImportError:
        return name
    try:
        return str(parser.parse(name) or name)
    except Exception:  # the demangler knows a subset of the grammar and asserts on the rest
        return name
