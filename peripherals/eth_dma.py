# SPDX-License-Identifier: GPL-2.0-or-later
"""The Ethernet DMA: descriptor lists and the two engines that walk them (RM0090 section 33.6).

The engines act at once; what takes time is the wire, which the MAC models. An engine sets status bits in DMASR and
leaves it to its owner to turn them into interrupts.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from stm32emu.peripherals.clock import Clock, Event
from stm32emu.peripherals.eth_registers import EthRegisters
from stm32emu.peripherals.memory import BusError, Memory

OWN, FIFO_BYTES = 1 << 31, 2048

# TDES0 (normal and enhanced, section 33.6.7): control, then status
IC, LAST, FIRST, DC, DP, TTSE, TER, TCH = (1 << n for n in (30, 29, 28, 27, 26, 25, 21, 20))
TTSS, IHE, TX_ES, FF, IPE = (1 << n for n in (17, 16, 15, 13, 12))
TX_STATUS, CIC_SHIFT = 0x0003_FFFF, 22

# RDES0 and RDES1 (section 33.6.8)
AFM, RX_ES, DE, SAF, LE, VLAN, RX_FIRST, RX_LAST = (1 << n for n in (30, 15, 14, 13, 12, 10, 9, 8))
IPHCE_TSV, FT, CE, PCE_ESA, FL_SHIFT = 1 << 7, 1 << 5, 1 << 1, 1 << 0, 16
DIC, RER, RCH, SIZE_MASK = 1 << 31, 1 << 15, 1 << 14, 0x1FFF

STOPPED, TX_WAITING, TX_SUSPENDED, RX_WAITING, RX_SUSPENDED = 0, 2, 6, 3, 4  # DMASR.TPS and RPS
EBS_TRANSMIT, EBS_READ, EBS_DESCRIPTOR = 1, 2, 4  # DMASR.EBS

WORDS = struct.Struct("<4I")
Stamp = tuple[int, int]  # seconds, subseconds


class Descriptor(NamedTuple):
    """The first four words of a descriptor, and where it lies."""

    address: int
    word0: int
    word1: int
    word2: int
    word3: int


class DescriptorList:
    """A chain or ring of descriptors as the DMA walks it. Every access may raise BusError; `access` then says which
    kind it was, in the terms of DMASR.EBS."""

    def __init__(self, registers: EthRegisters, memory: Memory, direction: int) -> None:
        self._registers = registers
        self._memory = memory
        self._direction = direction
        self.access = 0
        self.base = self.current = 0

    def restart(self, base: int) -> None:
        """Begin at a new list."""
        self.base = self.current = base & ~3

    def fetch(self) -> Descriptor:
        """Read the current descriptor."""
        self.access = self._direction | EBS_READ | EBS_DESCRIPTOR
        return Descriptor(self.current, *WORDS.unpack(self._memory.read(self.current, 16)))

    def advance(self, descriptor: Descriptor, end: int, chained: int) -> None:
        """Make the successor of `descriptor` current; end of ring takes precedence over chaining."""
        if end:
            self.current = self.base
        elif chained:
            self.current = descriptor.word3 & ~3
        else:
            self.current = descriptor.address + (32 if self._registers.EDFE else 16) + 4 * self._registers.DSL

    def close(self, address: int, word0: int, extended: int | None = None, stamp: Stamp | None = None) -> None:
        """Write a descriptor back, its status last."""
        self.access = self._direction | EBS_DESCRIPTOR
        if stamp is not None:
            where = address + (24 if self._registers.EDFE else 8)
            self._memory.write(where, struct.pack("<2I", stamp[1], stamp[0]))
        if extended is not None:
            self._memory.write(address + 16, extended.to_bytes(4, "little"))
        self._memory.write(address, word0.to_bytes(4, "little"))

    def load(self, address: int, length: int) -> bytes:
        """Read from a data buffer."""
        self.access = self._direction | EBS_READ
        return self._memory.read(address, length)

    def store(self, address: int, data: bytes) -> None:
        """Write to a data buffer."""
        self.access = self._direction
        self._memory.write(address, data)


class Engine:
    """What both directions share: switching on and off, and stopping for good at a bus error.

    Args:
        registers: the block, for its DMA registers.
        failed: called at a bus error, with the kind of access; the engine stays dead until reset.
    """

    DIRECTION = 0

    def __init__(self, registers: EthRegisters, memory: Memory, failed: Callable[[int, BusError], None]) -> None:
        self.registers = registers
        self.list = DescriptorList(registers, memory, self.DIRECTION)
        self.on = False
        self._failed = failed

    def run(self) -> None:
        """Do what there is to do."""
        try:
            self._work()
        except BusError as error:
            self.die()
            self._failed(self.list.access, error)

    def die(self) -> None:
        """Stop making accesses, until reset."""
        self.on = False

    def _work(self) -> None:
        raise NotImplementedError


class TxDma(Engine):
    """Fetches frames and hands them to the MAC, one at a time (section 33.6.5).

    Args:
        send: takes a whole frame and the TDES0 of its first descriptor; the MAC answers with `close`.
    """

    DIRECTION = EBS_TRANSMIT

    def __init__(
        self,
        registers: EthRegisters,
        memory: Memory,
        failed: Callable[[int, BusError], None],
        send: Callable[[bytes, int], None],
    ) -> None:
        super().__init__(registers, memory, failed)
        self._send = send
        self._parts: list[bytes] = []
        self._control: int | None = None  # TDES0 of the frame's first descriptor, while one is being gathered
        self._interrupt = False
        self._last: Descriptor | None = None  # of the frame that the MAC has

    def switch(self, on: bool) -> None:
        """DMAOMR.ST; a frame that the MAC has is finished first."""
        if on and not self.on:
            self.on = True
            if self._last is None:
                self.run()
        elif self.on and not on:
            self.on = False
            if self._last is None:
                self._stop()

    def poll(self) -> None:
        """Transmit poll demand."""
        if self.on and self._last is None:
            self.run()

    def _stop(self) -> None:
        self.registers.TPS = STOPPED
        self.registers.TPSS = 1

    def _work(self) -> None:
        registers = self.registers
        while self.on and self._last is None:
            descriptor = self.list.fetch()
            registers.DMACHTDR = descriptor.address
            if not descriptor.word0 & OWN:
                registers.TBUS = 1
                registers.TPS = TX_SUSPENDED
                return
            self._gather(descriptor)
            self.list.advance(descriptor, descriptor.word0 & TER, descriptor.word0 & TCH)
            if descriptor.word0 & LAST:
                self._hand_over(descriptor)
            else:
                self.list.close(descriptor.address, descriptor.word0 & ~OWN)

    def _gather(self, descriptor: Descriptor) -> None:
        """Read a descriptor's buffers. Data without a first descriptor is no frame and gets lost."""
        word0, sizes = descriptor.word0, descriptor.word1
        if word0 & FIRST:
            self._parts, self._control, self._interrupt = [], word0, False
        self._interrupt = self._interrupt or bool(word0 & IC)
        second = 0 if word0 & TCH and not word0 & TER else sizes >> 16 & SIZE_MASK
        for address, size in ((descriptor.word2, sizes & SIZE_MASK), (descriptor.word3, second)):
            if size:
                self.registers.DMACHTBAR = address
                self._parts.append(self.list.load(address, size))

    def _hand_over(self, descriptor: Descriptor) -> None:
        self._last = descriptor
        self.registers.TPS = TX_WAITING
        if self._control is None:
            self.registers.ledger.illegal(self.registers.name, 0x1010, "transmit frame without TDES0.FS")
            self._finish(TX_ES | FF, None)
            return
        self.registers.ETS = 1
        control, self._control = self._control, None
        self._send(b"".join(self._parts), control)

    def close(self, status: int, stamp: Stamp | None = None) -> None:
        """The MAC is done with the frame: write its status back and go on."""
        try:
            self._finish(status, stamp)
        except BusError as error:
            self.die()
            self._failed(self.list.access, error)
        else:
            self.run() if self.on else self._stop()

    def _finish(self, status: int, stamp: Stamp | None) -> None:
        descriptor, self._last = self._last, None
        assert descriptor is not None
        self.list.close(descriptor.address, descriptor.word0 & ~(OWN | TX_STATUS) | status, stamp=stamp)
        if self._interrupt:
            self.registers.TS = 1


