# SPDX-License-Identifier: GPL-2.0-or-later
"""External interrupt/event controller (RM0090 section 12.2, RM0390 and RM0386 section 10.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_W1, RS, Register

LINES = 23
PVD, RTC_ALARM, OTG_FS_WKUP, ETH_WKUP, OTG_HS_WKUP, TAMP_STAMP, RTC_WKUP = range(16, LINES)


class Exti(Peripheral):
    """Edge detection on 16 pin lines (selected by SYSCFG) and 7 internal ones.

    Args:
        exti0_irq ... rtc_wkup_irq: the interrupts, named as in the vector table.
        on_event: called when a line enabled in EMR sees its edge (wakes WFE).
    """

    MISSING: ClassVar[str] = ""

    IMR = Register(0x00)
    IMR_MR = IMR.field(0, LINES)
    EMR = Register(0x04)
    EMR_MR = EMR.field(0, LINES)
    RTSR = Register(0x08)
    RTSR_TR = RTSR.field(0, LINES)
    FTSR = Register(0x0C)
    FTSR_TR = FTSR.field(0, LINES)
    SWIER = Register(0x10, access=RS)
    SWIER_SWIER = SWIER.field(0, LINES)
    PR = Register(0x14, access=RC_W1)
    PR_PR = PR.field(0, LINES)

    def __init__(
        self,
        name: str,
        *,
        exti0_irq: IrqLine,
        exti1_irq: IrqLine,
        exti2_irq: IrqLine,
        exti3_irq: IrqLine,
        exti4_irq: IrqLine,
        exti9_5_irq: IrqLine,
        exti15_10_irq: IrqLine,
        pvd_irq: IrqLine,
        rtc_alarm_irq: IrqLine,
        otg_fs_wkup_irq: IrqLine,
        eth_wkup_irq: IrqLine,
        otg_hs_wkup_irq: IrqLine,
        tamp_stamp_irq: IrqLine,
        rtc_wkup_irq: IrqLine,
        on_event: Callable[[], None] = lambda: None,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        single = (exti0_irq, exti1_irq, exti2_irq, exti3_irq, exti4_irq)
        internal = (
            pvd_irq, rtc_alarm_irq, otg_fs_wkup_irq, eth_wkup_irq, otg_hs_wkup_irq, tamp_stamp_irq, rtc_wkup_irq
        )  # fmt: skip
        self._outputs = [
            *((1 << line, irq) for line, irq in enumerate(single)),
            (0x0000_03E0, exti9_5_irq),
            (0x0000_FC00, exti15_10_irq),
            *((1 << line, irq) for line, irq in enumerate(internal, start=16)),
        ]
        self.on_event = on_event
        self._levels = 0
        super().__init__(name, ledger=ledger)

    def reset(self) -> None:
        """All lines masked, nothing pending."""
        super().reset()
        self._update()

    def drive(self, line: int, level: int) -> None:
        """Line `line` (0 ... 22) is at `level`; its selected edges count."""
        bit = 1 << line
        if bool(level) == bool(self._levels & bit):
            return
        self._levels ^= bit
        if (self.RTSR if level else self.FTSR) & bit:
            self._trigger(bit)

    def _trigger(self, bits: int) -> None:
        self.PR |= bits
        if bits & self.EMR:
            self.on_event()
        self._update()

    @SWIER.on_write
    def _software(self, written: int) -> None:
        """A software trigger sets the pending bit of lines enabled in IMR (section 12.3.5)."""
        self._trigger(written & (self.IMR | self.EMR) & Exti.SWIER_SWIER.mask)

    @PR.on_write
    def _clear(self, written: int) -> None:
        self.SWIER &= ~written
        self._update()

    @IMR.on_write
    def _mask(self, _written: int) -> None:
        self._update()

    def _update(self) -> None:
        active = self.PR & self.IMR
        for lines, irq in self._outputs:
            irq.set(active & lines)
