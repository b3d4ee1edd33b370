# SPDX-License-Identifier: GPL-2.0-or-later
"""Firmware files: what an ELF says about memory, entry point and vector table, or one sentence about what is wrong."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile

from stm32emu.errors import UserError
from stm32emu.files import read_file
from stm32emu.foreign import refuse_foreign
from stm32emu.segment import Segment, read_image
from stm32emu.vectors import find_vector_table, is_stack_pointer

ELF_HEADER_SIZE = 52  # Elf32_Ehdr
EM_ARM = 40
ET_EXEC = 2
PF_X = 1

_MACHINES = {3: "x86", 8: "MIPS", 40: "ARM", 62: "x86", 94: "Xtensa", 183: "ARM", 243: "RISC-V"}  # e_machine
_KINDS = {1: "a relocatable object (.o)", 3: "a shared object", 4: "a core dump"}  # e_type

DAMAGE = (ELFError, ConstructError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What pyelftools answers nonsense in a file with: whatever its parser happens to trip over."""


@dataclass(frozen=True)
class Firmware:
    """A checked ELF. `initial_sp` is word-aligned as the core makes it, `reset_handler` odd as in the vector table."""

    path: Path
    segments: tuple[Segment, ...]
    entry: int
    vector_table: int
    initial_sp: int
    reset_handler: int
    contents: bytes = field(repr=False, compare=False)  # the file itself, for symbols and strings

    def read(self, address: int, length: int) -> bytes:
        """Up to `length` bytes of the image at physical `address`; fewer, or none, where the segment ends."""
        return read_image(self.segments, address, length)


def load_firmware(path: Path) -> Firmware:
    """Read and check the ELF at `path`. Raises UserError with one sentence on whatever makes it unusable."""
    contents = read_file(path, "firmware's ELF file")
    _check_header(path, contents)
    try:
        elf = ELFFile(BytesIO(contents))
        segments = _segments(path, elf, contents)
        table = find_vector_table(elf, segments)
    except DAMAGE as damage:
        raise UserError(f"{path}: the ELF file is damaged ({damage}); link or copy it again") from damage
    if table is None:
        refuse_foreign(path, contents, "give it firmware for an STM32F4")
        raise UserError(
            f"{path}: no plausible Cortex-M vector table found (a stack pointer in RAM followed by a Thumb address in "
            "the image); is this the application's ELF for an STM32F4?"
        )
    return Firmware(
        path=path,
        segments=segments,
        entry=elf.header["e_entry"],
        vector_table=table.address,
        initial_sp=table.initial_sp,
        reset_handler=table.reset_handler,
        contents=contents,
    )


def _check_header(path: Path, contents: bytes) -> None:
    """Refuse everything that is not a complete 32-bit little-endian ARM executable."""
    if contents[:4] != b"\x7fELF":
        raise UserError(f"{path}: is not an ELF file{_hint(contents)}; give the .elf (or .axf) that the linker wrote")
    if len(contents) < ELF_HEADER_SIZE:
        raise _truncated(path, "the ELF header", ELF_HEADER_SIZE, len(contents))
    bits, order = contents[4], contents[5]
    e_type, machine = struct.unpack_from(">HH" if order == 2 else "<HH", contents, 16)
    if machine != EM_ARM or bits != 1:
        raise UserError(f"{path}: is built for {_machine(machine, bits)}, not for the STM32F4's 32-bit ARM core")
    if order != 1:
        raise UserError(f"{path}: is a big-endian ARM ELF, but the STM32F4 is little-endian")
    if e_type != ET_EXEC:
        raise UserError(f"{path}: is {_kind(e_type)}, not a linked executable; give the ELF that the linker wrote")
    _check_tables(path, contents)


def _check_tables(path: Path, contents: bytes) -> None:
    """Program and section headers must lie within the file."""
    phoff, shoff = struct.unpack_from("<II", contents, 28)
    phentsize, phnum, shentsize, shnum = struct.unpack_from("<HHHH", contents, 42)
    if phnum == 0:
        raise UserError(f"{path}: has no program headers, so nothing to load; give the ELF that the linker wrote")
    for what, end in ("program headers", phoff + phnum * phentsize), ("section headers", shoff + shnum * shentsize):
        if end > len(contents):
            raise _truncated(path, f"its {what}", end, len(contents))


def _segments(path: Path, elf: Any, contents: bytes) -> tuple[Segment, ...]:
    """The PT_LOAD segments that occupy memory."""
    segments = []
    for header in (part.header for part in elf.iter_segments("PT_LOAD")):
        start, end = header["p_offset"], header["p_offset"] + header["p_filesz"]
        if end > len(contents):
            raise _truncated(path, f"the segment at {header['p_paddr']:#010x}", end, len(contents))
        if header["p_memsz"]:
            segments.append(
                Segment(
                    physical=header["p_paddr"],
                    virtual=header["p_vaddr"],
                    data=contents[start:end],
                    size=header["p_memsz"],
                    executable=bool(header["p_flags"] & PF_X),
                )
            )
    if not any(segment.data for segment in segments):
        raise UserError(f"{path}: has no loadable data; give the ELF that the linker wrote, not one of symbols only")
    return tuple(segments)


def _truncated(path: Path, what: str, needed: int, size: int) -> UserError:
    return UserError(
        f"{path}: is truncated: {what} should end at byte {needed}, the file ends at {size}; copy it again"
    )


def _hint(contents: bytes) -> str:
    """What a file without the ELF magic looks like."""
    if not contents:
        return " (it is empty)"
    if re.match(rb":[0-9A-Fa-f]{10}", contents):
        return " but Intel HEX, which has no symbols"
    if re.match(rb"S0[0-9A-Fa-f]{6}", contents):
        return " but Motorola S-records, which have no symbols"
    if len(contents) >= 8 and is_stack_pointer(struct.unpack_from("<I", contents)[0]):
        return " but looks like a raw flash image (.bin), which does not say where it goes"
    return ""


def _machine(machine: int, bits: int) -> str:
    name = _MACHINES.get(machine, f"machine {machine}")
    return f"64-bit {name}" if bits == 2 else name


def _kind(e_type: int) -> str:
    return _KINDS.get(e_type, f"an ELF of type {e_type}")
