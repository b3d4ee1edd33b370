# SPDX-License-Identifier: GPL-2.0-or-later
"""Flexible memory controller (RM0090 chapter 37): the banks of the FSMC, and two of SDRAM."""

from __future__ import annotations

from typing import ClassVar

from stm32emu.peripherals.fsmc import Fsmc, OnBank, control_registers, kept, numbered
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.register import RO, WO, Register, RegisterArray

SDRAM = 0xC000_0000
SDRAM_BANK_SIZE = 0x1000_0000  # section 37.4: what a bank may have at most, and where the second one starts
SELF_REFRESH, POWER_DOWN = 0b101, 0b110
MODES = {SELF_REFRESH: 1, POWER_DOWN: 2}
"""What SDSR says of a bank after these commands; after every other one it is in normal mode."""


class Fmc(Fsmc):
    """An SDRAM bank answers from the first command to it on, in the size that its SDCR gives.

    Args:
        on_static, on_sdram: see OnBank.
    """

    MISSING: ClassVar[str] = Fsmc.MISSING + "; SDRAM loses nothing without refresh, and is ready at once"

    BCR = control_registers()
    BCR.on_write(Fsmc._enable)
    BCR.registers[0].field(20).name = "CCLKEN"

    SDCR = numbered(RegisterArray(0x140, 2, reset=0x0000_02D0), "SDCR")
    NC = SDCR.field(0, 2)
    NR = SDCR.field(2, 2)
    MWID = SDCR.field(4, 2)
    NB = SDCR.field(6)
    kept(SDCR, CAS=(7, 2), WP=(9, 1), SDCLK=(10, 2), RBURST=(12, 1), RPIPE=(13, 2))

    SDTR = numbered(RegisterArray(0x148, 2, reset=0x0FFF_FFFF), "SDTR")
    kept(SDTR, TMRD=(0, 4), TXSR=(4, 4), TRAS=(8, 4), TRC=(12, 4), TWR=(16, 4), TRP=(20, 4), TRCD=(24, 4))

    SDCMR = Register(0x150)
    MODE = SDCMR.field(0, 3, access=WO)
    CTB2 = SDCMR.field(3, access=WO)
    CTB1 = SDCMR.field(4, access=WO)
    NRFS = SDCMR.field(5, 4)
    MRD = SDCMR.field(9, 13)

    SDRTR = Register(0x154)
    CRE = SDRTR.field(0, access=WO)
    COUNT = SDRTR.field(1, 13)
    SDRTR.tag("REIE", 14)

    SDSR = Register(0x158, access=RO)
    RE = SDSR.field(0)
    MODES1 = SDSR.field(1, 2)
    MODES2 = SDSR.field(3, 2)
    BUSY = SDSR.field(5)

    def __init__(
        self,
        name: str,
        *,
        on_static: OnBank = lambda base, size: None,
        on_sdram: OnBank = lambda base, size: None,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        super().__init__(name, on_static=on_static, ledger=ledger)
        self._on_sdram = on_sdram

    @SDCMR.on_write
    def _command(self, _written: int) -> None:
        mode = MODES.get(self.MODE, 0)
        if self.CTB1:
            self.MODES1 = mode
            self._appear(self._on_sdram, SDRAM, self._size(0))
        if self.CTB2:
            self.MODES2 = mode
            self._appear(self._on_sdram, SDRAM + SDRAM_BANK_SIZE, self._size(1))

    def _size(self, bank: int) -> int:
        """Bytes of a bank: 8 to 11 column and 11 to 13 row bits, 2 or 4 internal banks, words of 8 to 32 bits."""
        words = 1 << (8 + self.NC[bank]) + (11 + self.NR[bank])
        return words * (4 if self.NB[bank] else 2) << self.MWID[bank]
