# SPDX-License-Identifier: GPL-2.0-or-later
"""What an enabled DMA stream keeps to itself: its pointers, its FIFO and how far it has come (RM0090 section 10.3)."""

from __future__ import annotations

from stm32emu.peripherals.memory import Memory

PERIPHERAL_TO_MEMORY, MEMORY_TO_PERIPHERAL, MEMORY_TO_MEMORY = 0, 1, 2

FIFO_BYTES = 16
BURST_BEATS = (1, 4, 8, 16)
ITEM_BYTES = (1, 2, 4, 4)  # by PSIZE and MSIZE; 3 is reserved


class Transfer:
    """A stream's working state from the moment EN is set. Items are counted at the peripheral port, in units of PSIZE.

    Args:
        memory: the whole bus; BusError passes through every move.
        cr, fcr: the stream's SxCR and SxFCR, which are locked while EN is set.
        par, mar: the addresses to start from.
        count: items of one pass, as programmed.
        remaining: items of this pass still to move.
    """

    def __init__(self, memory: Memory, *, cr: int, fcr: int, par: int, mar: int, count: int, remaining: int) -> None:
        self.memory = memory
        self.direction = cr >> 6 & 3
        self.channel = cr >> 25 & 7
        direct = not fcr & 4 and self.direction != MEMORY_TO_MEMORY  # which forces FIFO mode (10.3.6)
        self.psize = ITEM_BYTES[cr >> 11 & 3]
        self.msize = self.psize if direct else ITEM_BYTES[cr >> 13 & 3]
        self.pstep = 0 if not cr & 0x200 else 4 if cr & 0x8000 else self.psize
        self.mstep = self.msize if cr & 0x400 else 0
        self.burst = 1 if direct else BURST_BEATS[cr >> 21 & 3]
        self.threshold = 1 if direct else 4 * ((fcr & 3) + 1)
        self.memory_burst = BURST_BEATS[cr >> 23 & 3] * self.msize
        self.direct = direct
        self.fifo = bytearray()
        self.start_pass(par, mar, count)
        self.remaining = remaining

    def start_pass(self, par: int, mar: int, count: int) -> None:
        """Begin with the first of `count` items. Transfers on the AHB are aligned: low address bits have no effect."""
        self.par = par & -self.psize
        self.mar = mar & -self.msize
        self.count = self.remaining = count
        self.half_told = False
        self.fifo.clear()

    @property
    def copies(self) -> bool:
        """Memory to memory, which needs no requests."""
        return self.direction == MEMORY_TO_MEMORY

    @property
    def takes_requests(self) -> bool:
        """There is something a peripheral may ask for; with a count of 0 no request is served (10.5.6)."""
        return self.direction != MEMORY_TO_MEMORY and self.remaining > 0

    @property
    def fits_fifo(self) -> bool:
        """The memory burst divides the threshold, as it must (10.3.12, table "FIFO threshold configurations")."""
        return self.direct or self.threshold % self.memory_burst == 0

    @property
    def fifo_status(self) -> int:
        """SxFCR.FS: 4 empty, 5 full, else the quarters in it."""
        level = len(self.fifo)
        return 4 if not level else 5 if level >= FIFO_BYTES else level >> 2

    @property
    def half_done(self) -> bool:
        """Half of the pass has gone through the memory port."""
        held = 0 if self.direction == MEMORY_TO_PERIPHERAL else len(self.fifo)
        return (self.count - self.remaining) * self.psize - held >= self.count // 2 * self.psize

    def move(self, items: int) -> None:
        """Move `items`, at most `remaining`, through both ports."""
        if self.direction == MEMORY_TO_PERIPHERAL:
            for _ in range(items):
                self._outward()
        else:
            self.fifo += self._from_peripheral_port(items)
            if len(self.fifo) >= self.threshold or items == self.remaining:
                self.flush()
        self.remaining -= items

    def flush(self) -> None:
        """Empty the FIFO into memory; what a stream does at its threshold, at the end and when it is disabled."""
        if self.direction != MEMORY_TO_PERIPHERAL:
            self._to_memory_port(bytes(self.fifo))
        self.fifo.clear()

    def _outward(self) -> None:
        while len(self.fifo) < self.psize:
            self.fifo += self.memory.read(self.mar, self.msize)
            self.mar += self.mstep
        self.memory.write(self.par, bytes(self.fifo[: self.psize]))
        self.par += self.pstep
        del self.fifo[: self.psize]

    def _from_peripheral_port(self, items: int) -> bytes:
        if self.pstep == self.psize and _is_memory(self.par):
            data = self.memory.read(self.par, items * self.psize)
            self.par += len(data)
            return data
        parts = []
        for _ in range(items):
            parts.append(self.memory.read(self.par, self.psize))
            self.par += self.pstep
        return b"".join(parts)

    def _to_memory_port(self, data: bytes) -> None:
        if self.mstep and _is_memory(self.mar):
            self.memory.write(self.mar, data)
            self.mar += len(data)
            return
        for start in range(0, len(data), self.msize):
            self.memory.write(self.mar, data[start : start + self.msize])
            self.mar += self.mstep


def _is_memory(address: int) -> bool:
    """Outside the peripherals' region (ARMv7-M ARM B3.1), where one long access is as good as many."""
    return not 0x4000_0000 <= address < 0x6000_0000