class RxFrame:
    """A frame in the receive FIFO: `data` as stored, FCS included where not stripped; `status` is RDES0 without the
    parts that depend on descriptors; `extended` is RDES4; `offset` bytes have been stored already."""

    __slots__ = ("data", "extended", "offset", "stamp", "status")

    def __init__(self, data: bytes, status: int, extended: int, stamp: Stamp | None) -> None:
        self.data = data
        self.status = status
        self.extended = extended
        self.stamp = stamp
        self.offset = 0


class RxDma(Engine):
    """Empties the receive FIFO into buffers (section 33.6.6).

    Args:
        clock: for the receive interrupt watchdog.
        missed: told that a frame was lost for want of a descriptor.
        changed: told that DMASR changed at a time of the engine's own (the watchdog).
    """

    def __init__(
        self,
        registers: EthRegisters,
        memory: Memory,
        failed: Callable[[int, BusError], None],
        clock: Clock,
        missed: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        super().__init__(registers, memory, failed)
        self._clock = clock
        self._missed = missed
        self._changed = changed
        self._fifo: deque[RxFrame] = deque()
        self._suspended = False
        self._watchdog: Event | None = None

    @property
    def fill(self) -> int:
        """Bytes in the FIFO."""
        return sum(len(frame.data) - frame.offset for frame in self._fifo)

    def die(self) -> None:
        """See Engine."""
        super().die()
        if self._watchdog is not None:
            self._watchdog.cancel()

    def switch(self, on: bool) -> None:
        """DMAOMR.SR."""
        if on and not self.on:
            self.on, self._suspended = True, False
            self.run()
        elif self.on and not on:
            self.on = False
            self.registers.RPS = STOPPED
            self.registers.RPSS = 1

    def poll(self) -> None:
        """Receive poll demand."""
        if self.on:
            self.run()

    def push(self, frame: RxFrame) -> bool:
        """A frame has arrived in the FIFO; False if it does not fit there."""
        if self.fill + len(frame.data) > FIFO_BYTES:
            return False
        self._fifo.append(frame)
        if self.on:
            self.run()
        return True

    def _work(self) -> None:
        """Store what the FIFO holds, then acquire a descriptor in anticipation of the next frame. Without one, frames
        are flushed and counted, or stay where they are if DMAOMR.DFRF disables flushing."""
        while self._fifo:
            descriptor = self._acquire()
            if descriptor is not None:
                self._fill(descriptor, self._fifo[0])
            elif self.registers.DFRF:
                return
            else:
                self._fifo.popleft()
                self._missed()
        self._acquire()

    def _acquire(self) -> Descriptor | None:
        """The current descriptor if the DMA owns it. RBUS is set only when the previous one was the DMA's, or when a
        frame stays in the FIFO for lack of a descriptor."""
        descriptor = self.list.fetch()
        registers = self.registers
        registers.DMACHRDR = descriptor.address
        if descriptor.word0 & OWN:
            self._suspended = False
            registers.RPS = RX_WAITING
            return descriptor
        if not self._suspended or (self._fifo and registers.DFRF):
            registers.RBUS = 1
        self._suspended = True
        registers.RPS = RX_SUSPENDED
        return None

    def _fill(self, descriptor: Descriptor, frame: RxFrame) -> None:
        """Store as much of `frame` as the descriptor's buffers take."""
        sizes = descriptor.word1
        status = 0 if frame.offset else RX_FIRST
        second = 0 if sizes & RCH and not sizes & RER else sizes >> 16 & SIZE_MASK
        for address, size in ((descriptor.word2, sizes & SIZE_MASK), (descriptor.word3, second)):
            chunk = frame.data[frame.offset : frame.offset + size]
            if chunk:
                self.registers.DMACHRBAR = address
                self.list.store(address, chunk)
                frame.offset += len(chunk)
        self.list.advance(descriptor, sizes & RER, sizes & RCH)
        if frame.offset == len(frame.data):
            self._close_last(descriptor, frame, status | frame.status | frame.offset << FL_SHIFT)
        else:
            self.registers.ERS = 1
            self._close_intermediate(descriptor, frame, status)

    def _close_intermediate(self, descriptor: Descriptor, frame: RxFrame, status: int) -> None:
        """The frame goes on in the next descriptor; if that is not the DMA's, it is cut short here (unless flushing is
        disabled)."""
        if self._acquire() is None and not self.registers.DFRF:
            self._close_last(descriptor, frame, status | frame.status | DE | RX_ES)
        else:
            self.list.close(descriptor.address, status | frame.offset << FL_SHIFT)

    def _close_last(self, descriptor: Descriptor, frame: RxFrame, status: int) -> None:
        extended = frame.extended if self.registers.EDFE else None
        self.list.close(descriptor.address, status | RX_LAST, extended, frame.stamp)
        self._fifo.popleft()
        if descriptor.word1 & DIC:
            self._watch()
        else:
            self._received()

    def _received(self) -> None:
        self.registers.RS = 1
        self.registers.ERS = 0
        if self._watchdog is not None:
            self._watchdog.cancel()

    def _watch(self) -> None:
        """A frame without an interrupt of its own: the watchdog makes up for it (DMARSWTR), counting from the first."""
        if self.registers.RSWTC and (self._watchdog is None or not self._watchdog.pending):
            self._watchdog = self._clock.after(256 * self.registers.RSWTC, self._watchdog_expired)

    def _watchdog_expired(self) -> None:
        self._received()
        self._changed()
