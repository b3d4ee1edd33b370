# SPDX-License-Identifier: GPL-2.0-or-later
"""What the machine needs to know about a part: its memories, its blocks, its interrupt numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

KB = 1024
FPU_IRQ = 81  # the core's own floating-point exceptions, on every part


@dataclass(frozen=True)
class Region:
    """A memory of `size` bytes at `base`."""

    name: str
    base: int
    size: int

    @property
    def end(self) -> int:
        """The address just past the memory."""
        return self.base + self.size

    def holds(self, address: int, length: int = 1) -> bool:
        """Whether all of `length` bytes from `address` lie within."""
        return self.base <= address and address + length <= self.end


@dataclass(frozen=True)
class Block:
    """A peripheral instance. `model` names the class that simulates it; "stub" only reads back what was written.

    `irqs` are NVIC positions in the order of the vector table, `vectors` their names there (RM0090 table 62).
    """

    name: str
    model: str
    base: int
    size: int
    irqs: tuple[int, ...] = ()
    vectors: tuple[str, ...] = ()

    def irq(self, vector: str) -> int:
        """The position of one of the block's vectors by name; KeyError when it has no such vector."""
        return dict(zip(self.vectors, self.irqs, strict=True))[vector]


@dataclass(frozen=True)
class Chip:
    """One product line, in its variant with the most memory.

    Attributes:
        name: as on the package, without package and flash letters ("STM32F407").
        manual: the reference manual that describes it.
        sectors: flash sector sizes in bytes; with two banks the list covers both, bank 1 first.
        ram: the SRAMs from 0x20000000 on, contiguous.
        irq_count: external interrupts, that is vector table entries after the first 16.
        idcode: DBGMCU_IDCODE.
    """

    name: str
    manual: str
    max_hclk: int
    idcode: int
    sectors: tuple[int, ...]
    flash_banks: int
    ram: tuple[Region, ...]
    ccm: Region | None
    bkpsram: Region | None
    irq_count: int
    blocks: tuple[Block, ...]

    SYSTEM_MEMORY = Region("system memory", 0x1FFF_0000, 30 * KB)
    OTP = Region("OTP", 0x1FFF_7800, 528)
    SIGNATURE = Region("device signature", 0x1FFF_7A10, 24)  # unique id, then flash size in KB (RM0090 chapter 39)
    OPTION_BYTES = Region("option bytes", 0x1FFF_C000, 16)
    OPTION_BYTES_2 = Region("option bytes, bank 2", 0x1FFE_C000, 16)

    def __str__(self) -> str:
        return self.name

    @property
    def flash(self) -> Region:
        """Main flash, all banks."""
        return Region("flash", 0x0800_0000, sum(self.sectors))

    @property
    def sram(self) -> Region:
        """All SRAMs from 0x20000000 on as one."""
        return Region("SRAM", self.ram[0].base, sum(region.size for region in self.ram))

    @property
    def core_memory(self) -> tuple[Region, ...]:
        """The memories a program lives in: flash, SRAM and, where there is one, CCM."""
        return (self.flash, self.sram, *([self.ccm] if self.ccm else []))

    @property
    def memories(self) -> tuple[Region, ...]:
        """Every memory, those outside `core_memory` included."""
        banks = [self.OPTION_BYTES, *([self.OPTION_BYTES_2] if self.flash_banks == 2 else [])]
        backup = [self.bkpsram] if self.bkpsram else []
        return (*self.core_memory, *backup, self.SYSTEM_MEMORY, self.OTP, self.SIGNATURE, *banks)

    def block(self, name: str) -> Block | None:
        """The block of that name, if the part has it."""
        return next((block for block in self.blocks if block.name == name), None)

    def vector_names(self) -> Iterator[tuple[int, str]]:
        """(NVIC position, name) of every interrupt, in order; a position shared by blocks appears once."""
        names = {irq: name for block in self.blocks for irq, name in zip(block.irqs, block.vectors, strict=True)}
        yield from sorted((names | {FPU_IRQ: "FPU"}).items())
