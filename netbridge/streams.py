# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP streams of others, put together from the segments that pass: in a run, or in a capture with what it lacks."""

from __future__ import annotations

from typing import Protocol

from stm32emu.netbridge.tcp_receive import ReceiveBuffer
from stm32emu.netbridge.tcp_state import unwrap, wrap
from stm32emu.netbridge.transport import Address, Segment
from stm32emu.netbridge.wire.tcp import ACK, FIN, PSH, RST, SYN

WINDOW = 1 << 20
"""Bytes kept of what came too early, of one direction."""
MAX_STREAMS = 4096
"""Connections that are remembered; beyond, the one that was opened first is forgotten."""


class Stream(Protocol):
    """Takes what happens on one connection, unless it is `mute`: then it does not care any more."""

    mute: bool

    def data(self, from_client: bool, data: bytes, now: int) -> None:
        """Bytes in order."""

    def lost(self, from_client: bool, count: int, now: int) -> None:
        """Bytes that were sent and not captured."""

    def closed(self, from_client: bool, reset: bool, now: int) -> None:
        """FIN and all before it, or RST."""

    def dropped(self, now: int) -> None:
        """It is not followed any further: its ports were used again, or too many others were opened since."""


class Streams(Protocol):
    """Makes a Stream for a connection that is new."""

    def open(self, client: Address, server: Address, midway: bool, now: int) -> Stream:
        """`midway`: its first bytes were not captured."""


class _Half:
    """One direction of a connection."""

    def __init__(self) -> None:
        self.buffer: ReceiveBuffer | None = None
        self.closed = False

    def start(self, seq: int) -> None:
        """The first byte has this number."""
        self.buffer = ReceiveBuffer(seq, WINDOW, 1)


class _Connection:
    """Both directions, and who listens."""

    def __init__(self, client: Address, stream: Stream) -> None:
        self.client = client
        self.stream = stream
        self.halves = {True: _Half(), False: _Half()}

    def receive(self, segment: Segment, now: int) -> None:
        from_client = segment.src == self.client
        half, other = self.halves[from_client], self.halves[not from_client]
        if segment.flags & ACK and other.buffer is not None and segment.ack != wrap(other.buffer.nxt):
            self._acknowledged(not from_client, unwrap(segment.ack, other.buffer.nxt), now)
        if segment.flags & RST:
            self._reset(from_client, now)
            return
        if half.buffer is None:
            half.start(segment.seq + bool(segment.flags & SYN))
        if not half.closed:
            self._take(from_client, segment, now)

    def _take(self, from_client: bool, segment: Segment, now: int) -> None:
        buffer = self.halves[from_client].buffer
        assert buffer is not None
        if segment.flags & ~PSH == ACK and segment.seq == wrap(buffer.nxt) and buffer.pass_by(len(segment.payload)):
            if segment.payload:
                self.stream.data(from_client, segment.payload, now)
            seq = buffer.nxt - len(segment.payload)
        else:
            seq = unwrap(segment.seq, buffer.nxt) + bool(segment.flags & SYN)
            buffer.accept(seq, segment.payload, bool(segment.flags & FIN) and not segment.missing)
            self._deliver(from_client, now)
        if segment.missing:
            self._acknowledged(from_client, seq + len(segment.payload) + segment.missing, now)

    def _acknowledged(self, from_client: bool, ack: int, now: int) -> None:
        """All up to `ack` was sent and has arrived; what is not here was not captured."""
        buffer = self.halves[from_client].buffer
        if buffer is None or buffer.finished:
            return
        while (count := min(ack, buffer.next_early(ack)) - buffer.nxt) > 0:
            if not buffer.skip(buffer.nxt + count):
                return
            self.stream.lost(from_client, count, now)
            self._deliver(from_client, now)

    def _deliver(self, from_client: bool, now: int) -> None:
        half = self.halves[from_client]
        assert half.buffer is not None
        if len(half.buffer):
            with half.buffer.peek() as ready:
                data = bytes(ready)
            half.buffer.consume(len(data))
            self.stream.data(from_client, data, now)
        if half.buffer.finished and not half.closed:
            half.closed = True
            self.stream.closed(from_client, False, now)

    def _reset(self, from_client: bool, now: int) -> None:
        """Both directions are over."""
        if not all(half.closed for half in self.halves.values()):
            for half in self.halves.values():
                half.closed = True
            self.stream.closed(from_client, True, now)


class TcpStreams:
    """All connections of a capture. `receive` takes segments in the order in which they passed; `now` is passed on.

    Args:
        listener: hears of connections.
        servers: ports that servers listen on; else the side with the lower port is taken for the server where the
            beginning of a connection is missing.
    """

    def __init__(self, listener: Streams, servers: frozenset[int] = frozenset()) -> None:
        self._listener = listener
        self._servers = servers
        self._connections: dict[tuple[Address, Address], _Connection] = {}

    def receive(self, segment: Segment, now: int) -> None:
        """The next segment."""
        connection = self._connections.get((segment.src, segment.dst))
        opening = segment.flags & (SYN | ACK) == SYN
        if connection is None or (opening and self._is_new(connection, segment)):
            if segment.flags & RST:
                return
            if connection is not None:
                self._drop((segment.src, segment.dst), now)
            connection = self._open(segment, now)
        if not connection.stream.mute:
            connection.receive(segment, now)

    def _is_new(self, connection: _Connection, segment: Segment) -> bool:
        """Whether a SYN belongs to a later connection of the same ports, and is no repetition."""
        half = connection.halves[segment.src == connection.client]
        return (
            connection.stream.mute
            or half.closed
            or half.buffer is None
            or unwrap(segment.seq + 1, half.buffer.nxt) != half.buffer.nxt
        )

    def _open(self, segment: Segment, now: int) -> _Connection:
        while len(self._connections) >= 2 * MAX_STREAMS:
            self._drop(next(iter(self._connections)), now)
        midway = not segment.flags & SYN
        to_server = self._is_from_client(segment)
        client, server = (segment.src, segment.dst) if to_server else (segment.dst, segment.src)
        connection = _Connection(client, self._listener.open(client, server, midway, now))
        self._connections[segment.src, segment.dst] = self._connections[segment.dst, segment.src] = connection
        return connection

    def _drop(self, ends: tuple[Address, Address], now: int) -> None:
        connection = self._connections.pop(ends)
        self._connections.pop(ends[::-1], None)  # the same where a machine talks to itself
        if not connection.stream.mute:
            connection.stream.dropped(now)

    def _is_from_client(self, segment: Segment) -> bool:
        if segment.flags & SYN:
            return not segment.flags & ACK
        if (segment.dst[1] in self._servers) != (segment.src[1] in self._servers):
            return segment.dst[1] in self._servers
        return segment.dst[1] < segment.src[1]
