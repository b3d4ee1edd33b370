# SPDX-License-Identifier: GPL-2.0-or-later
"""Controller area network, bxCAN (RM0090 chapter 32): alone on its bus, so that only loop-back modes see an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from stm32emu.peripherals.can_filter import Bank, Frame, accept, frame_of
from stm32emu.peripherals.can_registers import BANKS, FIFOS, MAILBOXES, CanRegisters
from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.register import Register, RegisterArray

SYNCHRONISATION = 11  # recessive bits before a node takes part in the traffic (section 32.4.2)
DEPTH = 3  # messages in a FIFO
ACKNOWLEDGE_ERROR = 3  # LEC
WARNING, PASSIVE = 96, 128  # error counts
RQCP, TXOK, TERR = 1, 2, 8  # TSR's bits of mailbox 0; the others' are 8 bits higher each
STATUS = RQCP | TXOK | 4 | TERR


def priority(frame: Frame) -> tuple[int, ...]:
    """Sorts as arbitration does: the base identifier, then RTR or SRR and IDE, then the rest (ISO 11898-1)."""
    if frame.extended:
        return frame.identifier >> 18, 1, 1, frame.identifier & 0x3_FFFF, frame.remote
    return frame.identifier, frame.remote, 0


class Can(CanRegisters):
    """A controller without filter banks: CAN2, which uses `banks` of CAN1.

    Without loop-back nobody acknowledges: the transmitter gets error passive and tries for ever, or once with NART.

    Args:
        tx_irq, rx0_irq, rx1_irq, sce_irq: as in the vector table.
        banks: gives the filter banks that are this controller's.
    """

    MISSING: ClassVar[str] = "other nodes on the bus (only loop-back is answered), time-triggered mode, stuff bits"

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        tx_irq: IrqLine,
        rx0_irq: IrqLine,
        rx1_irq: IrqLine,
        sce_irq: IrqLine,
        banks: Callable[[], list[Bank]] = list,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        self.clock = clock
        self.tree = tree
        self.tx_irq = tx_irq
        self.rx_irqs = (rx0_irq, rx1_irq)
        self.sce_irq = sce_irq
        self.banks = banks
        self._event: Event | None = None  # of the bus: synchronised, or the end of a frame
        super().__init__(name, ledger=ledger)

    def _load_resets(self) -> None:
        super()._load_resets()
        if self._event is not None:
            self._event.cancel()
        self._event = None
        self._timing = self.BTR
        self._pending: dict[int, Frame] = {}  # by mailbox, in order of their requests
        self._sending: int | None = None
        self._hopeless = False  # error passive, and every further try would end the same
        self._fifos: list[list[tuple[Frame, int]]] = [[] for _ in range(FIFOS)]

    def reset(self) -> None:
        """Asleep, everything forgotten."""
        super().reset()
        self._update()

    def _after(self, bits: int, action: Callable[[], None]) -> None:
        quanta = bits * (3 + self.TS1 + self.TS2) * (self.BRP + 1)
        self._event = self.clock.after(self.tree.cycles(quanta, self.tree.pclk1), action)

    # Modes

    @CanRegisters.MCR.on_write
    def _control(self, _written: int = 0) -> None:
        """A frame on its way ends first; with both requests set the mode stays."""
        if self.RESET:
            self.reset()
        elif self._sending is None and self.INRQ != self.SLEEP:
            self._stop()
            self.SLAKI |= self.SLEEP and not self.SLAK
            self.INAK, self.SLAK = self.INRQ, self.SLEEP
        elif not self.INRQ and not self.SLEEP and (self.INAK or self.SLAK) and self._event is None:
            self._after(SYNCHRONISATION, self._synchronised)
        self._update()

    def _stop(self) -> None:
        if self._event is not None:
            self._event.cancel()
        self._event = None

    def _synchronised(self) -> None:
        self._event = None
        self.INAK = self.SLAK = 0
        self._hopeless = False
        self._send()

    @CanRegisters.BTR.on_write
    def _set_timing(self, _written: int) -> None:
        if self.INAK:
            self._timing = self.BTR
        else:
            self.BTR = self._timing
            self.ledger.illegal(self.name, Can.BTR.offset, "CAN_BTR written outside the initialisation mode")

    # Transmission

    @CanRegisters.TIR.on_write
    def _request(self, n: int, _written: int) -> None:
        if self.TIR[n] & 1 and n not in self._pending:
            data = self.TDLR[n].to_bytes(4, "little") + self.TDHR[n].to_bytes(4, "little")
            self._pending[n] = frame_of(self.TIR[n], self.TDTR[n] & 15, data)
            self.TSR &= ~(STATUS << 8 * n)
            self._send()
            self._update()

    def _order(self) -> list[int]:
        """The pending mailboxes, the next to be sent first (section 32.7.1)."""
        if self.TXFP:
            return list(self._pending)
        return sorted(self._pending, key=lambda n: (priority(self._pending[n]), n))

    def _send(self) -> None:
        takes_part = not (self.INAK or self.SLAK) and (self.LBKM or not self.SILM)
        if self._pending and takes_part and self._event is None and not self._hopeless:
            self._sending = self._order()[0]
            self._after(self._pending[self._sending].bits, self._sent)

    def _sent(self) -> None:
        n, self._event, self._sending = self._sending, None, None
        assert n is not None
        if self.LBKM:
            self.TEC = max(0, self.TEC - 1)
            self._receive(self._pending[n])
            self._complete(n, TXOK)
        else:
            self._fail()
            if self.NART or self._aborts(n):
                self._complete(n, TERR)
            else:
                self._hopeless = bool(self.EPVF)
        self._control()
        self._send()

    def _fail(self) -> None:
        """No acknowledge; a node that is error passive does not count it (ISO 11898-1 section 13.1.4.2)."""
        self.LEC = ACKNOWLEDGE_ERROR
        self.TEC = min(self.TEC + 8, PASSIVE)
        self._count()
        self.ERRI |= bool(self.LECIE or (self.EWGIE and self.EWGF) or (self.EPVIE and self.EPVF))

    def _count(self) -> None:
        self.EWGF = self.TEC >= WARNING
        self.EPVF = self.TEC >= PASSIVE

    def _complete(self, n: int, outcome: int) -> None:
        del self._pending[n]
        self._count()
        self.TSR |= (RQCP | outcome) << 8 * n
        self.TIR[n] &= ~1

    def _aborts(self, n: int) -> bool:
        return bool(self.TSR >> 8 * n + 7 & 1)

    @CanRegisters.TSR.on_write
    def _status(self, written: int) -> None:
        """Clearing RQCP clears the outcome with it; a frame on its way cannot be aborted (section 32.7.1)."""
        for n in range(MAILBOXES):
            if written >> 8 * n & RQCP:
                self.TSR &= ~(STATUS << 8 * n)
            if self._aborts(n) and n in self._pending and n != self._sending:
                self._complete(n, 0)
        self._update()

    # Reception

    def _receive(self, frame: Frame) -> None:
        accepted = accept(frame, self.banks())
        if accepted is None:
            return
        number, index = accepted
        fifo = self._fifos[number]
        if len(fifo) == DEPTH:
            self.RFR[number] |= 0x10  # FOVR
            if self.RFLM:
                return
            fifo.pop()
        fifo.append((frame, index))
        if len(fifo) == DEPTH:
            self.RFR[number] |= 8  # FULL
        self._show(number)

    def _show(self, number: int) -> None:
        """The oldest message in the FIFO's output mailbox."""
        fifo = self._fifos[number]
        self.RFR[number] = self.RFR[number] & ~0x23 | len(fifo)
        if fifo:
            frame, index = fifo[0]
            data = frame.data.ljust(8, b"\0")
            self.RIR[number] = frame.word()
            self.RDTR[number] = index << 8 | frame.length
            self.RDLR[number], self.RDHR[number] = (int.from_bytes(data[n : n + 4], "little") for n in (0, 4))

    @CanRegisters.RFR.on_write
    def _release(self, number: int, _written: int) -> None:
        if self.RFR[number] & 0x20 and self._fifos[number]:
            self._fifos[number].pop(0)
        self._show(number)
        self._update()

    # Interrupts

    @CanRegisters.IER.on_write
    @CanRegisters.MSR.on_write
    def _update(self, _written: int = 0) -> None:
        order, empty = self._order(), [n for n in range(MAILBOXES) if n not in self._pending]
        low = 1 << order[-1] if len(order) > 1 else 0
        self.TSR = self.TSR & 0x00FF_FFFF & ~sum(0x80 << 8 * n for n in empty) | low << 29
        self.TSR |= sum(1 << 26 + n for n in empty) | (empty[0] if empty else order[-1]) << 24
        self.tx_irq.set(self.TMEIE and self.TSR & 0x0001_0101)
        for number, irq in enumerate(self.rx_irqs):
            enabled, status = self.IER >> 1 + 3 * number, self.RFR[number]
            irq.set((enabled & 1 and status & 3) or enabled & status >> 2 & 6)
        self.sce_irq.set((self.ERRIE and self.ERRI) or (self.WKUIE and self.WKUI) or (self.SLKIE and self.SLAKI))


