# SPDX-License-Identifier: GPL-2.0-or-later
"""USART and UART (RM0090 chapter 30): bytes out by a callable, bytes in from a queue, both at baud rate."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar, Literal

from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_W0, RO, Register

STOP_HALF_BITS = (2, 1, 4, 3)  # CR2.STOP: 1, 0.5, 2 and 1.5 stop bits
SYNCHRONOUS_CR2 = 0x0F00  # CLKEN, CPOL, CPHA, LBCL: a UART has none of them
MODEM_CR3 = 0x0730  # CTSIE, CTSE, RTSE, SCEN, NACK: likewise


class Usart(Peripheral):
    """One USART; UART4, 5, 7 and 8 with `uart_only`, which lack the synchronous, smartcard and modem bits.

    What the host sends waits in a queue until the receiver is on and then arrives frame after frame at the baud rate,
    as from a terminal that never pauses: a firmware that reads later than that gets the overrun it would get on a
    board. Frames out reach `on_byte` when their last stop bit has passed; the ninth data bit, if any, is not passed on.

    Args:
        bus: "pclk1" or "pclk2", the clock that BRR divides.
        on_byte: takes each byte transmitted.
        dma_tx, dma_rx: request lines, high while TXE or RXNE asks for a DMA transfer (section 30.3.13).
    """

    MISSING: ClassVar[str] = "mute mode, LIN, IrDA, smartcard, synchronous clock and CTS/RTS lines"

    SR = Register(0x00, reset=0xC0, noted=True)
    CTS = SR.field(9, access=RC_W0)
    LBD = SR.field(8, access=RC_W0)
    TXE = SR.field(7, access=RO)
    TC = SR.field(6, access=RC_W0)
    RXNE = SR.field(5, access=RC_W0)
    IDLE = SR.field(4, access=RO)
    ORE = SR.field(3, access=RO)
    NF = SR.field(2, access=RO)
    FE = SR.field(1, access=RO)
    PE = SR.field(0, access=RO)

    DR = Register(0x04)
    DR_DR = DR.field(0, 9)

    BRR = Register(0x08)
    DIV_Mantissa = BRR.field(4, 12)
    DIV_Fraction = BRR.field(0, 4)

    CR1 = Register(0x0C)
    OVER8 = CR1.field(15)
    UE = CR1.field(13)
    M = CR1.field(12)
    CR1.tag("WAKE", 11)
    PCE = CR1.field(10)
    PS = CR1.field(9)
    PEIE = CR1.field(8)
    TXEIE = CR1.field(7)
    TCIE = CR1.field(6)
    RXNEIE = CR1.field(5)
    IDLEIE = CR1.field(4)
    TE = CR1.field(3)
    RE = CR1.field(2)
    CR1.tag("RWU", 1)
    SBK = CR1.field(0)

    CR2 = Register(0x10)
    CR2.tag("LINEN", 14)
    STOP = CR2.field(12, 2)
    CR2.tag("CLKEN", 11)
    CR2.tag("CPOL", 10)
    CR2.tag("CPHA", 9)
    CR2.tag("LBCL", 8)
    LBDIE = CR2.field(6)
    CR2.tag("LBDL", 5)
    CR2.tag("ADD", 0, 4)

    CR3 = Register(0x14)
    ONEBIT = CR3.field(11)  # how to vote on noisy samples; this line has no noise
    CR3.tag("CTSIE", 10)
    CR3.tag("CTSE", 9)
    CR3.tag("RTSE", 8)
    DMAT = CR3.field(7)
    DMAR = CR3.field(6)
    CR3.tag("SCEN", 5)
    CR3.tag("NACK", 4)
    HDSEL = CR3.field(3)
    CR3.tag("IRLP", 2)
    CR3.tag("IREN", 1)
    EIE = CR3.field(0)

    GTPR = Register(0x18)
    GTPR.tag("GT", 8, 8)
    GTPR.tag("PSC", 0, 8)

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        bus: Literal["pclk1", "pclk2"],
        irq: IrqLine,
        on_byte: Callable[[int], None] = lambda byte: None,
        dma_tx: IrqLine | None = None,
        dma_rx: IrqLine | None = None,
        ledger: Ledger = NO_LEDGER,
        uart_only: bool = False,
    ) -> None:
        super().__init__(name, ledger=ledger)
        self.clock = clock
        self.tree = tree
        self.bus = bus
        self.irq = irq
        self.on_byte = on_byte
        self.dma_tx = dma_tx or IrqLine()
        self.dma_rx = dma_rx or IrqLine()
        self.uart_only = uart_only
        self._line: deque[int] = deque()  # from the host, not yet received
        self._power_on()

    def _power_on(self) -> None:
        self._rdr = 0
        self._tdr = 0
        self._transmitter_on = False
        self._preamble = False  # an idle frame is due because TE was set
        self._sending: Event | None = None
        self._receiving: Event | None = None
        self._idling: Event | None = None

    def reset(self) -> None:
        """A frame under way is lost; what the host has sent stays on the line."""
        super().reset()
        for event in (self._sending, self._receiving, self._idling):
            if event is not None:
                event.cancel()
        self._power_on()
        self._update()

    def feed(self, data: int | Iterable[int]) -> None:
        """One byte or several from the host, to arrive at the baud rate from now on."""
        self._line.extend((data,) if isinstance(data, int) else data)
        self._receive(self.clock.now)

    def frame_cycles(self) -> int:
        """CPU cycles one frame lasts; 0 while the baud rate generator cannot run (USARTDIV below 1, or no clock)."""
        brr = self.BRR
        divider = (brr >> 1 & 0x7FF8) | (brr & 7) if self.OVER8 else brr  # section 30.3.4: in clocks per bit
        hz = getattr(self.tree, self.bus)
        if divider < (8 if self.OVER8 else 16) or not hz:
            return 0
        half_bits = 2 * (9 + self.M) + STOP_HALF_BITS[self.STOP]
        return self.tree.cycles(half_bits * divider, 2 * hz)

    @SR.on_write
    def _update(self, _written: int = 0) -> None:
        """Drive the lines (section 30.4, table "USART interrupt requests"). A DMA transfer may happen in here."""
        sr, cr1, cr3 = self.SR, self.CR1, self.CR3
        enabled = cr1 & 0xF0 | cr1 >> 8 & 1  # the enables of TXE, TC, RXNE and IDLE sit where the flags do; PEIE
        if cr1 & 0x20:
            enabled |= 0x08  # RXNEIE covers ORE as well
        if cr3 & 0x41 == 0x41:
            enabled |= 0x0E  # EIE with DMAR: ORE, NF, FE
        self.irq.set(sr & enabled)
        self.dma_rx.set(cr3 & 0x40 and sr & 0x20)
        self.dma_tx.set(self.DMAT and self.TXE and self.TE and self.UE)

    @DR.on_read
    def _read_dr(self) -> int:
        """Clears RXNE, and of IDLE, ORE, NF, FE and PE those that a read of SR has shown before."""
        self.SR &= ~(self.noted(Usart.SR) & 0x1F | 0x20)
        self.note(Usart.SR, 0)
        value = self._rdr
        self._update()
        return value

    @DR.on_write
    def _write_dr(self, written: int) -> None:
        if not (self.UE and self.TE):
            self.ledger.illegal(self.name, 0x04, "write to DR with UE or TE off: the byte is lost")
            return
        self._tdr = written
        seen = self.noted(Usart.SR)
        self.SR &= ~(seen & 0x40 | 0x80)  # TXE; TC if a read of SR has shown it
        self.note(Usart.SR, seen & ~0x40)
        if not self.frame_cycles():
            self.ledger.illegal(self.name, 0x08, "transmission with USARTDIV below 1: nothing is sent")
        self._transmit(self.clock.now)
        self._update()

    @BRR.on_write
    @CR2.on_write
    @CR3.on_write
    def _configure(self, _written: int = 0) -> None:
        if self.uart_only:
            self.CR2 &= ~SYNCHRONOUS_CR2
            self.CR3 &= ~MODEM_CR3
        if self.UE:
            self._transmit(self.clock.now)
            self._receive(self.clock.now)
        self._update()

    @CR1.on_write
    def _enable(self, _written: int) -> None:
        self._switch_transmitter(bool(self.TE))
        if not (self.UE and self.RE):
            self._stop_receiver()
        self._configure()

    def _switch_transmitter(self, on: bool) -> None:
        """Setting TE sends an idle frame first; clearing it freezes the baud counter and loses the frame (30.3.2)."""
        if on and not self._transmitter_on:
            self._preamble = True
        elif not on and self._sending is not None:
            self._sending.cancel()
            self._sending = None
        self._transmitter_on = on

    def _transmit(self, start: int) -> None:
        """Load the shift register at cycle `start` with what is due: the idle frame, a break, or the byte in TDR."""
        if self._sending is not None or not (self.UE and self.TE):
            return
        if not (self._preamble or self.SBK or not self.TXE) or not (cycles := self.frame_cycles()):
            return
        due = start + cycles
        if self._preamble:
            done: Callable[[], None] = partial(self._sent, due, None)
            self._preamble = False
        elif self.SBK:
            done = partial(self._break_sent, due)
        else:
            done = partial(self._sent, due, self._tdr)
            self.TXE = 1
        self._sending = self.clock.at(due, done)

    def _break_sent(self, end: int) -> None:
        self.SBK = 0
        self._sent(end, None)

    def _sent(self, end: int, data: int | None) -> None:
        """A frame's last stop bit has passed at cycle `end`."""
        self._sending = None
        if data is not None:
            self.on_byte(data & (0x7F if self.PCE and not self.M else 0xFF))
            if self.HDSEL and self.RE:
                self._store(data)  # section 30.3.10: in half-duplex mode RX hears TX
        self._transmit(end)
        if self._sending is None and data is not None and self.TXE:
            self.TC = 1
        self._update()

    def _receive(self, start: int) -> None:
        """Begin with the next frame on the line, if it can be heard."""
        if self._receiving is not None or not self._line or not (self.UE and self.RE):
            return
        if cycles := self.frame_cycles():
            self._stop_receiver()
            self._receiving = self.clock.at(start + cycles, partial(self._arrived, start + cycles))

    def _stop_receiver(self) -> None:
        for event in (self._receiving, self._idling):
            if event is not None:
                event.cancel()
        self._receiving = self._idling = None

    def _arrived(self, end: int) -> None:
        self._receiving = None
        self._store(self._line.popleft())
        self._receive(end)
        if self._receiving is None and (cycles := self.frame_cycles()):
            self._idling = self.clock.at(end + cycles, self._line_idle)
        self._update()

    def _store(self, data: int) -> None:
        """A frame is complete in the shift register; with RXNE still set it is lost (section 30.3.3, overrun)."""
        if self.RXNE:
            self.ORE = 1
            return
        self._rdr = self._with_parity(data)
        self.RXNE = 1

    def _with_parity(self, data: int) -> int:
        """What RDR shows: the parity bit takes the place of the most significant bit (section 30.3.7)."""
        if not self.PCE:
            return data & (0x1FF if self.M else 0xFF)
        top = 8 if self.M else 7
        data &= (1 << top) - 1
        return data | (data.bit_count() + self.PS & 1) << top

    def _line_idle(self) -> None:
        self._idling = None
        self.IDLE = 1
        self._update()
