# SPDX-License-Identifier: GPL-2.0-or-later
"""DMA controller (RM0090 chapter 10): eight streams between peripherals and memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from stm32emu.peripherals.clock import Clock, Event
from stm32emu.peripherals.dma_registers import FLAG_SHIFT, STREAMS
from stm32emu.peripherals.dma_registers import DmaRegisters as R
from stm32emu.peripherals.dma_transfer import Transfer
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.memory import BusError, Memory

ITEM_CYCLES = 4  # both ports of one item: an idle bus with no wait states

FEIF, DMEIF, TEIF, HTIF, TCIF = 0x01, 0x04, 0x08, 0x10, 0x20  # of stream 0; the others' lie at FLAG_SHIFT
ALL_FLAGS = FEIF | DMEIF | TEIF | HTIF | TCIF
EN, CIRC, DBM, CT = 1 << 0, 1 << 8, 1 << 18, 1 << 19
UNLOCKED_CR = 0x1F  # EN and the interrupt enables may be written while EN is set
FCR_LOCKED = 0x07  # DMDIS and FTH may not


class Dma(R):
    """One controller. A request moves one item (or burst) at once; further ones wait for the arbiter.

    Args:
        irqs: the eight streams' interrupt outputs.
        memory: the whole bus, peripherals included (items of 1, 2 or 4 bytes there).
        memory_to_memory: false for DMA1, whose peripheral port does not reach memory (section 10.3.6).
    """

    MISSING: ClassVar[str] = "the peripheral as flow controller (SDIO)"

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        irqs: Sequence[IrqLine],
        memory: Memory,
        ledger: Ledger = NO_LEDGER,
        memory_to_memory: bool = True,
    ) -> None:
        super().__init__(name, ledger=ledger)
        self.clock = clock
        self.irqs = irqs
        self.memory = memory
        self.memory_to_memory = memory_to_memory
        self._lines: list[list[IrqLine]] = [[] for _ in range(STREAMS * 8)]
        self._transfers: list[Transfer | None] = [None] * STREAMS
        self._blocks: list[Event | None] = [None] * STREAMS  # the next half of a memory-to-memory transfer
        self._begun = [0] * STREAMS  # the cycle it began
        self._grant: Event | None = None
        self._power_on()

    def _power_on(self) -> None:
        self._programmed = [0] * STREAMS  # NDTR as last written
        self._locked_cr = [0] * STREAMS
        self._locked_fcr = [0] * STREAMS
        self._asking = 0  # one bit per stream with a request to serve
        self._serving = False
        self._moving = False

    def reset(self) -> None:
        """All streams stop where they are."""
        super().reset()
        for n in range(STREAMS):
            self._drop(n)
        if self._grant is not None:
            self._grant.cancel()
            self._grant = None
        self._power_on()
        self._update()

    def request(self, stream: int, channel: int) -> IrqLine:
        """A new line with which a peripheral asks for `stream` on `channel`: high asks on, a pulse asks once."""
        line = IrqLine(partial(self._requested, stream, channel))
        self._lines[stream * 8 + channel].append(line)
        return line

    # Interrupts

    def _raise(self, n: int, flags: int) -> None:
        if n < 4:
            self.LISR |= flags << FLAG_SHIFT[n]
        else:
            self.HISR |= flags << FLAG_SHIFT[n - 4]
        self._update_stream(n)

    def _update_stream(self, n: int) -> None:
        flags = (self.LISR if n < 4 else self.HISR) >> FLAG_SHIFT[n & 3]
        enabled = (self.CR[n] & 0x1E) << 1 | self.FCR[n] >> 7 & 1
        self.irqs[n].set(flags & enabled)

    def _update(self) -> None:
        for n in range(STREAMS):
            self._update_stream(n)

    @R.LIFCR.on_write
    def _clear_low(self, written: int) -> None:
        self.LISR &= ~written
        self._cleared(0, written)

    @R.HIFCR.on_write
    def _clear_high(self, written: int) -> None:
        self.HISR &= ~written
        self._cleared(4, written)

    def _cleared(self, first: int, written: int) -> None:
        for n in range(4):
            if written >> FLAG_SHIFT[n] & ALL_FLAGS:
                self._update_stream(first + n)

    # Configuration

    def write(self, offset: int, size: int, value: int) -> None:
        """See Peripheral.write; while a stream is enabled its count and addresses in use are locked (section 10.5).

        What a stream itself writes here takes effect once its item is moved.
        """
        if self._moving:
            self.clock.after(ITEM_CYCLES, partial(self.write, offset, size, value))
            return
        n, register = divmod(offset - 0x10, 0x18)
        if 0 <= n < STREAMS and self._transfers[n] is not None and self._is_locked(n, register & ~3):
            self.ledger.illegal(self.name, offset & ~3, "write to a stream's count or address in use while EN is set")
        else:
            super().write(offset, size, value)

    def _is_locked(self, n: int, register: int) -> bool:
        cr = self.CR[n]
        idle_target = (0x0C if cr & CT else 0x10) if cr & DBM else None  # only the buffer not in use may change
        return register in (0x04, 0x08, 0x0C, 0x10) and register != idle_target

    @R.NDTR.on_write
    def _set_count(self, n: int, _written: int) -> None:
        self._programmed[n] = self.NDTR[n]

    # Not `value`: while memory is copied the count runs with time, so a loop that polls it must not be skipped.
    @R.NDTR.on_read
    def _read_count(self, n: int) -> int:
        self._catch_up(n)
        return self.NDTR[n]

    @R.FCR.value
    def _read_fcr(self, n: int) -> int:
        transfer = self._transfers[n]
        return self.FCR[n] & ~0x38 | (4 if transfer is None else transfer.fifo_status) << 3

    @R.FCR.on_write
    def _write_fcr(self, n: int, _written: int) -> None:
        if self._transfers[n] is not None:
            self.FCR[n] = self.FCR[n] & ~FCR_LOCKED | self._locked_fcr[n] & FCR_LOCKED
        self._locked_fcr[n] = self.FCR[n]
        self._update_stream(n)

    @R.CR.on_write
    def _write_cr(self, n: int, _written: int) -> None:
        if self._transfers[n] is not None:
            self.CR[n] = self.CR[n] & UNLOCKED_CR | self._locked_cr[n] & ~UNLOCKED_CR
            if not self.EN[n]:
                self._disable(n)
        elif self.EN[n]:
            self._enable(n)
        self._locked_cr[n] = self.CR[n]
        self._update_stream(n)

    def _enable(self, n: int) -> None:
        cr = self.CR[n]
        if self.NDTR[n] == 0:
            self.NDTR[n] = self._programmed[n]
        transfer = Transfer(
            self.memory, cr=cr, fcr=self.FCR[n], par=self.PAR[n], mar=self._target(n),
            count=self._programmed[n], remaining=self.NDTR[n],
        )  # fmt: skip
        if 3 in (cr >> 11 & 3, cr >> 13 & 3):
            self.ledger.illegal(self.name, 0x10 + 0x18 * n, "SxCR.PSIZE or MSIZE = 3 (reserved)")
        copying = transfer.copies
        if not transfer.fits_fifo or (copying and not self.memory_to_memory):
            self.ledger.illegal(self.name, 0x10 + 0x18 * n, "a burst that does not fit the FIFO, or a copy by DMA1")
            self.EN[n] = 0
            self._raise(n, TEIF if transfer.fits_fifo else FEIF)
            return
        self._transfers[n] = transfer
        if copying:
            self._begun[n] = self.clock.now - (transfer.count - transfer.remaining) * ITEM_CYCLES
            self._plan(n, transfer)
        else:
            self._requested(n, transfer.channel, self._is_asked(n))

    def _target(self, n: int) -> int:
        return self.M1AR[n] if self.DBM[n] and self.CT[n] else self.M0AR[n]

    def _disable(self, n: int) -> None:
        """EN cleared by software: what is in flight is completed and TCIF tells the end (section 10.3.14)."""
        self._catch_up(n)
        transfer = self._transfers[n]
        if transfer is not None:
            self._try(n, transfer.flush)
            self._drop(n)
            self._raise(n, TCIF)

    def _drop(self, n: int) -> None:
        self._transfers[n] = None
        self._asking &= ~(1 << n)
        block = self._blocks[n]
        if block is not None:
            block.cancel()

    # Requests and the arbiter

    def _is_asked(self, n: int) -> bool:
        transfer = self._transfers[n]
        return transfer is not None and any(line.level for line in self._lines[n * 8 + transfer.channel])

    def _requested(self, n: int, channel: int, level: bool) -> None:
        transfer = self._transfers[n]
        if level and transfer is not None and transfer.takes_requests and transfer.channel == channel:
            self._asking |= 1 << n
            self._arbitrate()

    def _arbitrate(self) -> None:
        """Serve the highest priority (section 10.3.5); the next one when its time has passed."""
        if self._serving or self._grant is not None or not self._asking:
            return
        n = min((n for n in range(STREAMS) if self._asking >> n & 1), key=lambda n: (-self.PL[n], n))
        self._asking &= ~(1 << n)
        self._serving = True
        items = self._serve(n)
        self._serving = False
        if self._asking or self._is_asked(n):
            self._grant = self.clock.after(items * ITEM_CYCLES, self._granted)

    def _granted(self) -> None:
        """The bus is free again: lines that are still high ask once more."""
        self._grant = None
        for n, transfer in enumerate(self._transfers):
            if transfer is not None and transfer.takes_requests and self._is_asked(n):
                self._asking |= 1 << n
        self._arbitrate()

    def _serve(self, n: int) -> int:
        """One request of stream `n`; the items moved, at least one."""
        transfer = self._transfers[n]
        assert transfer is not None, "a stream that is dropped asks no more"
        items = min(transfer.burst, transfer.remaining)
        self._move(n, transfer, items)
        return items

    # Moving

    def _try(self, n: int, action: Callable[[], None]) -> bool:
        """Do `action` on the bus; an error stops the stream (section 10.3.17)."""
        moving, self._moving = self._moving, True
        try:
            action()
        except BusError:
            self.EN[n] = 0
            self._drop(n)
            self._raise(n, TEIF)
            return False
        finally:
            self._moving = moving
        return True

    def _move(self, n: int, transfer: Transfer, items: int) -> None:
        if not self._try(n, partial(transfer.move, items)) or self._transfers[n] is not transfer:
            return
        self.NDTR[n] = transfer.remaining
        flags = 0
        if not transfer.half_told and transfer.half_done:
            transfer.half_told = True
            flags = HTIF
        if not transfer.remaining:
            flags |= TCIF
            self._end_pass(n, transfer)
        if flags:
            self._raise(n, flags)

    def _end_pass(self, n: int, transfer: Transfer) -> None:
        if self.DBM[n]:
            self.CT[n] ^= 1
            self._locked_cr[n] = self.CR[n]
        if (self.DBM[n] or self.CIRC[n]) and not transfer.copies:
            self.NDTR[n] = self._programmed[n]
            transfer.start_pass(self.PAR[n], self._target(n), self._programmed[n])
        else:
            self.EN[n] = 0
            self._drop(n)

    # Memory to memory: no requests, so whole stretches are moved at once, after the time they take

    def _plan(self, n: int, transfer: Transfer) -> None:
        """One event at the half, one at the end."""
        half = transfer.count // 2
        done = half if transfer.count - transfer.remaining < half else transfer.count
        due = self._begun[n] + done * ITEM_CYCLES
        self._blocks[n] = self.clock.at(due, partial(self._block, n))

    def _block(self, n: int) -> None:
        self._catch_up(n)
        transfer = self._transfers[n]
        if transfer is not None and transfer.remaining:
            self._plan(n, transfer)

    def _catch_up(self, n: int) -> None:
        """Move what time has allowed so far."""
        transfer = self._transfers[n]
        if transfer is None or not transfer.copies or self._moving:
            return
        due = (self.clock.now - self._begun[n]) // ITEM_CYCLES - (transfer.count - transfer.remaining)
        items = min(due, transfer.remaining)
        if items > 0:
            self._move(n, transfer, items)
