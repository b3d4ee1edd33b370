# SPDX-License-Identifier: GPL-2.0-or-later
"""Values of the firmware's variables as text, by their DWARF types: structures one level deep, strings, symbols."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from stm32emu.dwarf_types import Shape, Type
from stm32emu.symbols import Symbols

LONGEST_STRING = 64
MOST_FIELDS = 10
"""A structure with more members is shown by its address only."""
MOST_ELEMENTS = 8
LARGEST_OBJECT = 4096
"""Bytes of a variable up to which its name says what an address is."""
MOST_LIMBS = 64
MPI = {"s", "n", "p"}
"""Members of mbedTLS's mbedtls_mpi: sign, number of limbs, limbs from the least significant on. In 3.x private_*."""

ReadMemory = Callable[[int, int], bytes]


@dataclass(frozen=True)
class Values:
    """Renders values; what cannot be read is shown as far as it is known.

    Args:
        peek: `length` bytes of guest memory, fewer where there is none.
    """

    peek: ReadMemory
    symbols: Symbols

    def render(self, type_: Type, raw: bytes, deep: bool = True) -> str:
        """The value that the bytes `raw` are; `deep` shows what a pointer points to and a structure's members."""
        match type_.shape:
            case Shape.SIGNED | Shape.CHARACTER:
                return str(int.from_bytes(raw, "little", signed=True))
            case Shape.BOOLEAN:
                return "true" if any(raw) else "false"
            case Shape.FLOAT if len(raw) in (4, 8):
                return f"{struct.unpack('<f' if len(raw) == 4 else '<d', raw)[0]:g}"
            case Shape.ENUMERATION:
                value = int.from_bytes(raw, "little")
                return type_.enumerators().get(value, str(value))
            case Shape.POINTER:
                return self._pointer(type_, int.from_bytes(raw, "little"), deep)
            case Shape.STRUCTURE:
                return self._structure(type_, raw, deep)
            case Shape.ARRAY:
                return self._array(type_, raw)
            case _:
                return _unsigned(int.from_bytes(raw, "little"))

    def at(self, type_: Type, address: int, deep: bool = True) -> str:
        """The variable at `address`."""
        raw = self.peek(address, type_.size or 4)
        return self.render(type_, raw, deep) if raw else f"at {address:#x}, which cannot be read"

    def address(self, address: int) -> str:
        """An address, with the symbol that lies there."""
        symbol = self.symbols.lookup(address & ~1)
        tells = symbol is not None and (symbol.kind == "function" or symbol.size <= LARGEST_OBJECT)  # a heap does not
        return "NULL" if not address else f"{address:#010x}" + (f" <{symbol}>" if tells else "")

    def _pointer(self, type_: Type, address: int, deep: bool) -> str:
        target = type_.target
        if target.shape is Shape.CHARACTER and address and (text := self._string(address)) is not None:
            return text
        shown = self.address(address)
        if not (deep and address and target.shape is Shape.STRUCTURE):
            return shown
        raw = self.peek(address, target.size)
        members = self._structure(target, raw, deep=True) if target.size and len(raw) == target.size else "{...}"
        return shown if members == "{...}" else f"{shown} {members}"

    def _structure(self, type_: Type, raw: bytes, deep: bool) -> str:
        members = type_.fields()
        parts = {f.name.removeprefix("private_"): raw[f.offset : f.offset + (f.type.size or 4)] for f in members}
        if parts.keys() == MPI:
            return self._mpi(*(int.from_bytes(parts[name], "little", signed=name == "s") for name in ("s", "n", "p")))
        if not deep or len(members) > MOST_FIELDS:
            return "{...}"
        shown = [f"{f.name}={self.render(f.type, parts[f.name.removeprefix('private_')], False)}" for f in members]
        return f"{{{', '.join(shown)}}}"

    def _mpi(self, sign: int, count: int, limbs: int) -> str:
        raw = self.peek(limbs, 4 * min(count, MOST_LIMBS)) if limbs else b""
        more = f", of which the {MOST_LIMBS} lowest are shown" if count > MOST_LIMBS else ""
        value = f": {int.from_bytes(raw, 'little'):#x}{more}" if raw else ""
        return f"{{s={sign}, n={count}, p={self.address(limbs)}{value}}}"

    def _array(self, type_: Type, raw: bytes) -> str:
        size, more = type_.target.size or 1, ", ..."
        if type_.target.shape is Shape.CHARACTER:
            return _quoted(raw.split(b"\0", 1)[0])
        if size == 1:
            return raw[: 4 * MOST_ELEMENTS].hex() + ("..." if len(raw) > 4 * MOST_ELEMENTS else "")
        parts = [self.render(type_.target, raw[at : at + size], False) for at in range(0, len(raw), size)]
        return f"{{{', '.join(parts[:MOST_ELEMENTS])}{more if len(parts) > MOST_ELEMENTS else ''}}}"

    def _string(self, address: int) -> str | None:
        raw = self.peek(address, LONGEST_STRING)
        text = raw.split(b"\0", 1)[0]
        return _quoted(text) + ("..." if len(text) == LONGEST_STRING else "") if raw else None


def _unsigned(value: int) -> str:
    return str(value) if value < 0x1_0000 else f"{value:#x}"


def _quoted(text: bytes) -> str:
    """As a C string."""
    escapes = {0x22: '\\"', 0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}
    return '"' + "".join(escapes.get(c) or (chr(c) if 0x20 <= c < 0x7F else f"\\x{c:02x}") for c in text) + '"'
