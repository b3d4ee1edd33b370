# SPDX-License-Identifier: GPL-2.0-or-later
"""SPI and I2S as a master (RM0090 chapter 28): each frame is exchanged with one device, in the time its rate gives."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Literal

from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import PLAIN, Peripheral
from stm32emu.peripherals.register import RC_W0, RO, Register

I2S_SENDS, I2S_RECEIVES = 2, 3  # I2SCFGR.I2SCFG, as a master


class Spi(Peripheral):
    """One SPI. Chip selects are GPIO pins, so telling devices apart is up to whoever gives `device`.

    Args:
        bus: "pclk1" or "pclk2", the clock that CR1.BR divides.
        device: takes the frame sent (8 or 16 bits, or 0 while only receiving), gives the frame received. Without a
            device MISO is pulled up and every frame reads all ones.
    """

    MISSING: ClassVar[str] = "slave modes, the CRC unit and TI frames"

    CR1 = Register(0x00)
    BIDIMODE = CR1.field(15)
    BIDIOE = CR1.field(14)
    CR1.tag("CRCEN", 13)
    CR1.tag("CRCNEXT", 12)
    DFF = CR1.field(11)
    RXONLY = CR1.field(10)
    SSM = CR1.field(9)
    SSI = CR1.field(8)
    LSBFIRST = CR1.field(7)  # an order on the wire; both ends agree on it
    SPE = CR1.field(6)
    BR = CR1.field(3, 3)
    MSTR = CR1.field(2)
    CPOL = CR1.field(1)
    CPHA = CR1.field(0)

    CR2 = Register(0x04)
    TXEIE = CR2.field(7)
    RXNEIE = CR2.field(6)
    ERRIE = CR2.field(5)
    CR2.tag("FRF", 4)
    SSOE = CR2.field(2)
    TXDMAEN = CR2.field(1)
    RXDMAEN = CR2.field(0)

    SR = Register(0x08, reset=0x02)
    TIFRFE = SR.field(8, access=RO)
    BSY = SR.field(7, access=RO)
    OVR = SR.field(6, access=RO)
    MODF = SR.field(5, access=RO)
    CRCERR = SR.field(4, access=RC_W0)
    UDR = SR.field(3, access=RO)
    CHSIDE = SR.field(2, access=RO)
    TXE = SR.field(1, access=RO)
    RXNE = SR.field(0, access=RO)

    DR = Register(0x0C)
    DR_DR = DR.field(0, 16)
    CRCPR = Register(0x10, reset=0x07)
    CRCPOLY = CRCPR.field(0, 16)
    RXCRCR = Register(0x14, access=RO)
    RxCRC = RXCRCR.field(0, 16)
    TXCRCR = Register(0x18, access=RO)
    TxCRC = TXCRCR.field(0, 16)

    I2SCFGR = Register(0x1C)
    I2SMOD = I2SCFGR.field(11)
    I2SE = I2SCFGR.field(10)
    I2SCFG = I2SCFGR.field(8, 2)
    PCMSYNC = I2SCFGR.field(7)
    I2SSTD = I2SCFGR.field(4, 2)
    CKPOL = I2SCFGR.field(3)
    DATLEN = I2SCFGR.field(1, 2)
    CHLEN = I2SCFGR.field(0)
    I2SPR = Register(0x20, reset=0x02)
    MCKOE = I2SPR.field(9)
    ODD = I2SPR.field(8)
    I2SDIV = I2SPR.field(0, 8)

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        bus: Literal["pclk1", "pclk2"],
        irq: IrqLine,
        device: Callable[[int], int] = lambda frame: 0xFFFF,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        super().__init__(name, ledger=ledger)
        self.clock = clock
        self.tree = tree
        self.bus = bus
        self.irq = irq
        self.device = device
        self.dma_tx = IrqLine()
        self.dma_rx = IrqLine()
        self._shifting: Event | None = None
        self._power_on()

    def _power_on(self) -> None:
        self._tdr = self._rdr = 0
        self._dr_was_read = False  # the first half of clearing OVR
        self._modf_seen = False  # the first half of clearing MODF
        self._halfwords = 0  # that I2S began to send, or received, since it was switched on

    def reset(self) -> None:
        """A frame under way is lost."""
        super().reset()
        if self._shifting is not None:
            self._shifting.cancel()
            self._shifting = None
        self._power_on()
        self._update()

    @property
    def _clocked(self) -> bool:
        """On, and the master."""
        if self.I2SMOD:
            return bool(self.I2SE) and self.I2SCFG in (I2S_SENDS, I2S_RECEIVES) and self.tree.i2sclk is not None
        return bool(self.SPE and self.MSTR)

    @property
    def _transmits(self) -> bool:
        if self.I2SMOD:
            return self.I2SCFG == I2S_SENDS
        return bool(self.BIDIOE) if self.BIDIMODE else not self.RXONLY

    @property
    def _receives(self) -> bool:
        return self.I2SCFG == I2S_RECEIVES if self.I2SMOD else not (self.BIDIMODE and self.BIDIOE)

    @SR.on_read
    def _read_sr(self) -> int:
        """OVR goes by a read of DR and then of SR (section 28.3.10); MODF by a read of SR and a write to CR1."""
        value = self.SR
        if self._dr_was_read:
            self.OVR = 0
            self._dr_was_read = False
            self._update()
        self._modf_seen = bool(self.MODF)
        return value

    @SR.on_write
    @CR2.on_write
    def _update(self, _written: int = 0) -> None:
        sr, cr2 = self.SR, self.CR2
        self.plain[Spi.SR.index] = 0 if self._dr_was_read or sr & Spi.MODF.mask else PLAIN  # nothing for a read to do
        self.irq.set((sr & 0x02 and cr2 & 0x80) or (sr & 0x01 and cr2 & 0x40) or (sr & 0x70 and cr2 & 0x20))
        self.dma_rx.set(cr2 & sr & 0x01)
        self.dma_tx.set(self.CR2 & self.SR & 0x02)

    @CR1.on_write
    def _configure(self, _written: int) -> None:
        if self._modf_seen:
            self.MODF = 0
            self._modf_seen = False
        if self.MSTR and self.SSM and not self.SSI:  # NSS low for a master: another one has the bus (28.3.10)
            self.MODF = 1
            self.MSTR = self.SPE = 0
        if self.SPE and not self.MSTR:
            self.ledger.unmodelled(self.name, 0x00, "slave mode")
        self._shift(self.clock.now)
        self._update()

    @I2SCFGR.on_write
    def _configure_i2s(self, _written: int) -> None:
        if self.I2SMOD and self.I2SE and self.I2SCFG < I2S_SENDS:
            self.ledger.unmodelled(self.name, Spi.I2SCFGR.offset, "I2S slave mode")
        if not self.I2SE:
            self.CHSIDE = self._halfwords = 0
        self._shift(self.clock.now)
        self._update()

    @DR.on_write
    def _write_dr(self, written: int) -> None:
        self._tdr = written
        self.TXE = 0
        self._shift(self.clock.now)
        self._update()

    @DR.on_read
    def _read_dr(self) -> int:
        value = self._rdr
        self.RXNE = 0
        self._dr_was_read = bool(self.OVR)
        self._shift(self.clock.now)
        self._update()
        return value

    def _shift(self, start: int) -> None:
        """Begin a frame at cycle `start`: with a byte to send, or without end while only receiving.

        While nobody reads, receiving pauses after the overrun: the frames it would go on losing make no difference.
        """
        if self._shifting is not None or not self._clocked:
            return
        if self._transmits:
            if self.TXE:
                return
            frame, self.TXE = self._tdr, 1
            self._next_halfword()
        elif self.OVR and self.RXNE:
            return
        else:
            frame = 0
        bits = 16 if self.DFF or self.I2SMOD else 8
        due = start + (self._half_word_cycles() if self.I2SMOD else self._frame_cycles(bits))
        self.BSY = self._transmits or not (self.BIDIMODE or self.I2SMOD)  # sections 28.3.7 and 28.4.7
        self._shifting = self.clock.at(due, partial(self._shifted, due, frame & (1 << bits) - 1, (1 << bits) - 1))

    def _frame_cycles(self, bits: int) -> int:
        return self.tree.cycles(bits << self.BR + 1, getattr(self.tree, self.bus))

    def _half_word_cycles(self) -> int:
        """A channel has 16 or 32 bits, and its data one or two halfwords (section 28.4.4)."""
        divider = (2 * self.I2SDIV + self.ODD) * ((4 if self.CHLEN or self.DATLEN else 8) if self.MCKOE else 1)
        bits = 32 if self.CHLEN and not self.DATLEN else 16
        return self.tree.cycles(bits * max(divider, 1), self.tree.i2sclk or 1)

    def _next_halfword(self) -> None:
        """Left and right take turns, after one halfword each or two. CHSIDE is the side of what was received, or is to
        be written next (sections 28.4.5 and 28.4.7)."""
        if self.I2SMOD and self.I2SE:
            self._halfwords += 1
            self.CHSIDE = self._halfwords - self._receives >> bool(self.DATLEN) & 1

    def _shifted(self, end: int, frame: int, mask: int) -> None:
        self._shifting = None
        answer = self.device(frame) & mask
        if self._receives:
            self._next_halfword()
            if self.RXNE:
                self.OVR = 1
            else:
                self._rdr = answer
                self.RXNE = 1
        self.BSY = 0
        self._shift(end)
        self._update()
