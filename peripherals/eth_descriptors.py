# SPDX-License-Identifier: GPL-2.0-or-later
"""Descriptors of the Ethernet DMA: their bits, and how it walks a list of them (RM0090 sections 33.6.7 and 33.6.8)."""

from __future__ import annotations

import struct
from typing import NamedTuple

from stm32emu.peripherals.eth_registers import EthRegisters
from stm32emu.peripherals.memory import Memory

OWN = 1 << 31

# TDES0 (normal and enhanced, section 33.6.7): control, then status
IC, LAST, FIRST, DC, DP, TTSE, TER, TCH = (1 << n for n in (30, 29, 28, 27, 26, 25, 21, 20))
TTSS, IHE, TX_ES, FF, IPE = (1 << n for n in (17, 16, 15, 13, 12))
TX_STATUS, CIC_SHIFT = 0x0003_FFFF, 22

# RDES0 and RDES1 (section 33.6.8)
AFM, RX_ES, DE, SAF, LE, VLAN, RX_FIRST, RX_LAST = (1 << n for n in (30, 15, 14, 13, 12, 10, 9, 8))
IPHCE_TSV, FT, CE, PCE_ESA, FL_SHIFT = 1 << 7, 1 << 5, 1 << 1, 1 << 0, 16
DIC, RER, RCH, SIZE_MASK = 1 << 31, 1 << 15, 1 << 14, 0x1FFF

EBS_TRANSMIT, EBS_READ, EBS_DESCRIPTOR = 1, 2, 4  # DMASR.EBS

WORDS = struct.Struct("<4I")
Stamp = tuple[int, int]  # seconds, subseconds


class Descriptor(NamedTuple):
    """The first four words of a descriptor, and where it lies."""

    address: int
    word0: int
    word1: int
    word2: int
    word3: int


class DescriptorList:
    """A chain or ring of descriptors as the DMA walks it. Every access may raise BusError; `access` then says which
    kind it was, in the terms of DMASR.EBS."""

    def __init__(self, registers: EthRegisters, memory: Memory, direction: int) -> None:
        self._registers = registers
        self._memory = memory
        self._direction = direction
        self.access = 0
        self.base = self.current = 0

    def restart(self, base: int) -> None:
        """Begin at a new list."""
        self.base = self.current = base & ~3

    def fetch(self) -> Descriptor:
        """Read the current descriptor."""
        self.access = self._direction | EBS_READ | EBS_DESCRIPTOR
        return Descriptor(self.current, *WORDS.unpack(self._memory.read(self.current, 16)))

    def advance(self, descriptor: Descriptor, end: int, chained: int) -> None:
        """Make the successor of `descriptor` current; end of ring takes precedence over chaining."""
        if end:
            self.current = self.base
        elif chained:
            self.current = descriptor.word3 & ~3
        else:
            self.current = descriptor.address + (32 if self._registers.EDFE else 16) + 4 * self._registers.DSL

    def close(self, address: int, word0: int, extended: int | None = None, stamp: Stamp | None = None) -> None:
        """Write a descriptor back, its status last."""
        self.access = self._direction | EBS_DESCRIPTOR
        if stamp is not None:
            where = address + (24 if self._registers.EDFE else 8)
            self._memory.write(where, struct.pack("<2I", stamp[1], stamp[0]))
        if extended is not None:
            self._memory.write(address + 16, extended.to_bytes(4, "little"))
        self._memory.write(address, word0.to_bytes(4, "little"))

    def load(self, address: int, length: int) -> bytes:
        """Read from a data buffer."""
        self.access = self._direction | EBS_READ
        return self._memory.read(address, length)

    def store(self, address: int, data: bytes) -> None:
        """Write to a data buffer."""
        self.access = self._direction
        self._memory.write(address, data)
