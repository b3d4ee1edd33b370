# SPDX-License-Identifier: GPL-2.0-or-later
"""General-purpose I/O ports (RM0090 chapter 8, RM0390 and RM0386 chapter 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RO, WO, Register

RESETS = {  # MODER, OSPEEDR, PUPDR: the debug port's pins come up in alternate function (section 8.4.1 ff)
    "A": (0xA800_0000, 0x0C00_0000, 0x6400_0000),
    "B": (0x0000_0280, 0x0000_00C0, 0x0000_0100),
}
OUTPUT, ANALOG = 1, 3
PULL_UP = 1
PINS = range(16)


class Gpio(Peripheral):
    """One port of 16 pins. A pin's level comes from its output driver, else from outside, else from its pull resistor;
    a floating pin reads 0.

    Args:
        port: its letter, which decides the reset values; by default the last of the name.
        on_output: told (pin, level) when an output driver changes what it does to its pin, letting go included.
        on_input: told (pin, level) when a pin's level changes, whoever drives it (EXTI's source).
    """

    MISSING: ClassVar[str] = "levels of pins in alternate function, speed"

    MODER = Register(0x00)
    OTYPER = Register(0x04)
    OT = OTYPER.field(0, 16)
    OSPEEDR = Register(0x08)
    PUPDR = Register(0x0C)
    IDR = Register(0x10)
    IDR_IDR = IDR.field(0, 16, access=RO)
    ODR = Register(0x14)
    ODR_ODR = ODR.field(0, 16)
    BSRR = Register(0x18, access=WO, sets_resets=True)
    BS = BSRR.field(0, 16)
    BR = BSRR.field(16, 16)
    LCKR = Register(0x1C)
    LCK = LCKR.field(0, 16)
    LCKK = LCKR.field(16)
    AFRL = Register(0x20)
    AFRH = Register(0x24)

    def __init__(
        self,
        name: str,
        *,
        port: str = "",
        on_output: Callable[[int, int], None] = lambda pin, level: None,
        on_input: Callable[[int, int], None] = lambda pin, level: None,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        self.port = port or name[-1]
        self.on_output = on_output
        self.on_input = on_input
        self._outside = self._outside_level = 0  # pins driven from outside, their levels
        self._driven = self._driven_level = 0  # pins whose output driver is on, their levels
        super().__init__(name, ledger=ledger)
        self.IDR = self._levels()

    def _load_resets(self) -> None:
        levels = self.IDR
        super()._load_resets()
        self.MODER, self.OSPEEDR, self.PUPDR = RESETS.get(self.port, (0, 0, 0))
        self.IDR = levels  # until _update tells of the change
        self._lock_step = self._locked = 0
        self._held: dict[int, tuple[int, int]] = {}  # word index: bits that are locked, their value
        self._spread()

    def reset(self) -> None:
        """All pins back to their reset mode; levels from outside stay."""
        super().reset()
        self._update()

    def drive(self, pin: int, level: int | None) -> None:
        """Something outside drives `pin` (0 ... 15) to `level`, or lets go of it (None)."""
        bit = 1 << pin
        self._outside = self._outside & ~bit | (bit if level is not None else 0)
        self._outside_level = self._outside_level & ~bit | (bit if level else 0)
        self._update()

    @BSRR.on_write
    def _set_reset(self, written: int) -> None:
        """Set wins over reset for the same pin (section 8.4.7)."""
        self.ODR = (self.ODR & ~(written >> 16)) | (written & 0xFFFF)
        self._update()

    @MODER.on_write
    @OTYPER.on_write
    @OSPEEDR.on_write
    @PUPDR.on_write
    @AFRL.on_write
    @AFRH.on_write
    def _configure(self, _written: int) -> None:
        for index, (mask, held) in self._held.items():
            self.words[index] = (self.words[index] & ~mask) | held
        self._spread()
        self._update()

    def _spread(self) -> None:
        """Two configuration bits per pin become one bit per pin for each meaning."""
        self._outputs = sum(1 << pin for pin in PINS if self.MODER >> 2 * pin & 3 == OUTPUT)
        self._digital = sum(1 << pin for pin in PINS if self.MODER >> 2 * pin & 3 != ANALOG)
        self._pulled_up = sum(1 << pin for pin in PINS if self.PUPDR >> 2 * pin & 3 == PULL_UP)

    @ODR.on_write
    def _output(self, _written: int) -> None:
        self._update()

    def _drivers(self) -> int:
        """The pins whose output driver is on: an open drain lets go of a 1."""
        return self._outputs & ~(self.OTYPER & self.ODR)

    def _levels(self) -> int:
        drivers = self._drivers()
        outside = self._outside & ~drivers
        pulled = self._pulled_up & ~drivers & ~outside
        return (self.ODR & drivers | self._outside_level & outside | pulled) & self._digital

    def _update(self) -> None:
        drivers, levels = self._drivers(), self._levels()
        turned = (drivers ^ self._driven) | ((levels ^ self._driven_level) & drivers)
        changed = levels ^ self.IDR
        self._driven, self._driven_level, self.IDR = drivers, levels, levels
        if not turned | changed:
            return
        for pin in PINS:
            if turned >> pin & 1:
                self.on_output(pin, levels >> pin & 1)
            if changed >> pin & 1:
                self.on_input(pin, levels >> pin & 1)

    @LCKR.on_write
    def _lock(self, written: int) -> None:
        """LCKK written 1, 0, 1 with the same pins locks their configuration until reset (section 8.4.8)."""
        if self._held:
            self.LCKR = self._locked
            return
        key = written >> 16 & 1
        if self._lock_step and (written & 0xFFFF) != self._locked:
            self._lock_step = 0
        self._lock_step = self._lock_step + 1 if key == (1, 0, 1)[self._lock_step] else key
        self._locked = written & 0xFFFF
        if self._lock_step == 3:
            self._locked |= Gpio.LCKK.mask
            self._hold(written & 0xFFFF)
        self.LCKR = self._locked

    def _hold(self, pins: int) -> None:
        double = sum(3 << 2 * pin for pin in PINS if pins >> pin & 1)
        quad = sum(15 << 4 * pin for pin in PINS if pins >> pin & 1)
        for register, mask in (
            (Gpio.MODER, double),
            (Gpio.OTYPER, pins),
            (Gpio.OSPEEDR, double),
            (Gpio.PUPDR, double),
            (Gpio.AFRL, quad & 0xFFFF_FFFF),
            (Gpio.AFRH, quad >> 32),
        ):
            self._held[register.index] = (mask, self.words[register.index] & mask)
