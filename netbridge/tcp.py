# SPDX-License-Identifier: GPL-2.0-or-later
"""One TCP connection (RFC 9293) without IO: segments in, segments out, virtual nanoseconds passed in.

The user's side is `connect`/`listen`, `send`, `shutdown`, `abort`, `peek`/`consume`; the wire's side is `receive`,
`take_output`, `poll_at`, `on_timer`. Data is acknowledged by the next `take_output` (no delayed ACK) and sent without
Nagle's delay: the peer is an embedded stack that often has no more than two segments in flight.
"""

from __future__ import annotations

from enum import Enum

from stm32emu.netbridge.tcp_congestion import SECOND
from stm32emu.netbridge.tcp_receive import ReceiveBuffer
from stm32emu.netbridge.tcp_send import DEFAULT_MSS, Sender
from stm32emu.netbridge.tcp_state import MAY_RECEIVE, SYNCHRONIZED, TRANSITIONS, Event, State, unwrap, wrap
from stm32emu.netbridge.wire.tcp import ACK, FIN, RST, SYN, TcpSegment

MSL = 5 * SECOND
"""Nothing lives longer on a cable without routers (RFC 9293's two minutes are for an internet)."""
ETHERNET_MSS = 1460
BUFFER = 65535


class Ending(Enum):
    """Why a connection ended other than by FINs from both sides."""

    REFUSED = "refused"
    RESET = "reset by the peer"
    TIMED_OUT = "the peer stopped answering"
    ABORTED = "aborted by us"


