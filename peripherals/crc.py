# SPDX-License-Identifier: GPL-2.0-or-later
"""CRC calculation unit (RM0090 chapter 4, RM0390 and RM0386 chapter 4)."""

from __future__ import annotations

from typing import ClassVar

from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import WO, Register

POLYNOMIAL = 0x04C1_1DB7
ALL_ONES = 0xFFFF_FFFF


def _entry(byte: int) -> int:
    """The remainder that a leading `byte` leaves."""
    remainder = byte << 24
    for _ in range(8):
        remainder = (remainder << 1 & ALL_ONES) ^ (POLYNOMIAL if remainder >> 31 else 0)
    return remainder


TABLE = tuple(_entry(byte) for byte in range(256))


class Crc(Peripheral):
    """CRC-32 over words, highest bit first: Ethernet polynomial, all ones at first, no reflection, no final XOR."""

    MISSING: ClassVar[str] = ""

    DR = Register(0x00, reset=ALL_ONES)

    IDR = Register(0x04)
    IDR_IDR = IDR.field(0, 8)

    CR = Register(0x08, access=WO)
    RESET = CR.field(0)

    def _load_resets(self) -> None:
        super()._load_resets()
        self._remainder = ALL_ONES

    @DR.on_write
    def _word(self, written: int) -> None:
        remainder = self._remainder ^ written
        for _ in range(4):
            remainder = (remainder << 8 & ALL_ONES) ^ TABLE[remainder >> 24]
        self.DR = self._remainder = remainder

    @CR.on_write
    def _control(self, _written: int) -> None:
        """RESET starts a new computation; IDR keeps its value (section 4.4.2)."""
        if self.RESET:
            self.DR = self._remainder = ALL_ONES
        self.CR = 0
