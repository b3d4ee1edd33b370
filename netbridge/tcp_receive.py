# SPDX-License-Identifier: GPL-2.0-or-later
"""The receiver's half of TCP: bytes in order for the reader, early ones kept, and the window between them."""

from __future__ import annotations

from bisect import insort

EARLY = 128
"""Pieces kept that came too early, more than a window has of full segments; the rest comes again."""


class ReceiveBuffer:
    """What has arrived from sequence number `nxt` (RCV.NXT, unwrapped) on, in at most `capacity` bytes.

    The window's right edge never moves back: bytes that arrive shrink the window exactly as far as they move RCV.NXT.
    """

    def __init__(self, nxt: int, capacity: int, mss: int) -> None:
        self.nxt = nxt
        self._capacity = capacity
        self._step = min(capacity // 2, mss)
        self._ready = bytearray()
        self._early: list[tuple[int, bytes]] = []
        self._fin: int | None = None
        self._advertised = nxt

    def __len__(self) -> int:
        """Bytes ready for the reader."""
        return len(self._ready)

    @property
    def edge(self) -> int:
        """First sequence number that has no room."""
        return self.nxt + self._capacity - len(self._ready)

    @property
    def window(self) -> int:
        """RCV.WND as last advertised."""
        return max(0, self._advertised - self.nxt)

    @property
    def finished(self) -> bool:
        """FIN and everything before it have arrived."""
        return self._fin is not None and self.nxt > self._fin

    def advertise(self) -> int:
        """The window to put into a segment; opens only in worthwhile steps (RFC 9293 section 3.8.6.2.2)."""
        if self.edge - self._advertised >= self._step:
            self._advertised = self.edge
        return self.window

    def update_due(self) -> bool:
        """The reader made so much room that the sender must be told: it is, or will soon be, waiting."""
        opening = self.edge - self._advertised
        return opening >= self._capacity // 2 or (opening >= self._step and self.window < self._step)

    def accept(self, seq: int, data: bytes, fin: bool) -> None:
        """Take what is new and fits of `data` that starts at `seq`, and FIN behind it."""
        end = seq + len(data)
        if fin and end <= self.edge:
            self._fin = end
        start, stop = max(seq, self.nxt), min(end, self.edge)
        if start < stop:
            self._take(start, data[start - seq : stop - seq])
        if self.nxt == self._fin:
            self.nxt += 1

    def _take(self, start: int, piece: bytes) -> None:
        if start > self.nxt:
            self._keep(start, piece)
            return
        self._append(piece)
        while self._early and self._early[0][0] <= self.nxt:
            seq, early = self._early.pop(0)
            self._append(early[self.nxt - seq :])

    def _append(self, piece: bytes) -> None:
        self._ready += piece
        self.nxt += len(piece)

    def _keep(self, start: int, piece: bytes) -> None:
        """Keep an early piece in place of those it covers; what else overlaps is cut when its turn comes."""
        end = start + len(piece)
        if any(seq <= start and end <= seq + len(kept) for seq, kept in self._early):
            return
        self._early = [(seq, kept) for seq, kept in self._early if seq < start or end < seq + len(kept)]
        insort(self._early, (start, piece))
        del self._early[EARLY:]

    def pass_by(self, count: int) -> bool:
        """Take the next `count` bytes as read, unless others are kept."""
        if self._early or self._ready:
            return False
        self.nxt += count
        return True

    def next_early(self, default: int) -> int:
        """Where the first of the bytes begins that came too early; `default` if there are none."""
        return self._early[0][0] if self._early else default

    def skip(self, seq: int) -> bool:
        """Give up waiting for what is missing before `seq`; False if there is nothing to give up."""
        if seq <= self.nxt:
            return False
        self.nxt = seq
        self._take(seq, b"")
        if self.nxt == self._fin:
            self.nxt += 1
        return True

    def peek(self) -> memoryview:
        """What is ready; release the view before anything else is called."""
        return memoryview(self._ready)

    def consume(self, count: int) -> None:
        """The reader has taken `count` bytes."""
        del self._ready[:count]