class CanWithFilters(Can):
    """CAN1, which has the filter banks of both, and CAN3, which has some of its own."""

    FMR = Register(0x200, reset=0x2A1C_0E01)
    CAN2SB = FMR.field(8, 6)
    FINIT = FMR.field(0)
    FM1R = Register(0x204)
    FBM = FM1R.field(0, BANKS)
    FS1R = Register(0x20C)
    FSC = FS1R.field(0, BANKS)
    FFA1R = Register(0x214)
    FFA = FFA1R.field(0, BANKS)
    FA1R = Register(0x21C)
    FACT = FA1R.field(0, BANKS)
    FR = RegisterArray(0x240, 2 * BANKS)
    for _n, _register in enumerate(FR.registers):
        _register.name = f"F{_n // 2}R{_n % 2 + 1}"
    FB = FR.field(0, 32)
    del _n, _register

    def bank(self, n: int) -> Bank:
        """A filter bank as it is set; FINIT turns all of them off (section 32.7.4)."""
        wide, identifiers, fifo, active = (
            bool(register >> n & 1) for register in (self.FS1R, self.FM1R, self.FFA1R, self.FA1R)
        )
        return Bank(wide, identifiers, int(fifo), active and not self.FINIT, (self.FR[2 * n], self.FR[2 * n + 1]))

    def banks_of(self, second: bool) -> list[Bank]:
        """The banks of this controller, or of the second one that shares them."""
        return [self.bank(n) for n in (range(self.CAN2SB, BANKS) if second else range(min(self.CAN2SB, BANKS)))]
