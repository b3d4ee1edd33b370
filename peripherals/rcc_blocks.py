# SPDX-License-Identifier: GPL-2.0-or-later
"""What RCC does to other blocks: their resets and their bus clocks (RM0090 sections 6.3.5 to 6.3.19)."""

from __future__ import annotations

from collections.abc import Callable

from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.rcc_gates import ALIASES
from stm32emu.peripherals.rcc_registers import RccRegisters
from stm32emu.peripherals.register import Field

Hear = Callable[[bool], None]


class RccBlocks(RccRegisters):
    """Reset and enable bits, each led to the block that is named like it."""

    def __init__(self, name: str, *, ledger: Ledger = NO_LEDGER) -> None:
        self._fields = {
            each.name: each
            for register in self.REGISTERS
            if register.name.endswith(("RSTR", "ENR"))  # BDCR.RTCEN is a kernel clock: the RTC's registers need none
            for each in register.fields
        }
        self._resets: list[tuple[Field, Peripheral]] = []
        self._clocks_of: list[tuple[Field, Hear]] = []
        self._gates: dict[int, int] = {}  # the enable registers, by index, when they were last looked at
        super().__init__(name, ledger=ledger)

    def attach(self, block_name: str, peripheral: Peripheral) -> None:
        """Let `block_name`'s bit in its RSTR register reset `peripheral`; blocks without such a bit are ignored."""
        bit = self._find(block_name, "RST")
        if bit is not None:
            self._resets.append((bit, peripheral))

    def enabled(self, block_name: str) -> bool:
        """Whether the block's bus clock is on; True for blocks that have no gate (FLASH, IWDG ...)."""
        bit = self._find(block_name, "EN")
        return bit is None or bool(self.words[bit.register.index] & bit.mask)

    def gate(self, block_name: str) -> str:
        """The bit that gates the block's bus clock, such as "RCC_AHB1ENR.GPIOAEN"; empty for a block without one."""
        bit = self._find(block_name, "EN")
        return "" if bit is None else f"RCC_{bit.register.name}.{bit.name}"

    def on_clock(self, block_name: str, hear: Hear) -> None:
        """Tell `hear`, now and at every change, whether the block's bus clock is on."""
        bit = self._find(block_name, "EN")
        if bit is not None:
            self._clocks_of.append((bit, hear))
        hear(self.enabled(block_name))

    def _find(self, block_name: str, suffix: str) -> Field | None:
        return self._fields.get(ALIASES.get(block_name, block_name) + suffix)

    @RccRegisters.AHB1RSTR.on_write
    @RccRegisters.AHB2RSTR.on_write
    @RccRegisters.AHB3RSTR.on_write
    @RccRegisters.APB1RSTR.on_write
    @RccRegisters.APB2RSTR.on_write
    def _reset_blocks(self, written: int) -> None:
        for bit, block in self._resets:
            if self.words[bit.register.index] & bit.mask & written:
                block.reset()

    @RccRegisters.AHB1ENR.on_write
    @RccRegisters.AHB2ENR.on_write
    @RccRegisters.AHB3ENR.on_write
    @RccRegisters.APB1ENR.on_write
    @RccRegisters.APB2ENR.on_write
    def _follow_gates(self, _written: int = 0) -> None:
        for bit, hear in self._clocks_of:
            word = self.words[bit.register.index]
            if (word ^ self._gates.get(bit.register.index, 0)) & bit.mask:
                hear(bool(word & bit.mask))
        self._gates = {bit.register.index: self.words[bit.register.index] for bit, _hear in self._clocks_of}
