# SPDX-License-Identifier: GPL-2.0-or-later
"""ELF files of a few hundred bytes, made by hand so that each of their fields can be wrong."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

HEADER, PROGRAM_HEADER, SECTION_HEADER, SYMBOL = 52, 32, 40, 16
PT_LOAD, SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHF_ALLOC = 1, 1, 2, 3, 2
RX, RW = 5, 6
RESET = 0x0800_0201


def vector_table(sp: int = 0x2002_0000, reset: int = RESET, *, count: int = 98, handler: int = RESET) -> bytes:
    """`count` words: stack pointer, reset handler, the same handler everywhere else."""
    return struct.pack(f"<{count}I", sp, reset, *[handler] * (count - 2))


@dataclass
class Load:
    """A PT_LOAD segment."""

    physical: int
    data: bytes
    virtual: int | None = None
    size: int | None = None
    flags: int = RX


FLASH = Load(0x0800_0000, vector_table().ljust(0x400, b"\0"))


@dataclass
class TinyElf:
    """Sections are (name, address, size) without contents; symbols are (name, address)."""

    loads: Sequence[Load] = (FLASH,)
    sections: Sequence[tuple[str, int, int]] = ()
    symbols: Sequence[tuple[str, int]] = ()
    entry: int = RESET
    machine: int = 40
    type: int = 2
    bits: int = 1
    order: int = 1
    extra: bytes = b""
    _names: bytearray = field(default_factory=lambda: bytearray(b"\0"))

    def build(self) -> bytes:
        """The file."""
        offset = HEADER + PROGRAM_HEADER * len(self.loads)
        body, programs = b"", b""
        for load in self.loads:
            programs += self._program(load, offset + len(body))
            body += load.data
        symbols = bytes(SYMBOL) + b"".join(self._symbol(*symbol) for symbol in self.symbols)
        sections = self._sections(offset + len(body), len(symbols))
        table = offset + len(body) + len(symbols) + len(self._names) + len(self.extra)
        header = self._header(table, len(sections) // SECTION_HEADER)
        return header + programs + body + symbols + bytes(self._names) + self.extra + sections

    def _header(self, table: int, count: int) -> bytes:
        order = "<" if self.order == 1 else ">"
        fields = (self.type, self.machine, 1, self.entry, HEADER, table, 0x0500_0400, HEADER, PROGRAM_HEADER)
        rest = (len(self.loads), SECTION_HEADER, count, count - 1)
        return bytes([0x7F, *b"ELF", self.bits, self.order, 1]).ljust(16, b"\0") + struct.pack(
            f"{order}HHIIIIIHHHHHH", *fields, *rest
        )

    @staticmethod
    def _program(load: Load, offset: int) -> bytes:
        virtual = load.physical if load.virtual is None else load.virtual
        size = len(load.data) if load.size is None else load.size
        return struct.pack("<8I", PT_LOAD, offset, virtual, load.physical, len(load.data), size, load.flags, 4)

    def _sections(self, symbols: int, length: int) -> bytes:
        rows = [(0,) * 10]
        for name, address, size in self.sections:
            rows.append((self._name(name), SHT_PROGBITS, SHF_ALLOC, address, HEADER, size, 0, 0, 4, 0))
        rows.append((self._name(".symtab"), SHT_SYMTAB, 0, 0, symbols, length, len(rows) + 1, 1, 4, SYMBOL))
        own = self._name(".strtab")
        rows.append((own, SHT_STRTAB, 0, 0, symbols + length, len(self._names), 0, 0, 1, 0))
        return b"".join(struct.pack("<10I", *row) for row in rows)

    def _symbol(self, name: str, value: int) -> bytes:
        return struct.pack("<IIIBBH", self._name(name), value, 0, 0x12, 0, 1)

    def _name(self, name: str) -> int:
        start = len(self._names)
        self._names += name.encode() + b"\0"
        return start
