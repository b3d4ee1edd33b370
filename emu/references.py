# SPDX-License-Identifier: GPL-2.0-or-later
"""Constants in code and the peripherals that code reaches with them, without running it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from struct import unpack_from
from typing import NamedTuple

from stm32emu.chip import Block, Chip
from stm32emu.elf import Firmware
from stm32emu.prologue import expand_immediate, is_wide
from stm32emu.register_values import addresses_used
from stm32emu.segment import Segment
from stm32emu.symbols import Symbols

LIBRARY = ("HAL_", "LL_", "RCC_", "GPIO_", "USART_", "TIM_", "ETH_", "DMA_", "SPI_", "I2C_", "I2SEx_", "USB_", "UART_")
"""Functions of ST's drivers, which mention every instance that they could serve."""
OWN = re.compile(r"\w*(MspInit|MspDeInit|Callback)|(?!HAL_|LL_)\w+_IRQHandler")
"""What the application defines in the drivers' name space."""
AMBIGUOUS = {0x4000_0000, 0x4000_4000}
"""Bases that are also common numbers (2.0f, a flag on a power of two): passing them on says nothing by itself."""

Code = tuple[int, int, str]
"""Start, end and name of a function."""


class Constant(NamedTuple):
    """A value that the code of a function (its name, or "") loads."""

    function: str
    value: int


class Load(NamedTuple):
    """The instruction at `at` loads a constant; `pool` is where the literal lies, 0 if it is in the instruction."""

    at: int
    value: int
    pool: int = 0


@dataclass
class BlockUse:
    """A block and the functions that reach it."""

    name: str
    functions: list[str] = field(default_factory=list)

    @property
    def users(self) -> list[str]:
        """The functions of the firmware itself among them, without those of ST's drivers."""
        return [name for name in self.functions if not name.startswith(LIBRARY) or OWN.fullmatch(name)]

    @property
    def library(self) -> bool:
        """Whether nobody but ST's drivers reaches it."""
        return not self.users


def constants(firmware: Firmware, symbols: Symbols) -> list[Constant]:
    """Every constant of every function, in order of address. Data between instructions may add a wrong one."""
    return [
        Constant(name, load.value)
        for segment, (start, end, name) in _functions(firmware, symbols)
        for load in loads(segment, start, end)
    ]


def block_uses(firmware: Firmware, symbols: Symbols, chip: Chip) -> list[BlockUse]:
    """The chip's blocks that code reads, writes or passes on, in order of address.

    Only functions with a constant near a block are followed instruction by instruction: a compiler reaches several
    blocks from one constant, so that alone does not say which are meant.
    """
    blocks = sorted(chip.blocks, key=lambda block: block.base)
    bases = [block.base for block in blocks]
    uses: dict[str, BlockUse] = {}
    for segment, (start, end, name) in _functions(firmware, symbols):
        if not any(_near(load.value, bases) for load in loads(segment, start, end)):
            continue
        code = segment.data[start - segment.virtual : end - segment.virtual]
        for value, dereferenced in addresses_used(code, start):
            block = _block_at(value, blocks, bases)
            if block is not None and (dereferenced or _is_passed(value, block, name)):
                use = uses.setdefault(block.name, BlockUse(block.name))
                if name not in use.functions:
                    use.functions.append(name)
    return [uses[block.name] for block in blocks if block.name in uses]


def _is_passed(value: int, block: Block, function: str) -> bool:
    """Whether a value that is only passed on means the block."""
    return value == block.base and (value not in AMBIGUOUS or block.name in function)


def _near(value: int, bases: Sequence[int]) -> bool:
    """Whether a constant may be used to reach a block: all blocks lie in the peripheral region or above it."""
    return bases[0] <= value < 0x6000_0000 or value in bases


def _block_at(value: int, blocks: Sequence[Block], bases: Sequence[int]) -> Block | None:
    position = bisect_right(bases, value) - 1
    inside = position >= 0 and value < blocks[position].base + blocks[position].size
    return blocks[position] if inside else None


def _functions(firmware: Firmware, symbols: Symbols) -> Iterator[tuple[Segment, Code]]:
    """Every function with the segment that stores it; of a stripped file its code sections as a whole."""
    named: Iterable[Code] = [
        (s.address, s.address + s.size, s.name) for s in symbols if s.kind == "function" and s.size
    ]
    for code in named or ((start, end, "") for start, end in symbols.code):
        for segment in firmware.segments:
            if segment.virtual <= code[0] < segment.virtual + len(segment.data):
                yield segment, code


def loads(segment: Segment, start: int, end: int) -> Iterator[Load]:
    """LDR (literal), MOV.W (constant) and MOVW with MOVT (ARMv7-M ARM A7.7.44, A7.7.76, A7.7.79)."""
    data, base = segment.data, segment.virtual
    position, limit = start - base, min(end - base, len(data) - 3)
    low: dict[int, int] = {}
    while position < limit:
        first, second = unpack_from("<HH", data, position)
        literal = None
        if first & 0xF800 == 0x4800:
            literal = (first & 0xFF) * 4
        elif first & 0xFF7F == 0xF85F:
            literal = (second & 0xFFF) * (1 if first & 0x80 else -1)
        elif first & 0xFBEF == 0xF04F and not second & 0x8000:
            yield Load(base + position, expand_immediate(_immediate(first & ~0xF, second)))
        elif first & 0xFBF0 == 0xF240 and not second & 0x8000:
            low[second >> 8 & 0xF] = _immediate(first, second)
        elif first & 0xFBF0 == 0xF2C0 and not second & 0x8000:
            yield Load(base + position, _immediate(first, second) << 16 | low.get(second >> 8 & 0xF, 0))
        if literal is not None:
            at = (position & ~3) + 4 + literal
            if 0 <= at <= len(data) - 4:
                yield Load(base + position, unpack_from("<I", data, at)[0], base + at)
        position += 4 if is_wide(first) else 2


def _immediate(first: int, second: int) -> int:
    """imm4:i:imm3:imm8 of MOVW and MOVT."""
    return (first & 0xF) << 12 | (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF
