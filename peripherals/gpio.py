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
INPUT, OUTPUT, ALTERNATE, ANALOG = range(4)
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
    BSRR = Register(0x18, access=WO)
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
        self._outside: list[int | None] = [None] * 16
        self._driven: list[int | None] = [None] * 16  # what each pin's output driver does
        super().__init__(name, ledger=ledger)
        self.IDR = sum(self._level(pin) << pin for pin in PINS)

    def _load_resets(self) -> None:
        levels = self.IDR
        super()._load_resets()
        self.MODER, self.OSPEEDR, self.PUPDR = RESETS.get(self.port, (0, 0, 0))
        self.IDR = levels  # until _update tells of the change
        self._lock_step = self._locked = 0
        self._held: dict[int, tuple[int, int]] = {}  # word index: bits that are locked, their value

    def reset(self) -> None:
        """All pins back to their reset mode; levels from outside stay."""
        super().reset()
        self._update()

    def drive(self, pin: int, level: int | None) -> None:
        """Something outside drives `pin` (0 ... 15) to `level`, or lets go of it (None)."""
        self._outside[pin] = level
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
        self._update()

    @ODR.on_write
    def _output(self, _written: int) -> None:
        self._update()

    def _driver(self, pin: int) -> int | None:
        """What the output driver puts on the pin; None when it is off or an open drain lets go."""
        if self.MODER >> 2 * pin & 3 != OUTPUT:
            return None
        level = self.ODR >> pin & 1
        return None if level and self.OTYPER >> pin & 1 else level

    def _level(self, pin: int) -> int:
        if self.MODER >> 2 * pin & 3 == ANALOG:
            return 0
        for source in (self._driver(pin), self._outside[pin]):
            if source is not None:
                return source
        return int(self.PUPDR >> 2 * pin & 3 == PULL_UP)

    def _update(self) -> None:
        for pin in PINS:
            driven, level = self._driver(pin), self._level(pin)
            changed = level != self.IDR >> pin & 1
            self.IDR ^= changed << pin
            if driven != self._driven[pin]:
                self._driven[pin] = driven
                self.on_output(pin, level)
            if changed:
                self.on_input(pin, level)

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
