# SPDX-License-Identifier: GPL-2.0-or-later
"""A seeded link that loses, repeats and reorders segments, and a TCP peer too simple to be wrong."""

from __future__ import annotations

import heapq
from random import Random
from typing import Protocol

from stm32emu.netbridge.wire.tcp import ACK, FIN, SYN, TcpSegment

MS = 1_000_000


class End(Protocol):
    """What the link joins."""

    def receive(self, segment: TcpSegment, now: int) -> None: ...
    def take_output(self, now: int) -> list[TcpSegment]: ...
    def poll_at(self) -> int | None: ...
    def on_timer(self, now: int) -> None: ...


class LossyLink:
    """Carries segments between two ends in virtual time; `misery` from 0 to 1 is how badly."""

    def __init__(self, ends: tuple[End, End], seed: int, misery: float) -> None:
        self.ends = ends
        self.now = 0
        self.dropped = 0
        self._random = Random(seed)
        self._misery = misery
        self._flying: list[tuple[int, int, int, TcpSegment]] = []
        self._order = 0

    def _launch(self, to: int, segment: TcpSegment) -> None:
        for _ in range(2 if self._random.random() < self._misery else 1):
            if self._random.random() < self._misery:
                self.dropped += 1
                continue
            late = self._random.random() < self._misery
            due = self.now + MS + (self._random.randrange(50 * MS) if late else 0)
            self._order += 1
            heapq.heappush(self._flying, (due, self._order, to, segment))

    def flush(self) -> None:
        """Send what both ends have to say."""
        for number, end in enumerate(self.ends):
            for segment in end.take_output(self.now):
                self._launch(1 - number, segment)

    def step(self) -> bool:
        """Go to the next thing that happens and let it; False when nothing ever will."""
        self.flush()
        times = [due for end in self.ends if (due := end.poll_at()) is not None]
        times += [self._flying[0][0]] if self._flying else []
        if not times:
            return False
        self.now = max(self.now, min(times))
        while self._flying and self._flying[0][0] <= self.now:
            _, _, to, segment = heapq.heappop(self._flying)
            self.ends[to].receive(segment, self.now)
        for end in self.ends:
            end.on_timer(self.now)
        self.flush()
        return True


class StopAndWait:
    """A passive TCP of the simplest correct kind: one segment in flight, repeated until acknowledged; takes only the
    next segment in order. Written without a look at `Tcp`. Reads at once; `window` is what it claims to have room for.
    """

    def __init__(self, outgoing: bytes, *, isn: int = 77, size: int = 100, window: int = 1000) -> None:
        self.received = b""
        self.peer_finished = False
        self._size = size
        self._window = window
        self._isn = isn
        self._queue: list[tuple[int, bytes]] = [(SYN, b"")]
        self._queue += [(0, outgoing[at : at + size]) for at in range(0, len(outgoing), size)] + [(FIN, b"")]
        self._seq = isn
        self._expected: int | None = None
        self._acknowledge = False
        self._repeat_at = 0
        self._ports = (0, 0)

    @property
    def done(self) -> bool:
        """Everything is acknowledged, FIN included."""
        return not self._queue

    def receive(self, segment: TcpSegment, now: int) -> None:
        """In order or not at all."""
        if segment.flags & SYN and self._expected is None:
            self._ports = (segment.dst_port, segment.src_port)
            self._expected = segment.seq
        if self._queue and segment.flags & ACK and segment.ack == self._after():
            self._seq = segment.ack
            self._queue.pop(0)
            self._repeat_at = now
        if segment.length:
            self._acknowledge = True
            if segment.seq == self._expected:
                self.received += segment.payload
                self.peer_finished |= bool(segment.flags & FIN)
                self._expected = (segment.seq + segment.length) % 2**32

    def _after(self) -> int:
        flags, data = self._queue[0]
        return (self._seq + len(data) + bool(flags)) % 2**32

    def take_output(self, now: int) -> list[TcpSegment]:
        """The one segment, or an ACK."""
        if self._expected is None:
            return []
        flags, data = 0, b""
        if self._queue and now >= self._repeat_at:
            flags, data = self._queue[0]
            self._repeat_at = now + 300 * MS
        elif not self._acknowledge:
            return []
        self._acknowledge = False
        mss = self._size if flags & SYN else None
        return [TcpSegment(*self._ports, self._seq, self._expected, flags | ACK, self._window, data, mss)]

    def poll_at(self) -> int | None:
        """When the segment goes again."""
        return self._repeat_at if self._queue and self._expected is not None else None

    def on_timer(self, now: int) -> None:
        """`take_output` looks at the time itself."""