class Tcp:
    """A connection between `local` and `remote` port. `iss` is the initial send sequence number.

    `mss` is what we can send and receive in one segment, `buffer` the bytes kept in each direction (up to 65535).
    """

    def __init__(self, local: int, remote: int, *, iss: int, mss: int = ETHERNET_MSS, buffer: int = BUFFER) -> None:
        self.local = local
        self.remote = remote
        self.state = State.CLOSED
        self.ending: Ending | None = None
        self._mss = mss
        self._buffer = buffer
        self._snd = Sender(iss, buffer)
        self._rcv = ReceiveBuffer(0, buffer, mss)
        self._ack_due = False
        self._replies: list[TcpSegment] = []
        self._time_wait_ends: int | None = None

    # The user's side

    def connect(self) -> None:
        """Active open."""
        self._move(Event.ACTIVE_OPEN)

    def listen(self) -> None:
        """Passive open: the first SYN becomes this connection."""
        self._move(Event.PASSIVE_OPEN)

    @property
    def send_room(self) -> int:
        """Bytes that `send` takes now; 0 after `shutdown` and when closed."""
        return 0 if self.closed else self._snd.room

    def send(self, data: bytes) -> int:
        """Queue data; returns how many bytes of it fitted."""
        return 0 if self.closed else self._snd.append(data)

    def shutdown(self) -> None:
        """No more data from us: FIN follows what is queued. The other direction stays open (RFC 9293's CLOSE)."""
        if not self._snd.finishing:
            self._snd.finish()
            self._try(Event.CLOSE)

    def abort(self) -> None:
        """Reset the connection and forget it."""
        if not self.closed:
            self._end(Ending.ABORTED, tell=True)

    def peek(self) -> memoryview:
        """Bytes received in order; release the view before calling anything else."""
        return self._rcv.peek()

    def consume(self, count: int) -> None:
        """`count` bytes of `peek` are taken; the window re-opens."""
        self._rcv.consume(count)
        if self.state in MAY_RECEIVE and self._rcv.update_due():
            self._ack_due = True

    @property
    def readable(self) -> int:
        """How many bytes `peek` shows."""
        return len(self._rcv)

    @property
    def established(self) -> bool:
        """The handshake is complete and the connection not over."""
        return self.state in SYNCHRONIZED

    @property
    def peer_finished(self) -> bool:
        """The peer's FIN has arrived and all data before it; some may still be `readable`."""
        return self._rcv.finished

    @property
    def closed(self) -> bool:
        """Over; `ending` tells why if it was not orderly. Output may be left to take."""
        return self.state is State.CLOSED

    # Time

    def poll_at(self) -> int | None:
        """When `on_timer` wants to run, in virtual ns."""
        return self._time_wait_ends if self.state is State.TIME_WAIT else self._snd.due

    def on_timer(self, now: int) -> None:
        """Time has come to `now`; output may follow."""
        due = self.poll_at()
        if self.closed or due is None or now < due:
            return
        if self.state is State.TIME_WAIT:
            self._move(Event.EXPIRE)
        elif not self._snd.expire():
            self._end(Ending.TIMED_OUT, tell=True)

    # Segments out

    def take_output(self, now: int) -> list[TcpSegment]:
        """Everything that may go now."""
        output, self._replies = self._replies, []
        if self.state not in (State.CLOSED, State.LISTEN):
            ack = 0 if self.state is State.SYN_SENT else ACK
            pieces = self._snd.pieces(now)
            if self._ack_due and not pieces:
                output.append(self._segment(ACK, self._snd.ack_seq))
            output += [self._segment(piece.flags | ack, piece.seq, piece.payload) for piece in pieces]
        self._ack_due = False
        return output

    def _segment(self, flags: int, seq: int, payload: bytes = b"") -> TcpSegment:
        ack = wrap(self._rcv.nxt) if flags & ACK else 0
        window = self._rcv.advertise() if flags & ACK else self._buffer
        mss = self._mss if flags & SYN else None
        return TcpSegment(self.local, self.remote, wrap(seq), ack, flags, window, payload, mss)

    # Segments in (RFC 9293 section 3.10.7)

    def receive(self, segment: TcpSegment, now: int) -> None:
        """A segment of this connection; output may follow. A closed connection ignores it (see `reset_for`)."""
        if self.state is State.LISTEN:
            self._receive_listen(segment)
        elif self.state is State.SYN_SENT:
            self._receive_syn_sent(segment, now)
        elif self.state is not State.CLOSED:
            self._receive_other(segment, now)
        if self.state is State.TIME_WAIT and self._time_wait_ends is None:
            self._time_wait_ends = now + 2 * MSL

    def _receive_listen(self, segment: TcpSegment) -> None:
        if segment.flags & RST:
            return
        if segment.flags & ACK:
            self._replies.append(reset_for(segment))
        elif segment.flags & SYN:
            self._synchronize(segment)
            self._move(Event.RECEIVE_SYN)

    def _receive_syn_sent(self, segment: TcpSegment, now: int) -> None:
        acks = bool(segment.flags & ACK)
        ack = unwrap(segment.ack, self._snd.una)
        if acks and not self._snd.una < ack <= self._snd.max:
            if not segment.flags & RST:
                self._replies.append(reset_for(segment))
            return
        if segment.flags & RST:
            if acks:
                self._end(Ending.REFUSED)
            return
        if not segment.flags & SYN:
            return
        seq = self._synchronize(segment)
        if acks:
            self._snd.acknowledge(ack, seq, segment.window, False, now)
            self._establish(Event.RECEIVE_SYN_ACK)
            self._rcv.accept(seq + 1, segment.payload, False)
            self._ack_due = True
        else:
            self._move(Event.RECEIVE_SYN)
            self._snd.rewind()

    def _synchronize(self, segment: TcpSegment) -> int:
        """Take the peer's initial sequence number, which is returned, its window and its MSS."""
        self._rcv = ReceiveBuffer(segment.seq + 1, self._buffer, self._mss)
        mss = min(self._mss, segment.mss or DEFAULT_MSS)
        self._snd.negotiate(mss, segment.seq, segment.window)
        return segment.seq

    def _establish(self, event: Event) -> None:
        self._move(event)
        if self._snd.finishing:
            self._move(Event.CLOSE)

    def _receive_other(self, segment: TcpSegment, now: int) -> None:
        seq = unwrap(segment.seq, self._rcv.nxt)
        acceptable = self._acceptable(seq, segment.length)
        if segment.flags & RST:
            self._receive_rst(seq, acceptable)
            return
        if not acceptable:
            self._ack_due = True
            self._time_wait_ends = None  # restarts
            if seq != self._rcv.nxt:
                return
        if segment.flags & SYN:
            self._ack_due = True  # challenge (RFC 5961 section 4)
        elif segment.flags & ACK and self._receive_ack(segment, seq, now):
            self._receive_text(segment, seq)

    def _acceptable(self, seq: int, length: int) -> bool:
        """Section 3.4, table 6, plus segments that reach over both ends of the window."""
        if length == 0:
            return seq == self._rcv.nxt or self._rcv.nxt <= seq < self._rcv.edge
        return seq < self._rcv.edge and seq + length > self._rcv.nxt

    def _receive_rst(self, seq: int, acceptable: bool) -> None:
        """Only an exact match resets; another one in the window is challenged (RFC 5961 section 3)."""
        if seq == self._rcv.nxt:
            self._end(Ending.RESET if self.established else Ending.REFUSED)
        elif acceptable:
            self._ack_due = True

    def _receive_ack(self, segment: TcpSegment, seq: int, now: int) -> bool:
        """True when the rest of the segment is to be looked at."""
        ack = unwrap(segment.ack, self._snd.una)
        if self.state is State.SYN_RECEIVED:
            if not self._snd.una < ack <= self._snd.max:
                self._replies.append(reset_for(segment))
                return False
            self._establish(Event.SYN_ACKED)
        if ack > self._snd.max:
            self._ack_due = True
            return False
        if ack >= self._snd.una:
            self._snd.acknowledge(ack, seq, segment.window, segment.length == 0, now)
        if self._snd.fin_acked:
            self._try(Event.FIN_ACKED)
        return True

    def _receive_text(self, segment: TcpSegment, seq: int) -> None:
        if not segment.length:
            return
        self._ack_due = True
        if self.state in MAY_RECEIVE:
            self._rcv.accept(seq, segment.payload, bool(segment.flags & FIN))
            if self._rcv.finished:
                self._move(Event.RECEIVE_FIN)

    # States

    def _move(self, event: Event) -> None:
        self.state = TRANSITIONS[self.state, event]

    def _try(self, event: Event) -> None:
        """Move if the event means something in this state."""
        self.state = TRANSITIONS.get((self.state, event), self.state)

    def _end(self, ending: Ending, tell: bool = False) -> None:
        if tell and (self.established or self.state is State.SYN_RECEIVED):
            self._replies.append(self._segment(RST | ACK, self._snd.ack_seq))
        self.state = State.CLOSED
        self.ending = ending


def reset_for(segment: TcpSegment) -> TcpSegment:
    """The RST that answers a segment which belongs to no connection; not to be sent for an RST (section 3.10.7.1)."""
    ports = (segment.dst_port, segment.src_port)
    if segment.flags & ACK:
        return TcpSegment(*ports, segment.ack, 0, RST, 0)
    return TcpSegment(*ports, 0, wrap(segment.seq + segment.length), RST | ACK, 0)
