# SPDX-License-Identifier: GPL-2.0-or-later
"""DMA2D's register declarations (RM0090 section 11.5); their behaviour is in dma2d.py."""

from __future__ import annotations

from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_W1, RO, RS, Register, RegisterArray

CLUT_ENTRIES = 256


class Dma2dRegisters(Peripheral):
    """Control and status, then one set for the foreground, the background and the output."""

    SIZE = 0xC00

    CR = Register(0x00)
    START = CR.field(0, access=RS)
    SUSP = CR.field(1)
    ABORT = CR.field(2, access=RS)
    TEIE = CR.field(8)
    TCIE = CR.field(9)
    TWIE = CR.field(10)
    CAEIE = CR.field(11)
    CTCIE = CR.field(12)
    CEIE = CR.field(13)
    MODE = CR.field(16, 2)

    ISR = Register(0x04, access=RO)
    TEIF = ISR.field(0)
    TCIF = ISR.field(1)
    TWIF = ISR.field(2)
    CAEIF = ISR.field(3)
    CTCIF = ISR.field(4)
    CEIF = ISR.field(5)

    IFCR = Register(0x08, access=RC_W1)
    CTEIF = IFCR.field(0)
    IFCR_CTCIF = IFCR.field(1)
    CTWIF = IFCR.field(2)
    CAECIF = IFCR.field(3)
    CCTCIF = IFCR.field(4)
    CCEIF = IFCR.field(5)

    FGMAR = Register(0x0C)

    FGOR = Register(0x10)
    FGOR_LO = FGOR.field(0, 14)

    BGMAR = Register(0x14)

    BGOR = Register(0x18)
    BGOR_LO = BGOR.field(0, 14)

    FGPFCCR = Register(0x1C)
    FGPFCCR_CM = FGPFCCR.field(0, 4)
    FGPFCCR_CCM = FGPFCCR.field(4)
    FGPFCCR_START = FGPFCCR.field(5, access=RS)
    FGPFCCR_CS = FGPFCCR.field(8, 8)
    FGPFCCR_AM = FGPFCCR.field(16, 2)
    FGPFCCR_ALPHA = FGPFCCR.field(24, 8)

    FGCOLR = Register(0x20)
    FGCOLR_BLUE = FGCOLR.field(0, 8)
    FGCOLR_GREEN = FGCOLR.field(8, 8)
    FGCOLR_RED = FGCOLR.field(16, 8)

    BGPFCCR = Register(0x24)
    BGPFCCR_CM = BGPFCCR.field(0, 4)
    BGPFCCR_CCM = BGPFCCR.field(4)
    BGPFCCR_START = BGPFCCR.field(5, access=RS)
    BGPFCCR_CS = BGPFCCR.field(8, 8)
    BGPFCCR_AM = BGPFCCR.field(16, 2)
    BGPFCCR_ALPHA = BGPFCCR.field(24, 8)

    BGCOLR = Register(0x28)
    BGCOLR_BLUE = BGCOLR.field(0, 8)
    BGCOLR_GREEN = BGCOLR.field(8, 8)
    BGCOLR_RED = BGCOLR.field(16, 8)

    FGCMAR = Register(0x2C)
    BGCMAR = Register(0x30)

    OPFCCR = Register(0x34)
    OPFCCR_CM = OPFCCR.field(0, 3)

    OCOLR = Register(0x38)
    OCOLR_BLUE = OCOLR.field(0, 8)
    OCOLR_GREEN = OCOLR.field(8, 8)
    OCOLR_RED = OCOLR.field(16, 8)
    OCOLR_ALPHA = OCOLR.field(24, 8)

    OMAR = Register(0x3C)

    OOR = Register(0x40)
    OOR_LO = OOR.field(0, 14)

    NLR = Register(0x44)
    NL = NLR.field(0, 16)
    PL = NLR.field(16, 14)

    LWR = Register(0x48)
    LW = LWR.field(0, 16)

    AMTCR = Register(0x4C)
    AMTCR.tag("EN", 0)
    AMTCR.tag("DT", 8, 8)

    FGCLUT = RegisterArray(0x400, CLUT_ENTRIES)
    BGCLUT = RegisterArray(0x800, CLUT_ENTRIES)
