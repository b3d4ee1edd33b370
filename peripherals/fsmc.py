# SPDX-License-Identifier: GPL-2.0-or-later
"""Flexible static memory controller (RM0090 chapter 36): which banks of external memory answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RO, Register, RegisterArray

BANK1 = 0x6000_0000
SUBBANK_SIZE = 0x0400_0000  # section 36.4.1: bank 1 is four of 64 MB
MBKEN = 1 << 0

OnBank = Callable[[int, int], None]
"""Hears (base, size) of a bank when it is enabled for the first time."""


def kept(registers: RegisterArray, **places: tuple[int, int]) -> None:
    """Fields by name as (bit, width) of what has no effect here, where accesses take no time."""
    for register in registers.registers:
        for name, (bit, width) in places.items():
            register.field(bit, width).name = name


def numbered(registers: RegisterArray, name: str, first: int = 1) -> RegisterArray:
    """As the manual numbers them: BCR1 to BCR4, PCR2 to PCR4."""
    for n, register in enumerate(registers.registers, first):
        register.name = f"{name}{n}"
    return registers


def control_registers() -> RegisterArray:
    """BCR1 to BCR4. Of all that they say about a memory only MBKEN matters here."""
    registers = numbered(RegisterArray(0x00, 4, 8, reset=0x0000_30D2), "BCR")
    registers.registers[0].reset = 0x0000_30DB
    kept(registers, MBKEN=(0, 1), MUXEN=(1, 1), MTYP=(2, 2), MWID=(4, 2), FACCEN=(6, 1), BURSTEN=(8, 1), WAITPOL=(9, 1))
    kept(registers, WRAPMOD=(10, 1), WAITCFG=(11, 1), WREN=(12, 1), WAITEN=(13, 1), EXTMOD=(14, 1), ASYNCWAIT=(15, 1))
    kept(registers, CBURSTRW=(19, 1))
    return registers


class Fsmc(Peripheral):
    """Makes the banks of NOR flash, PSRAM and everything that behaves so (displays) answer once they are enabled.

    A bank stays once it has been there; what is stored there is up to `on_static`.
    """

    SIZE: ClassVar[int] = 0x1000

    MISSING: ClassVar[str] = "access timing; NAND flash and PC cards; a bank that is disabled again still answers"

    BCR = control_registers()

    BTR = numbered(RegisterArray(0x04, 4, 8, reset=0x0FFF_FFFF), "BTR")
    kept(BTR, ADDSET=(0, 4), ADDHLD=(4, 4), DATAST=(8, 8), BUSTURN=(16, 4), CLKDIV=(20, 4), DATLAT=(24, 4))
    kept(BTR, ACCMOD=(28, 2))

    PCR = numbered(RegisterArray(0x60, 3, 0x20, reset=0x18), "PCR", 2)
    PCR.tag("PBKEN", 2)
    kept(PCR, PWAITEN=(1, 1), PTYP=(3, 1), PWID=(4, 2), ECCEN=(6, 1), TCLR=(9, 4), TAR=(13, 4), ECCPS=(17, 3))

    SR = numbered(RegisterArray(0x64, 3, 0x20, reset=0x40), "SR", 2)
    kept(SR, IRS=(0, 1), ILS=(1, 1), IFS=(2, 1), IREN=(3, 1), ILEN=(4, 1), IFEN=(5, 1))
    FEMPT = SR.field(6, access=RO)

    PMEM = numbered(RegisterArray(0x68, 3, 0x20, reset=0xFCFC_FCFC), "PMEM", 2)
    kept(PMEM, MEMSETx=(0, 8), MEMWAITx=(8, 8), MEMHOLDx=(16, 8), MEMHIZx=(24, 8))

    PATT = numbered(RegisterArray(0x6C, 3, 0x20, reset=0xFCFC_FCFC), "PATT", 2)
    kept(PATT, ATTSETx=(0, 8), ATTWAITx=(8, 8), ATTHOLDx=(16, 8), ATTHIZx=(24, 8))

    ECCR = numbered(RegisterArray(0x74, 2, 0x20, access=RO), "ECCR", 2)
    kept(ECCR, ECCx=(0, 32))

    PIO4 = Register(0xB0, reset=0xFCFC_FCFC)
    IOSETx = PIO4.field(0, 8)
    IOWAITx = PIO4.field(8, 8)
    IOHOLDx = PIO4.field(16, 8)
    IOHIZx = PIO4.field(24, 8)

    BWTR = numbered(RegisterArray(0x104, 4, 8, reset=0x0FFF_FFFF), "BWTR")
    kept(BWTR, ADDSET=(0, 4), ADDHLD=(4, 4), DATAST=(8, 8), CLKDIV=(20, 4), DATLAT=(24, 4), ACCMOD=(28, 2))

    def __init__(self, name: str, *, on_static: OnBank = lambda base, size: None, ledger: Ledger = NO_LEDGER) -> None:
        self._on_static = on_static
        self._seen: set[int] = set()
        super().__init__(name, ledger=ledger)

    @BCR.on_write
    def _enable(self, bank: int, _written: int) -> None:
        if self.BCR[bank] & MBKEN:
            self._appear(self._on_static, BANK1 + bank * SUBBANK_SIZE, SUBBANK_SIZE)

    def _appear(self, on_bank: OnBank, base: int, size: int) -> None:
        """A bank's memory answers from now on, for good."""
        if base not in self._seen:
            self._seen.add(base)
            on_bank(base, size)
