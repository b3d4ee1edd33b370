# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the vector table of an image lies: usually at the start of flash, but a bootloader may push it anywhere.

A table is known by its first two words (ARMv7-M ARM B1.5.3): the initial stack pointer, in RAM, and the address of the
reset handler, odd and inside the code. The ELF's entry point tells two tables in one image asegment.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from stm32emu.segment import Segment, read_image

FLASH = 0x0800_0000
RAM = ((0x2000_0000, 0x2005_0000), (0x1000_0000, 0x1001_0000))  # largest SRAM of the family, CCM
ALIGNMENT = 128  # VTOR.TBLOFF begins at bit 7 (ARMv7-M ARM B3.2.5)
SYSTEM_VECTORS = 16
MAX_VECTORS = SYSTEM_VECTORS + 240  # ARMv7-M's limit for Cortex-M4 (B1.5.2)
SECTION = re.compile(r"vect|intvec", re.IGNORECASE)
SYMBOLS = (
    "g_pfnVectors",
    "__isr_vector",
    "__Vectors",
    "__vector_table",
    "_vector_table",
    "vector_table",
    "__vectors",
    "_vectors",
    "vectors",
    "isr_vector",
    "__isr_vectors",
)


@dataclass(frozen=True)
class VectorTable:
    """`address` is physical; `initial_sp` has bits 1:0 cleared, as the core clears them."""

    address: int
    initial_sp: int
    reset_handler: int


def is_stack_pointer(word: int) -> bool:
    """Whether a full-descending stack may start at `word` (just past the end of RAM included, low bits ignored)."""
    return any(start < word & ~3 <= end for start, end in RAM)


def find_vector_table(elf: Any, segments: Sequence[Segment]) -> VectorTable | None:
    """The image's vector table: the candidate whose reset handler is the entry point, else the best-founded one.

    Args:
        elf: pyelftools' ELFFile.
        segments: the loadable segments.
    """
    entry = elf.header["e_entry"] | 1
    first = None
    for address in chain(_expected(elf, segments), _scan(segments)):
        table = _table_at(segments, address)
        if table and table.reset_handler == entry:
            return table
        first = first or table
    return first


def vectors_at(segments: Sequence[Segment], address: int) -> list[int]:
    """The words of the vector table at `address`, up to the first that is neither 0 nor a Thumb address in the code."""
    data = read_image(segments, address, 4 * MAX_VECTORS)
    words = [word for (word,) in struct.iter_unpack("<I", data[: len(data) & ~3])]
    end = (n for n, word in enumerate(words) if n and word and not _is_code(segments, word))
    return words[: next(end, len(words))]


def _expected(elf: Any, segments: Sequence[Segment]) -> Iterator[int]:
    """Physical addresses where a table is to be expected, best-founded first; symbols, slow to read, last."""
    for section in elf.iter_sections():
        if section["sh_flags"] & 2 and SECTION.search(section.name):  # SHF_ALLOC
            yield from _physical(segments, section["sh_addr"])
    yield FLASH
    for segment in segments:
        yield segment.physical
    symbols = elf.get_section_by_name(".symtab")
    for symbol in symbols.iter_symbols() if symbols else ():
        if symbol.name in SYMBOLS:
            yield from _physical(segments, symbol["st_value"])


def _scan(segments: Sequence[Segment]) -> Iterator[int]:
    """Any permitted address with a whole set of plausible exception vectors, since nothing else speaks for it."""
    for segment in segments:
        start = -(-segment.physical // ALIGNMENT) * ALIGNMENT
        for address in range(start, segment.physical + len(segment.data), ALIGNMENT):
            if _table_at(segments, address) and len(vectors_at(segments, address)) >= SYSTEM_VECTORS:
                yield address


def _table_at(segments: Sequence[Segment], address: int) -> VectorTable | None:
    words = read_image(segments, address, 8)
    if len(words) < 8:
        return None
    stack, reset = struct.unpack("<II", words)
    if not is_stack_pointer(stack) or not _is_code(segments, reset):
        return None
    return VectorTable(address, stack & ~3, reset)


def _is_code(segments: Sequence[Segment], word: int) -> bool:
    """Whether `word` is a Thumb address within executable memory."""
    return bool(word & 1) and any(part.executable and 0 <= word - part.virtual < part.size for part in segments)


def _physical(segments: Sequence[Segment], virtual: int) -> Iterator[int]:
    """Where the image keeps what runs at `virtual`."""
    return (part.physical + virtual - part.virtual for part in segments if 0 <= virtual - part.virtual < len(part.data))
