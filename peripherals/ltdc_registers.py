# SPDX-License-Identifier: GPL-2.0-or-later
"""LTDC's register declarations (RM0090 section 16.7); their behaviour is in ltdc.py."""

from __future__ import annotations

from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RO, RS, WO, Register, RegisterArray

LAYERS = 2
LAYER_STRIDE = 0x80


class LtdcRegisters(Peripheral):
    """Timing, control and status, then one set for each layer. Of their shadows nothing can be seen."""

    SSCR = Register(0x08)
    VSH = SSCR.field(0, 11)
    HSW = SSCR.field(16, 12)

    BPCR = Register(0x0C)
    AVBP = BPCR.field(0, 11)
    AHBP = BPCR.field(16, 12)

    AWCR = Register(0x10)
    AAH = AWCR.field(0, 11)
    AAW = AWCR.field(16, 12)

    TWCR = Register(0x14)
    TOTALH = TWCR.field(0, 11)
    TOTALW = TWCR.field(16, 12)

    GCR = Register(0x18, reset=0x2220)
    LTDCEN = GCR.field(0)
    DBW = GCR.field(4, 3, access=RO)
    DGW = GCR.field(8, 3, access=RO)
    DRW = GCR.field(12, 3, access=RO)
    DEN = GCR.field(16)
    PCPOL = GCR.field(28)
    DEPOL = GCR.field(29)
    VSPOL = GCR.field(30)
    HSPOL = GCR.field(31)

    SRCR = Register(0x24, access=RS)
    IMR = SRCR.field(0)
    VBR = SRCR.field(1)

    BCCR = Register(0x2C)
    BC = BCCR.field(0, 24)

    IER = Register(0x34)
    LIE = IER.field(0)
    FUIE = IER.field(1)
    TERRIE = IER.field(2)
    RRIE = IER.field(3)

    ISR = Register(0x38, access=RO)
    LIF = ISR.field(0)
    FUIF = ISR.field(1)
    TERRIF = ISR.field(2)
    RRIF = ISR.field(3)

    ICR = Register(0x3C, access=WO)
    CLIF = ICR.field(0)
    CFUIF = ICR.field(1)
    CTERRIF = ICR.field(2)
    CRRIF = ICR.field(3)

    LIPCR = Register(0x40)
    LIPOS = LIPCR.field(0, 11)

    CPSR = Register(0x44, access=RO)
    CYPOS = CPSR.field(0, 16)
    CXPOS = CPSR.field(16, 16)

    CDSR = Register(0x48, reset=0xF, access=RO)
    VDES = CDSR.field(0)
    HDES = CDSR.field(1)
    VSYNCS = CDSR.field(2)
    HSYNCS = CDSR.field(3)

    LCR = RegisterArray(0x84, LAYERS, LAYER_STRIDE)
    LEN = LCR.field(0)
    COLKEN = LCR.field(1)
    CLUTEN = LCR.field(4)

    LWHPCR = RegisterArray(0x88, LAYERS, LAYER_STRIDE)
    WHSTPOS = LWHPCR.field(0, 12)
    WHSPPOS = LWHPCR.field(16, 12)

    LWVPCR = RegisterArray(0x8C, LAYERS, LAYER_STRIDE)
    WVSTPOS = LWVPCR.field(0, 11)
    WVSPPOS = LWVPCR.field(16, 11)

    LCKCR = RegisterArray(0x90, LAYERS, LAYER_STRIDE)
    CKBLUE = LCKCR.field(0, 8)
    CKGREEN = LCKCR.field(8, 8)
    CKRED = LCKCR.field(16, 8)

    LPFCR = RegisterArray(0x94, LAYERS, LAYER_STRIDE)
    PF = LPFCR.field(0, 3)

    LCACR = RegisterArray(0x98, LAYERS, LAYER_STRIDE, reset=0xFF)
    CONSTA = LCACR.field(0, 8)

    LDCCR = RegisterArray(0x9C, LAYERS, LAYER_STRIDE)
    DCBLUE = LDCCR.field(0, 8)
    DCGREEN = LDCCR.field(8, 8)
    DCRED = LDCCR.field(16, 8)
    DCALPHA = LDCCR.field(24, 8)

    LBFCR = RegisterArray(0xA0, LAYERS, LAYER_STRIDE, reset=0x607)
    BF2 = LBFCR.field(0, 3)
    BF1 = LBFCR.field(8, 3)

    LCFBAR = RegisterArray(0xAC, LAYERS, LAYER_STRIDE)
    CFBADD = LCFBAR.field(0, 32)

    LCFBLR = RegisterArray(0xB0, LAYERS, LAYER_STRIDE)
    CFBLL = LCFBLR.field(0, 13)
    CFBP = LCFBLR.field(16, 13)

    LCFBLNR = RegisterArray(0xB4, LAYERS, LAYER_STRIDE)
    CFBLNBR = LCFBLNR.field(0, 11)

    LCLUTWR = RegisterArray(0xC4, LAYERS, LAYER_STRIDE, access=WO)
    CLUT_BLUE = LCLUTWR.field(0, 8)
    CLUT_GREEN = LCLUTWR.field(8, 8)
    CLUT_RED = LCLUTWR.field(16, 8)
    CLUTADD = LCLUTWR.field(24, 8)
