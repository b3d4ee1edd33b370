# SPDX-License-Identifier: GPL-2.0-or-later
"""bxCAN's register declarations (RM0090 section 32.9); their behaviour is in can.py."""

from __future__ import annotations

from collections.abc import Mapping

from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_W1, RO, RS, RW, Register, RegisterArray

MAILBOXES, FIFOS, BANKS = 3, 2, 28


Places = Mapping[str, tuple[int, int]]
IDENTIFIER: Places = {"STID": (21, 11), "EXID": (3, 18), "IDE": (2, 1), "RTR": (1, 1)}
LOW: Places = {f"DATA{n}": (8 * n, 8) for n in range(4)}
HIGH: Places = {f"DATA{n + 4}": (8 * n, 8) for n in range(4)}


def _array(
    offset: int, count: int, name: str, fields: Places, *, stride: int = 0x10, access: str = RW
) -> RegisterArray:
    """Registers whose number stands within their name, at the `#`; their fields are given as (bit, width)."""
    array = RegisterArray(offset, count, stride, access=access)
    for n, register in enumerate(array.registers):
        register.name = name.replace("#", str(n))
        for each, (bit, width) in fields.items():
            register.field(bit, width).name = each
    return array


class CanRegisters(Peripheral):
    """Control, status, transmit mailboxes and the output mailboxes of the receive FIFOs."""

    MCR = Register(0x00, reset=0x0001_0002)
    DBF = MCR.field(16)
    RESET = MCR.field(15, access=RS)
    MCR.tag("TTCM", 7)
    ABOM = MCR.field(6)
    AWUM = MCR.field(5)
    NART = MCR.field(4)
    RFLM = MCR.field(3)
    TXFP = MCR.field(2)
    SLEEP = MCR.field(1)
    INRQ = MCR.field(0)

    MSR = Register(0x04, reset=0x0C02)
    RX = MSR.field(11, access=RO)
    SAMP = MSR.field(10, access=RO)
    RXM = MSR.field(9, access=RO)
    TXM = MSR.field(8, access=RO)
    SLAKI = MSR.field(4, access=RC_W1)
    WKUI = MSR.field(3, access=RC_W1)
    ERRI = MSR.field(2, access=RC_W1)
    SLAK = MSR.field(1, access=RO)
    INAK = MSR.field(0, access=RO)

    TSR = Register(0x08, reset=0x1C00_0000)
    OUTCOMES = (("TERR", 3), ("ALST", 2), ("TXOK", 1), ("RQCP", 0))
    for _n in range(MAILBOXES):
        TSR.field(29 + _n, access=RO).name = f"LOW{_n}"
        TSR.field(26 + _n, access=RO).name = f"TME{_n}"
        TSR.field(7 + 8 * _n, access=RS).name = f"ABRQ{_n}"
        for _name, _bit in OUTCOMES:
            TSR.field(_bit + 8 * _n, access=RC_W1).name = f"{_name}{_n}"
    CODE = TSR.field(24, 2, access=RO)

    RFR = _array(0x0C, FIFOS, "RF#R", {}, stride=4)
    for _n, _register in enumerate(RFR.registers):
        _register.field(5, access=RS).name = f"RFOM{_n}"
        _register.field(4, access=RC_W1).name = f"FOVR{_n}"
        _register.field(3, access=RC_W1).name = f"FULL{_n}"
        _register.field(0, 2, access=RO).name = f"FMP{_n}"

    IER = Register(0x14)
    SLKIE = IER.field(17)
    WKUIE = IER.field(16)
    ERRIE = IER.field(15)
    LECIE = IER.field(11)
    BOFIE = IER.field(10)
    EPVIE = IER.field(9)
    EWGIE = IER.field(8)
    FOVIE1 = IER.field(6)
    FFIE1 = IER.field(5)
    FMPIE1 = IER.field(4)
    FOVIE0 = IER.field(3)
    FFIE0 = IER.field(2)
    FMPIE0 = IER.field(1)
    TMEIE = IER.field(0)

    ESR = Register(0x18)
    REC = ESR.field(24, 8, access=RO)
    TEC = ESR.field(16, 8, access=RO)
    LEC = ESR.field(4, 3)
    BOFF = ESR.field(2, access=RO)
    EPVF = ESR.field(1, access=RO)
    EWGF = ESR.field(0, access=RO)

    BTR = Register(0x1C, reset=0x0123_0000)
    SILM = BTR.field(31)
    LBKM = BTR.field(30)
    SJW = BTR.field(24, 2)
    TS2 = BTR.field(20, 3)
    TS1 = BTR.field(16, 4)
    BRP = BTR.field(0, 10)

    TIR = _array(0x180, MAILBOXES, "TI#R", {**IDENTIFIER, "TXRQ": (0, 1)})
    TDTR = _array(0x184, MAILBOXES, "TDT#R", {"DLC": (0, 4)})
    TDTR.tag("TIME", 16, 16)
    TDTR.tag("TGT", 8)
    TDLR = _array(0x188, MAILBOXES, "TDL#R", LOW)
    TDHR = _array(0x18C, MAILBOXES, "TDH#R", HIGH)
    RIR = _array(0x1B0, FIFOS, "RI#R", IDENTIFIER, access=RO)
    RDTR = _array(0x1B4, FIFOS, "RDT#R", {"FMI": (8, 8), "DLC": (0, 4)}, access=RO)
    RDTR.tag("TIME", 16, 16)
    RDLR = _array(0x1B8, FIFOS, "RDL#R", LOW, access=RO)
    RDHR = _array(0x1BC, FIFOS, "RDH#R", HIGH, access=RO)
    del _n, _name, _bit, _register
