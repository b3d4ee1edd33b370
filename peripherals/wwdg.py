# SPDX-License-Identifier: GPL-2.0-or-later
"""Window watchdog (RM0090 chapter 22, RM0390 and RM0386 the chapter of that name)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_W0, RS, Register

WARNING = 0x40  # the counter value that raises EWIF; one step below it resets
PRESCALER = 4096


class Wwdg(Peripheral):
    """A 7-bit downcounter on PCLK1 / 4096 / 2^WDGTB. It resets the chip when T6 clears, or when firmware writes the
    counter while it is still above the window.

    Args:
        irq: the WWDG interrupt (early wake-up).
        on_reset: called with "wwdg" for a reset.
    """

    MISSING: ClassVar[str] = "the counter of a watchdog that is not enabled"

    CR = Register(0x00, reset=0x7F)
    T = CR.field(0, 7)
    WDGA = CR.field(7, access=RS)

    CFR = Register(0x04, reset=0x7F)
    W = CFR.field(0, 7)
    WDGTB = CFR.field(7, 2)
    EWI = CFR.field(9, access=RS)

    SR = Register(0x08)
    EWIF = SR.field(0, access=RC_W0)

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        irq: IrqLine,
        on_reset: Callable[[str], None] = lambda cause: None,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        self.clock = clock
        self.tree = tree
        self.irq = irq
        self.on_reset = on_reset
        self._edge: Event | None = None  # the next of: warning, expiry
        super().__init__(name, ledger=ledger)
        tree.listeners.append(self._retime)

    def _load_resets(self) -> None:
        super()._load_resets()
        self._count, self._running = self.T, False
        self._note_rate()

    def _note_rate(self) -> None:
        self._since = self.clock.now
        self._rate = self.tree.hclk * (PRESCALER << self.WDGTB), self.tree.pclk1  # cycles per step, as a fraction

    def reset(self) -> None:
        """Stopped."""
        if self._edge is not None:
            self._edge.cancel()
            self._edge = None
        super().reset()
        self._update()

    @CR.value
    def _control_value(self) -> int:
        return self._running * Wwdg.WDGA.mask | self._now()

    def _now(self) -> int:
        """The counter."""
        cycles, pclk1 = self._rate
        steps = (self.clock.now - self._since) * pclk1 // cycles if self._running else 0
        return max(0, self._count - steps)

    @CR.on_write
    def _reload(self, written: int) -> None:
        early = self._running and self._now() > self.W
        self._running = bool(self.WDGA)
        self._count = written & 0x7F
        self._note_rate()
        if self._running and (early or self._count < WARNING):
            self._expire()
        else:
            self._schedule()

    @CFR.on_write
    def _configure(self, _written: int) -> None:
        self._retime()
        self._update()

    @SR.on_write
    def _acknowledge(self, _written: int) -> None:
        self._update()

    def _retime(self) -> None:
        """PCLK1 or WDGTB changed: what has been counted so far stays counted."""
        self._count = self._now()
        self._note_rate()
        self._schedule()

    def _schedule(self) -> None:
        if self._edge is not None:
            self._edge.cancel()
            self._edge = None
        if self._running and self._count > WARNING:
            self._edge = self._at(WARNING, self._warn)
        elif self._running:
            self._edge = self._at(WARNING - 1, self._expire)

    def _at(self, count: int, action: Callable[[], None]) -> Event:
        """Run `action` when the counter steps to `count`."""
        cycles, pclk1 = self._rate
        return self.clock.at(self._since - (-(self._count - count) * cycles // pclk1), action)

    def _warn(self) -> None:
        self.EWIF = 1
        self._edge = self._at(WARNING - 1, self._expire)
        self._update()

    def _expire(self) -> None:
        self._edge = None
        self.on_reset("wwdg")

    def _update(self) -> None:
        self.irq.set(self.EWIF and self.EWI)
