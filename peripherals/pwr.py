# SPDX-License-Identifier: GPL-2.0-or-later
"""Power controller (RM0090 chapter 5, RM0390 and RM0386 chapter 5)."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from stm32emu.peripherals.clock import Clock, Event
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_W1, RO, WO, Register

SETTLE = 200  # cycles until a regulator reports ready; tens of microseconds on silicon, which firmware only waits out
REGULATORS = {"VOS": "VOSRDY", "ODEN": "ODRDY", "ODSWEN": "ODSWRDY", "BRE": "BRR"}  # what asks, what answers
VOS_RESET = {"F407": 0x4000, "F429": 0xC000, "F446": 0xC000, "F469": 0xC000}


class Pwr(Peripheral):
    """Voltage scaling, over-drive, backup regulator and write protection.

    Args:
        series: as for Rcc; decides CR's reset value.
    """

    MISSING: ClassVar[str] = "Stop and Standby modes, the voltage detector"

    CR = Register(0x00)
    CR.tag("LPDS", 0)
    CR.tag("PDDS", 1)
    CWUF = CR.field(2, access=WO)
    CSBF = CR.field(3, access=WO)
    CR.tag("PVDE", 4)
    CR.tag("PLS", 5, 3)
    DBP = CR.field(8)
    CR.tag("FPDS", 9)
    CR.tag("LPLVDS", 10)
    CR.tag("MRLVDS", 11)
    CR.tag("ADCDC1", 13)
    VOS = CR.field(14, 2)
    ODEN = CR.field(16)
    ODSWEN = CR.field(17)
    CR.tag("UDEN", 18, 2)
    CR.tag("FMSSR", 20)
    CR.tag("FISSR", 21)

    CSR = Register(0x04)
    WUF = CSR.field(0, access=RO)
    SBF = CSR.field(1, access=RO)
    PVDO = CSR.field(2, access=RO)
    BRR = CSR.field(3, access=RO)
    CSR.tag("EWUP2", 7)
    CSR.tag("EWUP", 8)
    BRE = CSR.field(9)
    VOSRDY = CSR.field(14, access=RO)
    ODRDY = CSR.field(16, access=RO)
    ODSWRDY = CSR.field(17, access=RO)
    UDRDY = CSR.field(18, 2, access=RC_W1)

    def __init__(self, name: str, *, clock: Clock, series: str = "F407", ledger: Ledger = NO_LEDGER) -> None:
        self.clock = clock
        self.series = series
        self._settling: dict[str, Event] = {}
        super().__init__(name, ledger=ledger)

    def _load_resets(self) -> None:
        for event in self._settling.values():
            event.cancel()
        self._settling.clear()
        super()._load_resets()
        self.CR = VOS_RESET[self.series]
        self._asked = dict.fromkeys(REGULATORS, 0)
        self._follow()

    @CR.on_write
    @CSR.on_write
    def _control(self, _written: int) -> None:
        self.WUF &= not self.CWUF
        self.SBF &= not self.CSBF
        self.CWUF = self.CSBF = 0
        self._follow()

    def _follow(self) -> None:
        """A regulator whose setting changed is not ready; it settles anew if it is asked for at all."""
        for setting, ready in REGULATORS.items():
            asked = getattr(self, setting)
            if asked == self._asked[setting]:
                continue
            self._asked[setting] = asked
            setattr(self, ready, 0)
            if setting in self._settling:
                self._settling.pop(setting).cancel()
            if asked:
                self._settling[setting] = self.clock.after(SETTLE, partial(setattr, self, ready, 1))
