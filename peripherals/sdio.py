# SPDX-License-Identifier: GPL-2.0-or-later
"""SDIO host (RM0090 chapter 31): an empty card slot. Commands go out and nothing answers."""

from __future__ import annotations

from typing import ClassVar

from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RO, WO, Register

COMMAND_BITS = 48
RESPONSE_TIMEOUT = 64  # SDIO_CK periods (section 31.3.1)
POWER_ON = 3
FLAGS = (  # STA, ICR and MASK have them at the same bits
    *("CCRCFAIL", "DCRCFAIL", "CTIMEOUT", "DTIMEOUT", "TXUNDERR", "RXOVERR", "CMDREND", "CMDSENT", "DATAEND"),
    *("STBITERR", "DBCKEND", "CMDACT", "TXACT", "RXACT", "TXFIFOHE", "RXFIFOHF", "TXFIFOF", "RXFIFOF", "TXFIFOE"),
    *("RXFIFOE", "TXDAVL", "RXDAVL", "SDIOIT", "CEATAEND"),
)
CTIMEOUT, DTIMEOUT, CMDSENT, CMDACT = (1 << FLAGS.index(n) for n in ("CTIMEOUT", "DTIMEOUT", "CMDSENT", "CMDACT"))
STATIC = 0x00C0_07FF  # those that ICR clears


class Sdio(Peripheral):
    """The command path, and a data path that waits for its card until DTIMER ends it.

    Without its 48 MHz clock, or power and CLKEN, nothing leaves the host.
    """

    MISSING: ClassVar[str] = "cards: every command that asks for a response, and every transfer, times out"

    POWER = Register(0x00)
    PWRCTRL = POWER.field(0, 2)
    CLKCR = Register(0x04)
    CLKCR.tag("HWFC_EN", 14)
    CLKCR.tag("NEGEDGE", 13)
    WIDBUS = CLKCR.field(11, 2)
    BYPASS = CLKCR.field(10)
    PWRSAV = CLKCR.field(9)
    CLKEN = CLKCR.field(8)
    CLKDIV = CLKCR.field(0, 8)
    ARG = Register(0x08)
    CMDARG = ARG.field(0, 32)
    CMD = Register(0x0C)
    CMD.tag("CE_ATACMD", 14)
    CMD.tag("nIEN", 13)
    CMD.tag("ENCMDcompl", 12)
    CMD.tag("SDIOSuspend", 11)
    CPSMEN = CMD.field(10)
    CMD.tag("WAITPEND", 9)
    CMD.tag("WAITINT", 8)
    WAITRESP = CMD.field(6, 2)
    CMDINDEX = CMD.field(0, 6)
    RESPCMD = Register(0x10, access=RO)
    RESPCMD_RESPCMD = RESPCMD.field(0, 6)
    RESP1 = Register(0x14, access=RO)
    CARDSTATUS1 = RESP1.field(0, 32)
    RESP2 = Register(0x18, access=RO)
    CARDSTATUS2 = RESP2.field(0, 32)
    RESP3 = Register(0x1C, access=RO)
    CARDSTATUS3 = RESP3.field(0, 32)
    RESP4 = Register(0x20, access=RO)
    CARDSTATUS4 = RESP4.field(0, 32)
    DTIMER = Register(0x24)
    DATATIME = DTIMER.field(0, 32)
    DLEN = Register(0x28)
    DATALENGTH = DLEN.field(0, 25)
    DCTRL = Register(0x2C)
    DCTRL.tag("SDIOEN", 11)
    DCTRL.tag("RWMOD", 10)
    DCTRL.tag("RWSTOP", 9)
    DCTRL.tag("RWSTART", 8)
    DBLOCKSIZE = DCTRL.field(4, 4)
    DMAEN = DCTRL.field(3)
    DTMODE = DCTRL.field(2)
    DTDIR = DCTRL.field(1)
    DTEN = DCTRL.field(0)
    DCOUNT = Register(0x30, access=RO)
    DATACOUNT = DCOUNT.field(0, 25)

    STA = Register(0x34, access=RO)
    ICR = Register(0x38, access=WO)
    MASK = Register(0x3C)
    for _n, _name in enumerate(FLAGS):
        STA.field(_n).name = _name
        MASK.field(_n).name = f"{_name}IE"
        if STATIC >> _n & 1:
            ICR.field(_n).name = f"{_name}C"
    del _n, _name

    FIFOCNT = Register(0x48, access=RO)
    FIFOCOUNT = FIFOCNT.field(0, 24)
    FIFO = Register(0x80)
    FIFO.tag("FIFOData", 0, 32)

    def __init__(self, name: str, *, clock: Clock, tree: ClockTree, irq: IrqLine, ledger: Ledger = NO_LEDGER) -> None:
        self.clock = clock
        self.tree = tree
        self.irq = irq
        self._events: dict[int, Event] = {}  # by the flag they set
        super().__init__(name, ledger=ledger)

    def reset(self) -> None:
        """Powered off."""
        for event in self._events.values():
            event.cancel()
        super().reset()
        self._update()

    def _flag_after(self, periods: int, flag: int) -> None:
        """Set a flag that many SDIO_CK periods from now."""
        clock = self.tree.pll48ck
        if clock and self.PWRCTRL == POWER_ON and self.CLKEN:
            divider = 1 if self.BYPASS else self.CLKDIV + 2
            self._events[flag] = self.clock.after(self.tree.cycles(periods * divider, clock), lambda: self._raise(flag))

    def _raise(self, flag: int) -> None:
        self.STA = (self.STA if flag == DTIMEOUT else self.STA & ~CMDACT) | flag
        self._update()

    @CMD.on_write
    def _command(self, _written: int) -> None:
        """WAITRESP is 1 for a short and 3 for a long response."""
        if self.CPSMEN:
            self.STA |= CMDACT
            if self.WAITRESP & 1:
                self._flag_after(COMMAND_BITS + RESPONSE_TIMEOUT, CTIMEOUT)
            else:
                self._flag_after(COMMAND_BITS, CMDSENT)
            self._update()

    @DCTRL.on_write
    def _data(self, written: int) -> None:
        if written & 1:
            self.DCOUNT = self.DLEN
            self._flag_after(self.DTIMER, DTIMEOUT)

    @ICR.on_write
    def _clear(self, written: int) -> None:
        self.STA &= ~(written & STATIC)
        self.ICR = 0
        self._update()

    @MASK.on_write
    def _update(self, _written: int = 0) -> None:
        self.irq.set(self.STA & self.MASK)
