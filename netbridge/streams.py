# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP streams of others, put together from the frames that pass: in a run's cable, or in a capture with what it lacks.

Checksums are not looked at: a capture on the sending machine has them before the network card has filled them in.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from stm32emu.netbridge.tcp_receive import ReceiveBuffer
from stm32emu.netbridge.tcp_state import unwrap, wrap
from stm32emu.netbridge.wire.ethernet import ETHERTYPE_IPV4
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_TCP
from stm32emu.netbridge.wire.tcp import ACK, FIN, PSH, RST, SYN

ETHERTYPE_IPV6 = 0x86DD
ETHERTYPE_VLAN = 0x8100
WINDOW = 1 << 20
"""Bytes kept of what came too early, of one direction."""
MAX_STREAMS = 4096
"""Connections that are remembered; beyond, the one that was opened first is forgotten."""

_IPV4 = struct.Struct("!BxH2xHxB2x4s4s")
_TCP = struct.Struct("!HHIIBB")
_PLAIN = struct.Struct("!12xHBxH2xHxB2x4s4sHHIIBB")
"""Ethernet, IPv4 without options and TCP at once, as nearly every frame has them."""

Address = tuple[bytes, int]
"""IP address and port."""


class Segment(NamedTuple):  # one is made for each frame of a run, so it has to be cheap
    """A TCP segment; `missing` bytes of its payload were not captured."""

    src: Address
    dst: Address
    seq: int
    ack: int
    flags: int
    payload: bytes
    missing: int = 0


def ethernet_segment(frame: bytes) -> Segment | None:
    """The segment that an Ethernet frame carries, None if it carries none that is whole."""
    if len(frame) >= _PLAIN.size:
        kind, version, total, fragment, protocol, src, dst, *ports_to_flags = _PLAIN.unpack_from(frame)
        if kind == ETHERTYPE_IPV4 and version == 0x45 and protocol == PROTOCOL_TCP and not fragment & 0x3FFF:
            return _parsed(frame, 34, 14 + total, (src, dst), ports_to_flags)
    kind = int.from_bytes(frame[12:14], "big")
    if kind == ETHERTYPE_VLAN:
        return ip_segment(frame, 18, int.from_bytes(frame[16:18], "big"))
    return ip_segment(frame, 14, kind)


def ip_segment(frame: bytes, at: int, ethertype: int) -> Segment | None:
    """The same for the IP packet that starts at `at`."""
    if ethertype == ETHERTYPE_IPV4 and len(frame) >= at + 20:
        header, total, fragment, protocol, src, dst = _IPV4.unpack_from(frame, at)
        if protocol != PROTOCOL_TCP or fragment & 0x3FFF:
            return None
        return _segment(frame, at + (header & 0xF) * 4, at + total, (src, dst))
    if ethertype == ETHERTYPE_IPV6 and len(frame) >= at + 40 and frame[at + 6] == PROTOCOL_TCP:
        addresses = frame[at + 8 : at + 24], frame[at + 24 : at + 40]
        return _segment(frame, at + 40, at + 40 + int.from_bytes(frame[at + 4 : at + 6], "big"), addresses)
    return None


def _segment(frame: bytes, at: int, end: int, addresses: tuple[bytes, bytes]) -> Segment | None:
    return _parsed(frame, at, end, addresses, _TCP.unpack_from(frame, at)) if len(frame) >= at + 20 else None


def _parsed(frame: bytes, at: int, end: int, addresses: tuple[bytes, bytes], header: Sequence[int]) -> Segment:
    src_port, dst_port, seq, ack, offset, flags = header
    start = at + (offset >> 4) * 4
    missing = end - len(frame) if end > len(frame) >= start else 0
    return Segment((addresses[0], src_port), (addresses[1], dst_port), seq, ack, flags, frame[start:end], missing)


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
