# SPDX-License-Identifier: GPL-2.0-or-later
"""The two engines of the Ethernet DMA (RM0090 sections 33.6.5 and 33.6.6).

The engines act at once; what takes time is the wire, which the MAC models. An engine sets status bits in DMASR and
leaves it to its owner to turn them into interrupts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from stm32emu.peripherals import eth_descriptors as d
from stm32emu.peripherals.eth_descriptors import Descriptor, DescriptorList, Stamp
from stm32emu.peripherals.eth_registers import EthRegisters
from stm32emu.peripherals.memory import BusError, Memory

FIFO_BYTES = 2048
JABBER = 2049  # bytes of a frame to keep: the MAC cuts off whatever is longer than 2048
STOPPED, TX_WAITING, TX_SUSPENDED, RX_WAITING, RX_SUSPENDED = 0, 2, 6, 3, 4  # DMASR.TPS and RPS
Failed = Callable[[int, BusError], None]


class Engine:
    """What both directions share: switching on and off, and stopping for good at a bus error.

    Args:
        registers: the block, for its DMA registers.
        failed: called at a bus error, with the kind of access; the engine stays dead until reset.
    """

    DIRECTION = 0

    def __init__(self, registers: EthRegisters, memory: Memory, failed: Failed) -> None:
        self.registers = registers
        self.list = DescriptorList(registers, memory, self.DIRECTION)
        self.on = False
        self._dead = False
        self._failed = failed

    def run(self) -> None:
        """Do what there is to do."""
        self._guard(self._work)

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
        except BusError as error:
            self._failed(self.list.access, error)

    def die(self) -> None:
        """Make no more accesses, until reset."""
        self.on, self._dead = False, True

    def _work(self) -> None:
        raise NotImplementedError


class TxDma(Engine):
    """Fetches frames and hands them to the MAC, one at a time (section 33.6.5).

    Args:
        send: takes a whole frame and the TDES0 of its first descriptor; the MAC answers with `close`.
    """

    DIRECTION = d.EBS_TRANSMIT

    def __init__(
        self,
        registers: EthRegisters,
        memory: Memory,
        failed: Failed,
        send: Callable[[bytes, int], None],
    ) -> None:
        super().__init__(registers, memory, failed)
        self._send = send
        self._frame = bytearray()  # as far as it is gathered
        self._control: int | None = None  # TDES0 of the frame's first descriptor, while one is being gathered
        self._last: Descriptor | None = None  # of the frame that the MAC has

    def switch(self, on: bool) -> None:
        """DMAOMR.ST; a frame that the MAC has is finished first."""
        if on and not self.on and not self._dead:
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
            if not descriptor.word0 & d.OWN:
                registers.TBUS = 1
                registers.TPS = TX_SUSPENDED
                return
            self._gather(descriptor)
            self.list.advance(descriptor, descriptor.word0 & d.TER, descriptor.word0 & d.TCH)
            if descriptor.word0 & d.LAST:
                self._hand_over(descriptor)
            else:
                self.list.close(descriptor.address, descriptor.word0 & ~d.OWN)

    def _gather(self, descriptor: Descriptor) -> None:
        """Read a descriptor's buffers. Data without a first descriptor is no frame and gets lost."""
        word0, sizes = descriptor.word0, descriptor.word1
        if word0 & d.FIRST:
            self._control = word0
            self._frame.clear()
        second = 0 if word0 & d.TCH and not word0 & d.TER else sizes >> 16 & d.SIZE_MASK
        for address, size in ((descriptor.word2, sizes & d.SIZE_MASK), (descriptor.word3, second)):
            if size:
                self.registers.DMACHTBAR = address
                self._frame += self.list.load(address, size)
        del self._frame[JABBER:]

    def _hand_over(self, descriptor: Descriptor) -> None:
        self._last = descriptor
        self.registers.TPS = TX_WAITING
        if self._control is None:
            self.registers.ledger.illegal(self.registers.name, 0x1010, "transmit frame without TDES0.FS")
            self._finish(d.TX_ES | d.FF, None)
            return
        self.registers.ETS = 1
        control, self._control = self._control, None
        self._send(bytes(self._frame), control)

    def close(self, status: int, stamp: Stamp | None = None) -> None:
        """The MAC is done with the frame: write its status back and go on."""
        if not self._dead:
            self._guard(partial(self._finish, status, stamp))
        if self.on:
            self.run()
        elif not self._dead:
            self._stop()

    def _finish(self, status: int, stamp: Stamp | None) -> None:
        descriptor, self._last = self._last, None
        assert descriptor is not None
        self.list.close(descriptor.address, descriptor.word0 & ~(d.OWN | d.TX_STATUS) | status, stamp=stamp)
        if descriptor.word0 & d.IC:
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
        missed: told that a frame was lost for want of a descriptor.
        stored: told that a frame is in memory, and whether its last descriptor asks for an interrupt.
    """

    def __init__(
        self,
        registers: EthRegisters,
        memory: Memory,
        failed: Failed,
        missed: Callable[[], None],
        stored: Callable[[bool], None],
    ) -> None:
        super().__init__(registers, memory, failed)
        self._missed = missed
        self._stored = stored
        self._fifo: deque[RxFrame] = deque()
        self._suspended = False

    @property
    def fill(self) -> int:
        """Bytes in the FIFO."""
        return sum(len(frame.data) - frame.offset for frame in self._fifo)

    def switch(self, on: bool) -> None:
        """DMAOMR.SR."""
        if on and not self.on and not self._dead:
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
        if descriptor.word0 & d.OWN:
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
        status = 0 if frame.offset else d.RX_FIRST
        second = 0 if sizes & d.RCH and not sizes & d.RER else sizes >> 16 & d.SIZE_MASK
        for address, size in ((descriptor.word2, sizes & d.SIZE_MASK), (descriptor.word3, second)):
            chunk = frame.data[frame.offset : frame.offset + size]
            if chunk:
                self.registers.DMACHRBAR = address
                self.list.store(address, chunk)
                frame.offset += len(chunk)
        self.list.advance(descriptor, sizes & d.RER, sizes & d.RCH)
        if frame.offset == len(frame.data):
            self._close_last(descriptor, frame, status | frame.status | frame.offset << d.FL_SHIFT)
        else:
            self.registers.ERS = 1
            self._close_intermediate(descriptor, frame, status)

    def _close_intermediate(self, descriptor: Descriptor, frame: RxFrame, status: int) -> None:
        """The frame goes on in the next descriptor; if that is not the DMA's, it is cut short here (unless flushing is
        disabled)."""
        if self._acquire() is None and not self.registers.DFRF:
            self._close_last(descriptor, frame, status | frame.status | d.DE | d.RX_ES)
        else:
            self.list.close(descriptor.address, status | frame.offset << d.FL_SHIFT)

    def _close_last(self, descriptor: Descriptor, frame: RxFrame, status: int) -> None:
        extended = frame.extended if self.registers.EDFE else None
        self.list.close(descriptor.address, status | d.RX_LAST, extended, frame.stamp)
        self._fifo.popleft()
        self._stored(not descriptor.word1 & d.DIC)
