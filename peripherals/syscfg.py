# SPDX-License-Identifier: GPL-2.0-or-later
"""System configuration controller (RM0090 chapter 9, RM0390 and RM0386 chapter 8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RO, Register

EXTERNAL = (2, 4)  # MEM_MODE: FSMC or FMC banks


class Syscfg(Peripheral):
    """What is mapped at address 0, MII or RMII, and which port's pin feeds each EXTI line.

    Args:
        on_remap: told MEM_MODE when it changes.
        on_line: told (line, level) whenever the level of the pin selected for an EXTI line changes.
    """

    MISSING: ClassVar[str] = "bank swapping, FMC remapping, the I/O compensation cell's effect"

    MEMRMP = Register(0x00)
    MEM_MODE = MEMRMP.field(0, 3)
    MEMRMP.tag("FB_MODE", 8)
    MEMRMP.tag("SWP_FMC", 10, 2)

    PMC = Register(0x04)
    PMC.tag("ADC1DC2", 16)
    PMC.tag("ADC2DC2", 17)
    PMC.tag("ADC3DC2", 18)
    MII_RMII_SEL = PMC.field(23)

    EXTICR1 = Register(0x08)
    EXTICR1_EXTI = EXTICR1.field(0, 16)  # four ports by number (A is 0), four bits each
    EXTICR2 = Register(0x0C)
    EXTICR2_EXTI = EXTICR2.field(0, 16)
    EXTICR3 = Register(0x10)
    EXTICR3_EXTI = EXTICR3.field(0, 16)
    EXTICR4 = Register(0x14)
    EXTICR4_EXTI = EXTICR4.field(0, 16)

    CMPCR = Register(0x20)
    CMP_PD = CMPCR.field(0)
    READY = CMPCR.field(8, access=RO)

    def __init__(
        self,
        name: str,
        *,
        on_remap: Callable[[int], None] = lambda mode: None,
        on_line: Callable[[int, int], None] = lambda line, level: None,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        self.on_remap = on_remap
        self.on_line = on_line
        self._pins = [0] * 16  # levels of each port's pins
        self._lines = 0
        self._mode = 0
        super().__init__(name, ledger=ledger)

    def reset(self) -> None:
        """Flash at address 0, every line from port A."""
        super().reset()
        self._remap(0)
        self._update()

    def pin(self, port: str) -> Callable[[int, int], None]:
        """The input for a port's letter: call it with (pin, level), as Gpio's `on_input` does."""
        number = ord(port) - ord("A")

        def changed(pin: int, level: int) -> None:
            self._pins[number] = (self._pins[number] & ~(1 << pin)) | level << pin
            self._update()

        return changed

    @MEMRMP.on_write
    def _remap(self, _written: int) -> None:
        if self.MEM_MODE in EXTERNAL:
            self.ledger.unmodelled(self.name, Syscfg.MEMRMP.offset, "external memory at address 0")
        if self._mode != self.MEM_MODE:
            self._mode = self.MEM_MODE
            self.on_remap(self._mode)

    @EXTICR1.on_write
    @EXTICR2.on_write
    @EXTICR3.on_write
    @EXTICR4.on_write
    def _select(self, _written: int) -> None:
        self._update()

    @CMPCR.on_write
    def _compensate(self, _written: int) -> None:
        self.READY = self.CMP_PD

    def _update(self) -> None:
        ports = self.EXTICR1 | self.EXTICR2 << 16 | self.EXTICR3 << 32 | self.EXTICR4 << 48
        for line in range(16):
            port = ports >> 4 * line & 15
            level = self._pins[port] >> line & 1
            if level != self._lines >> line & 1:
                self._lines ^= 1 << line
                self.on_line(line, level)
