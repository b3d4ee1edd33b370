# SPDX-License-Identifier: GPL-2.0-or-later
"""The ADCs' register declarations (RM0090 section 13.13); their behaviour is in adc.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_W0, RO, Register


class AdcRegisters(Peripheral):
    """One converter."""

    SIZE: ClassVar[int] = 0x100

    SR = Register(0x00, access=RC_W0)
    OVR = SR.field(5)
    STRT = SR.field(4)
    JSTRT = SR.field(3)
    JEOC = SR.field(2)
    EOC = SR.field(1)
    AWD = SR.field(0)

    CR1 = Register(0x04)
    OVRIE = CR1.field(26)
    RES = CR1.field(24, 2)
    AWDEN = CR1.field(23)
    JAWDEN = CR1.field(22)
    DISCNUM = CR1.field(13, 3)
    CR1.tag("JDISCEN", 12)
    CR1.tag("DISCEN", 11)
    CR1.tag("JAUTO", 10)
    AWDSGL = CR1.field(9)
    SCAN = CR1.field(8)
    JEOCIE = CR1.field(7)
    AWDIE = CR1.field(6)
    EOCIE = CR1.field(5)
    AWDCH = CR1.field(0, 5)

    CR2 = Register(0x08)
    SWSTART = CR2.field(30)
    EXTEN = CR2.field(28, 2)
    EXTSEL = CR2.field(24, 4)
    JSWSTART = CR2.field(22)
    JEXTEN = CR2.field(20, 2)
    JEXTSEL = CR2.field(16, 4)
    ALIGN = CR2.field(11)
    EOCS = CR2.field(10)
    DDS = CR2.field(9)
    DMA = CR2.field(8)
    CONT = CR2.field(1)
    ADON = CR2.field(0)

    SMPR1 = Register(0x0C)  # three bits per input, from 10 on
    SMPR2 = Register(0x10)  # from 0 on
    JOFR1 = Register(0x14)
    JOFFSET1 = JOFR1.field(0, 12)
    JOFR2 = Register(0x18)
    JOFFSET2 = JOFR2.field(0, 12)
    JOFR3 = Register(0x1C)
    JOFFSET3 = JOFR3.field(0, 12)
    JOFR4 = Register(0x20)
    JOFFSET4 = JOFR4.field(0, 12)
    HTR = Register(0x24, reset=0xFFF)
    HT = HTR.field(0, 12)
    LTR = Register(0x28)
    LT = LTR.field(0, 12)

    SQR1 = Register(0x2C)
    L = SQR1.field(20, 4)
    SQ16 = SQR1.field(15, 5)
    SQ15 = SQR1.field(10, 5)
    SQ14 = SQR1.field(5, 5)
    SQ13 = SQR1.field(0, 5)
    SQR2 = Register(0x30)
    SQ12 = SQR2.field(25, 5)
    SQ11 = SQR2.field(20, 5)
    SQ10 = SQR2.field(15, 5)
    SQ9 = SQR2.field(10, 5)
    SQ8 = SQR2.field(5, 5)
    SQ7 = SQR2.field(0, 5)
    SQR3 = Register(0x34)
    SQ6 = SQR3.field(25, 5)
    SQ5 = SQR3.field(20, 5)
    SQ4 = SQR3.field(15, 5)
    SQ3 = SQR3.field(10, 5)
    SQ2 = SQR3.field(5, 5)
    SQ1 = SQR3.field(0, 5)
    JSQR = Register(0x38)
    JL = JSQR.field(20, 2)
    JSQ4 = JSQR.field(15, 5)
    JSQ3 = JSQR.field(10, 5)
    JSQ2 = JSQR.field(5, 5)
    JSQ1 = JSQR.field(0, 5)

    JDR1 = Register(0x3C, access=RO)
    JDR1_JDATA = JDR1.field(0, 16)
    JDR2 = Register(0x40, access=RO)
    JDR2_JDATA = JDR2.field(0, 16)
    JDR3 = Register(0x44, access=RO)
    JDR3_JDATA = JDR3.field(0, 16)
    JDR4 = Register(0x48, access=RO)
    JDR4_JDATA = JDR4.field(0, 16)
    DR = Register(0x4C, access=RO)
    DATA = DR.field(0, 16)


class AdcCommon(Peripheral):
    """The registers that all converters share (section 13.13.15 to 13.13.17)."""

    SIZE: ClassVar[int] = 0x100

    CSR = Register(0x00, access=RO)
    OVR3 = CSR.field(21)
    STRT3 = CSR.field(20)
    JSTRT3 = CSR.field(19)
    JEOC3 = CSR.field(18)
    EOC3 = CSR.field(17)
    AWD3 = CSR.field(16)
    OVR2 = CSR.field(13)
    STRT2 = CSR.field(12)
    JSTRT2 = CSR.field(11)
    JEOC2 = CSR.field(10)
    EOC2 = CSR.field(9)
    AWD2 = CSR.field(8)
    OVR1 = CSR.field(5)
    STRT1 = CSR.field(4)
    JSTRT1 = CSR.field(3)
    JEOC1 = CSR.field(2)
    EOC1 = CSR.field(1)
    AWD1 = CSR.field(0)

    CCR = Register(0x04)
    TSVREFE = CCR.field(23)
    VBATE = CCR.field(22)
    ADCPRE = CCR.field(16, 2)
    CCR.tag("DMA", 14, 2)
    CCR.tag("DDS", 13)
    CCR.tag("DELAY", 8, 4)
    CCR.tag("MULT", 0, 5)

    CDR = Register(0x08, access=RO)
    DATA2 = CDR.field(16, 16)
    DATA1 = CDR.field(0, 16)

    def __init__(self, name: str, *, converters: Sequence[AdcRegisters] = (), ledger: Ledger = NO_LEDGER) -> None:
        super().__init__(name, ledger=ledger)
        self.converters = converters

    @CSR.value
    def _read_csr(self) -> int:
        return sum(each.SR << 8 * n for n, each in enumerate(self.converters))

    @CDR.value
    def _read_cdr(self) -> int:
        return sum(each.DR << 16 * n for n, each in enumerate(self.converters[:2]))
