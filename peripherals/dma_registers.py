# SPDX-License-Identifier: GPL-2.0-or-later
"""The DMA controller's register declarations (RM0090 section 10.5); their behaviour is in dma.py."""

from __future__ import annotations

from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RO, WO, Register, RegisterArray

STREAMS = 8
FLAG_SHIFT = (0, 6, 16, 22)  # of the four streams in a flag register


def _flags(offset: int, first: int, prefix: str, access: str) -> Register:
    """The flags, or their clear bits, of four streams from `first` on."""
    register = Register(offset, access=access)
    for position, shift in enumerate(FLAG_SHIFT):
        for name, bit in (("FEIF", 0), ("DMEIF", 2), ("TEIF", 3), ("HTIF", 4), ("TCIF", 5)):
            register.field(shift + bit).name = f"{prefix}{name}{first + position}"
    return register


class DmaRegisters(Peripheral):
    """Both controllers'."""

    LISR = _flags(0x00, 0, "", RO)
    HISR = _flags(0x04, 4, "", RO)
    LIFCR = _flags(0x08, 0, "C", WO)
    HIFCR = _flags(0x0C, 4, "C", WO)

    CR = RegisterArray(0x10, STREAMS, 0x18)
    CHSEL = CR.field(25, 3)
    MBURST = CR.field(23, 2)
    PBURST = CR.field(21, 2)
    CT = CR.field(19)
    DBM = CR.field(18)
    PL = CR.field(16, 2)
    PINCOS = CR.field(15)
    MSIZE = CR.field(13, 2)
    PSIZE = CR.field(11, 2)
    MINC = CR.field(10)
    PINC = CR.field(9)
    CIRC = CR.field(8)
    DIR = CR.field(6, 2)
    CR.tag("PFCTRL", 5)
    TCIE = CR.field(4)
    HTIE = CR.field(3)
    TEIE = CR.field(2)
    DMEIE = CR.field(1)
    EN = CR.field(0)

    NDTR = RegisterArray(0x14, STREAMS, 0x18)
    NDT = NDTR.field(0, 16)

    PAR = RegisterArray(0x18, STREAMS, 0x18)
    PA = PAR.field(0, 32)
    M0AR = RegisterArray(0x1C, STREAMS, 0x18)
    M0A = M0AR.field(0, 32)
    M1AR = RegisterArray(0x20, STREAMS, 0x18)
    M1A = M1AR.field(0, 32)

    FCR = RegisterArray(0x24, STREAMS, 0x18, reset=0x21)
    FEIE = FCR.field(7)
    FS = FCR.field(3, 3, access=RO)
    DMDIS = FCR.field(2)
    FTH = FCR.field(0, 2)
