# SPDX-License-Identifier: GPL-2.0-or-later
"""Embedded flash memory interface (RM0090 chapters 3 and 4, RM0390 and RM0386 chapter 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_W1, RO, RS, WO, Field, Register

KEYS = (0x4567_0123, 0xCDEF_89AB)
OPTION_KEYS = (0x0819_2A3B, 0x4C5D_6E7F)
PROGRAM_US = 16  # datasheet, "Flash memory programming", typical at x32
ERASE_US = {16: 250_000, 64: 550_000, 128: 1_000_000}  # by sector size in KB
ROW = 16  # bytes: one programming access stays within 128 bits


class Unlock:
    """A two-key sequence. A wrong key closes it until reset (RM0090 section 3.6.1)."""

    def __init__(self, keys: tuple[int, int]) -> None:
        self._keys = keys
        self.reset()

    def reset(self) -> None:
        """Start anew."""
        self._next = 0
        self.broken = False

    def key(self, written: int) -> bool:
        """Take one key; True when it completes the sequence."""
        if self.broken or written != self._keys[self._next]:
            self.broken = True
            return False
        self._next ^= 1
        return self._next == 0


class Flash(Peripheral):
    """Unlocking, erasing and programming of `array`.

    An operation changes the array at once and holds BSY for its typical duration. An access that silicon would stall
    until BSY clears (a write of CR, another programming store) ends the running operation instead.

    Args:
        irq: the FLASH global interrupt.
        array: the memory's bytes.
        sectors: sector sizes in bytes from the array's start; those from index 12 on are bank 2.
        base: the array's address.
        on_change: told (address, length) after bytes changed, so that translated code can be dropped.
    """

    MISSING: ClassVar[str] = "read-out protection, caches, stalls while busy"

    ACR = Register(0x00)
    LATENCY = ACR.field(0, 4)
    PRFTEN = ACR.field(8)
    ICEN = ACR.field(9)
    DCEN = ACR.field(10)
    ICRST = ACR.field(11, access=WO)
    DCRST = ACR.field(12)

    KEYR = Register(0x04, access=WO)
    KEY = KEYR.field(0, 32)

    OPTKEYR = Register(0x08, access=WO)
    OPTKEY = OPTKEYR.field(0, 32)

    SR = Register(0x0C, access=RC_W1)
    EOP = SR.field(0)
    OPERR = SR.field(1)
    WRPERR = SR.field(4)
    PGAERR = SR.field(5)
    PGPERR = SR.field(6)
    PGSERR = SR.field(7)
    RDERR = SR.field(8)
    BSY = SR.field(16, access=RO)

    CR = Register(0x10, reset=0x8000_0000)
    PG = CR.field(0)
    SER = CR.field(1)
    MER = CR.field(2)
    SNB = CR.field(3, 5)
    PSIZE = CR.field(8, 2)
    MER1 = CR.field(15)
    STRT = CR.field(16, access=RS)
    EOPIE = CR.field(24)
    ERRIE = CR.field(25)
    LOCK = CR.field(31, access=RS)

    OPTCR = Register(0x14, reset=0x0FFF_AAED)
    OPTLOCK = OPTCR.field(0, access=RS)
    OPTSTRT = OPTCR.field(1, access=RS)
    BOR_LEV = OPTCR.field(2, 2)
    BFB2 = OPTCR.field(4)
    WDG_SW = OPTCR.field(5)
    nRST_STOP = OPTCR.field(6)  # noqa: N815 - the manual's name
    nRST_STDBY = OPTCR.field(7)  # noqa: N815
    RDP = OPTCR.field(8, 8)
    nWRP = OPTCR.field(16, 12)  # noqa: N815
    DB1M = OPTCR.field(30)
    SPRMOD = OPTCR.field(31)

    OPTCR1 = Register(0x18, reset=0x0FFF_0000)
    OPTCR1_nWRP = OPTCR1.field(16, 12)

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        irq: IrqLine,
        array: bytearray | memoryview,
        sectors: Sequence[int],
        base: int = 0x0800_0000,
        on_change: Callable[[int, int], None] = lambda address, length: None,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        self.clock = clock
        self.tree = tree
        self.irq = irq
        self.array = array
        self.sectors = tuple(sectors)
        self.base = base
        self.on_change = on_change
        self._keys, self._option_keys = Unlock(KEYS), Unlock(OPTION_KEYS)
        self._operation: Event | None = None
        self._options = (Flash.OPTCR.reset, Flash.OPTCR1.reset)  # what the option bytes hold
        super().__init__(name, ledger=ledger)

    def _load_resets(self) -> None:
        super()._load_resets()
        self.OPTCR, self.OPTCR1 = self._options
        self._cr, self._optcr, self._optcr1 = self.CR, self.OPTCR, self.OPTCR1  # restored when a write is refused
        self._keys.reset()
        self._option_keys.reset()

    def reset(self) -> None:
        """System reset; an operation under way is lost, its bytes already changed. Option bytes stay."""
        if self._operation is not None:
            self._operation.cancel()
        super().reset()
        self._update()

    # Keys

    @KEYR.on_write
    def _key(self, written: int) -> None:
        if not self.LOCK or self._keys.key(written):
            self.LOCK = 0
        elif self._keys.broken:
            self.ledger.illegal(self.name, Flash.KEYR.offset, "wrong key: FLASH_CR stays locked until reset")
        self._cr = self.CR

    @OPTKEYR.on_write
    def _option_key(self, written: int) -> None:
        if not self.OPTLOCK or self._option_keys.key(written):
            self.OPTLOCK = 0
        elif self._option_keys.broken:
            self.ledger.illegal(self.name, Flash.OPTKEYR.offset, "wrong key: FLASH_OPTCR stays locked until reset")
        self._optcr = self.OPTCR

    # Operations

    @CR.on_write
    def _control(self, written: int) -> None:
        if self._cr & Flash.LOCK.mask:
            self.CR = self._cr
            self.ledger.illegal(self.name, Flash.CR.offset, "FLASH_CR written while locked")
            return
        if self.BSY:
            self._finish()
            self.STRT = bool(written & Flash.STRT.mask)
        if self.STRT:
            self._erase()
        self._cr = self.CR
        self._update()

    def _erase(self) -> None:
        chosen = self._chosen()
        if not chosen or any(self._protected(n) for n in chosen):
            self.STRT = 0
            self._fail(Flash.WRPERR if chosen else Flash.PGSERR)
            return
        for n in chosen:
            start, size = sum(self.sectors[:n]), self.sectors[n]
            self.array[start : start + size] = b"\xff" * size
            self.on_change(self.base + start, size)
        self._start(sum(ERASE_US.get(self.sectors[n] >> 10, ERASE_US[128]) for n in chosen))

    def _chosen(self) -> list[int]:
        """The sectors that CR asks to erase, none if it asks for both kinds of erase (RM0090 section 3.6.3). Sectors
        of bank 2 have SNB 16 and up."""
        every = range(len(self.sectors))
        if self.MER or self.MER1:
            if self.SER:
                return []
            return [n for n in every if (self.MER1 if n >= 12 else self.MER)]
        return [n for n in every if self.SER and n + (4 if n >= 12 else 0) == self.SNB]

    def _protected(self, sector: int) -> bool:
        word = self.OPTCR1_nWRP if sector >= 12 else self.nWRP
        return not word >> sector % 12 & 1

    def program(self, address: int, size: int, value: int) -> None:
        """A guest store of `size` bytes (1, 2, 4 or 8) to the array. Bits go from 1 to 0 only."""
        if self.BSY:
            self._finish()
        start = address - self.base
        errors = self._refusals(start, size)
        if errors:
            self._fail(*errors)
            return
        for n, byte in enumerate(value.to_bytes(size, "little")):
            self.array[start + n] &= byte
        self.on_change(address, size)
        self._start(PROGRAM_US)

    def _refusals(self, start: int, size: int) -> list[Field]:
        """The error flags that a store raises (RM0090 section 3.6.4, "Programming errors"); each has its own cause, so
        that a stray word store out of reset raises both PGSERR and PGPERR."""
        erasing = self.SER or self.MER or self.MER1
        as_asked = size == 1 << self.PSIZE or (self.PSIZE == 3 and size == 4)  # a double word comes as two words
        sector = next(n for n in range(len(self.sectors)) if start < sum(self.sectors[: n + 1]))
        causes = (
            (Flash.PGSERR, not self.PG or erasing),
            (Flash.PGPERR, not as_asked),
            (Flash.PGAERR, start % ROW + size > ROW),
            (Flash.WRPERR, self._protected(sector)),
        )
        return [flag for flag, raised in causes if raised]

    def _fail(self, *flags: Field) -> None:
        for flag in flags:
            self.SR |= flag.mask
            self.ledger.illegal(self.name, Flash.SR.offset, f"flash operation refused: {flag.name}")
        self.OPERR |= self.ERRIE  # raised only while its interrupt is enabled (section 3.9.7)
        self._update()

    def _start(self, microseconds: int) -> None:
        if self._operation is not None:
            self._operation.cancel()
        self.BSY = 1
        self._operation = self.clock.after(self.tree.cycles(microseconds, 1_000_000), self._finish)

    def _finish(self) -> None:
        if self._operation is not None:
            self._operation.cancel()
        self.BSY = self.STRT = self.OPTSTRT = 0
        self.EOP |= self.EOPIE  # raised only while its interrupt is enabled
        self._cr, self._optcr = self.CR, self.OPTCR
        self._update()

    @SR.on_write
    def _acknowledge(self, _written: int) -> None:
        self._update()

    @OPTCR.on_write
    @OPTCR1.on_write
    def _option(self, _written: int) -> None:
        if self._optcr & Flash.OPTLOCK.mask:
            self.OPTCR, self.OPTCR1 = self._optcr, self._optcr1
            self.ledger.illegal(self.name, Flash.OPTCR.offset, "option control written while locked")
            return
        if self.OPTSTRT:
            self._options = (self.OPTCR & ~Flash.OPTSTRT.mask | Flash.OPTLOCK.mask, self.OPTCR1)
            self._start(ERASE_US[16])
        self._optcr, self._optcr1 = self.OPTCR, self.OPTCR1

    def _update(self) -> None:
        self.irq.set((self.EOP and self.EOPIE) or (self.OPERR and self.ERRIE))
