# SPDX-License-Identifier: GPL-2.0-or-later
"""Independent watchdog (RM0090 chapter 21, RM0390 and RM0386 the chapter of that name)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RO, WO, Register

LSI_HZ = 32_000
RELOAD, UNLOCK, START = 0xAAAA, 0x5555, 0xCCCC
UPDATE_TICKS = 5  # LSI periods until a new PR or RLR has reached the counter's clock domain (section 21.4.4)


class Iwdg(Peripheral):
    """A 12-bit downcounter on the 32 kHz LSI that resets the chip when firmware does not reload it in time.

    Args:
        on_reset: called with "iwdg" when the counter runs out.
    """

    MISSING: ClassVar[str] = "hardware watchdog option"

    KR = Register(0x00, access=WO)
    KEY = KR.field(0, 16)
    PR = Register(0x04)
    PR_PR = PR.field(0, 3)
    RLR = Register(0x08, reset=0xFFF)
    RL = RLR.field(0, 12)
    SR = Register(0x0C)
    PVU = SR.field(0, access=RO)
    RVU = SR.field(1, access=RO)

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        on_reset: Callable[[str], None] = lambda cause: None,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        self.clock = clock
        self.tree = tree
        self.on_reset = on_reset
        self._expiry: Event | None = None
        self._updates: dict[str, Event] = {}
        super().__init__(name, ledger=ledger)
        tree.listeners.append(self._retime)

    def _load_resets(self) -> None:
        super()._load_resets()
        self._unlocked = False
        self._kept = (self.PR, self.RLR)  # restored when a write is refused
        self._count = self.RL
        self._since, self._hclk, self._divider = self.clock.now, self.tree.hclk, 4

    def reset(self) -> None:
        """System reset: stopped."""
        for event in (self._expiry, *self._updates.values()):
            if event is not None:
                event.cancel()
        self._expiry = None
        self._updates.clear()
        super().reset()

    @KR.on_write
    def _key(self, _written: int) -> None:
        self._unlocked = self.KEY == UNLOCK
        running = self._expiry is not None
        if self.KEY == (RELOAD if running else START):
            self._run(self.RL)

    @PR.on_write
    @RLR.on_write
    def _configure(self, _written: int) -> None:
        if not self._unlocked:
            self.PR, self.RLR = self._kept
            self.ledger.illegal(self.name, Iwdg.PR.offset, "IWDG_PR or IWDG_RLR written without the key 0x5555")
            return
        for flag, old, new in (("PVU", self._kept[0], self.PR), ("RVU", self._kept[1], self.RLR)):
            if old != new:
                self._settle(flag)
        self._kept = (self.PR, self.RLR)
        self._retime()

    def _settle(self, flag: str) -> None:
        """Hold an update flag until the value has crossed into the LSI domain."""
        setattr(self, flag, 1)
        if flag in self._updates:
            self._updates[flag].cancel()
        settled = partial(setattr, self, flag, 0)
        self._updates[flag] = self.clock.after(self.tree.cycles(UPDATE_TICKS, LSI_HZ), settled)

    def _run(self, count: int) -> None:
        """Count down from `count`; the reset comes with the step below zero."""
        if self._expiry is not None:
            self._expiry.cancel()
        self._count, self._since, self._hclk = count, self.clock.now, self.tree.hclk
        self._divider = 4 << min(self.PR_PR, 6)
        self._expiry = self.clock.after(self.tree.cycles((count + 1) * self._divider, LSI_HZ), self._expire)

    def _retime(self) -> None:
        """HCLK or the prescaler changed: what has been counted so far stays counted."""
        if self._expiry is not None:
            counted = (self.clock.now - self._since) * LSI_HZ // (self._hclk * self._divider)
            self._run(max(0, self._count - counted))

    def _expire(self) -> None:
        self._expiry = None
        self.on_reset("iwdg")
