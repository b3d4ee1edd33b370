# SPDX-License-Identifier: GPL-2.0-or-later
"""The MAC management counters (RM0090 section 33.5.7)."""

from __future__ import annotations

from stm32emu.peripherals.eth_block import EthBlock
from stm32emu.peripherals.eth_registers import EthRegisters as R
from stm32emu.peripherals.register import Field, Register

COUNTERS = (R.MMCTGFSCCR, R.MMCTGFMSCCR, R.MMCTGFCR, R.MMCRFCECR, R.MMCRFAECR, R.MMCRGUFCR)


class EthCounters(EthBlock):
    """Counts frames; a counter that reaches half of its range sets a flag that interrupts unless masked."""

    def _count(self, counter: Register, half_way: Field) -> None:
        value = self.words[counter.index]
        if not self.MCF and not (self.CSR and value == 0xFFFF_FFFF):
            self.words[counter.index] = value + 1 & 0xFFFF_FFFF
            if value + 1 == 0x8000_0000:
                half_way.__set__(self, 1)

    @R.MMCCR.on_write
    def _mmc_control(self, _written: int) -> None:
        """Counter reset, or preset to 16 below half or full; both bits clear themselves."""
        if self.MMCCR_CR or self.MCP:
            value = 0 if self.MMCCR_CR else 0xFFFF_FFF0 if self.MCFHP else 0x7FFF_FFF0
            for counter in COUNTERS:
                self.words[counter.index] = value
        self.MMCCR_CR = self.MCP = 0

    @R.MMCRIR.on_read
    def _read_mmc_receive(self) -> int:
        return self._read_and_clear(R.MMCRIR, *R.MMCRIR.fields)

    @R.MMCTIR.on_read
    def _read_mmc_transmit(self) -> int:
        return self._read_and_clear(R.MMCTIR, *R.MMCTIR.fields)
