# SPDX-License-Identifier: GPL-2.0-or-later
"""The sender's half of TCP: SYN, data and FIN as one sequence space, the peer's window, and the one timer.

The timer runs while something is in flight or kept back by the window. When it expires the sender goes back to
SND.UNA and sends from there, at least one octet whatever the window: that is retransmission (RFC 6298) when segments
were lost, the zero-window probe (RFC 9293 section 3.8.6.1) when the window is shut, and the override of silly window
avoidance (section 3.8.6.2.1) when it is nearly so.
"""

from __future__ import annotations

from dataclasses import dataclass

from stm32emu.netbridge.tcp_congestion import Congestion, RetransmissionTimeout
from stm32emu.netbridge.wire.tcp import FIN, PSH, SYN

ATTEMPTS = 8
"""Transmissions without an answer before giving up: more than 100 s (RFC 9293 section 3.8.3, R2)."""
DEFAULT_MSS = 536
"""What a peer that does not say can take (RFC 9293 section 3.7.1)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the sequence space to send; SYN, FIN and PSH in `flags`."""

    seq: int
    flags: int
    payload: bytes = b""

    @property
    def end(self) -> int:
        """The acknowledgement that covers it."""
        return self.seq + len(self.payload) + bool(self.flags & (SYN | FIN))


class Sender:
    """Everything from SND.UNA on. Sequence numbers are unwrapped (`tcp_state.unwrap`); `now` is virtual ns."""

    def __init__(self, iss: int, capacity: int) -> None:
        self.iss = self.una = self.nxt = self.max = iss
        self.wnd = 0
        self._wl1 = self._wl2 = self._max_wnd = 0
        self._mss = DEFAULT_MSS
        self._congestion = Congestion(DEFAULT_MSS)
        self._timeout = RetransmissionTimeout()
        self._capacity = capacity
        self._data = bytearray()
        self._first = iss + 1  # sequence number of _data[0]
        self.finishing = False
        self._due: int | None = None
        self._attempts = 0
        self._timed: tuple[int, int] | None = None  # the acknowledgement that ends a round trip, and its start
        self._force = False
        self._probing = False
        self._resend = False

    @property
    def room(self) -> int:
        """Bytes that `append` takes."""
        return 0 if self.finishing else self._capacity - len(self._data)

    def append(self, data: bytes) -> int:
        """Queue what fits of `data`; returns how much that was."""
        count = min(len(data), self.room)
        self._data += data[:count]
        return count

    def finish(self) -> None:
        """FIN follows the data."""
        self.finishing = True

    @property
    def syn_acked(self) -> bool:
        """The peer has our SYN."""
        return self.una > self.iss

    @property
    def fin_acked(self) -> bool:
        """The peer has everything, FIN included."""
        return self.finishing and self.una > self._end

    @property
    def _end(self) -> int:
        """Sequence number behind the data: FIN's."""
        return self._first + len(self._data)

    @property
    def ack_seq(self) -> int:
        """Sequence number for a segment without data: inside the peer's window even while that is probed."""
        return self.una if self._probing else self.max

    # What the peer says

    def negotiate(self, mss: int, seq: int, window: int) -> None:
        """The peer's SYN: its MSS, sequence number and window."""
        self._mss = mss
        self._congestion = Congestion(mss)
        self.wnd = self._max_wnd = window
        self._wl1, self._wl2 = seq, self.una

    def rewind(self) -> None:
        """Send again from SND.UNA on."""
        self.nxt = self.una
        self._timed = None

    def acknowledge(self, ack: int, seq: int, window: int, bare: bool, now: int) -> None:
        """An acceptable ACK (SND.UNA <= `ack` <= SND.MAX) of a segment at `seq`; `bare`: it has no SYN, data or FIN."""
        if ack > self.una:
            self._advance(ack, now)
        elif bare and ack == self.una < self.nxt and window == self.wnd > 0:
            self._resend = self._congestion.on_duplicate(self.una, self.nxt)
        if (self._wl1, self._wl2) <= (seq, ack):
            self._update_window(window)
            self._wl1, self._wl2 = seq, ack
        if not self.wnd:
            self._attempts = 0  # a shut window may stay shut for ever as long as the peer answers

    def _advance(self, ack: int, now: int) -> None:
        if not self.syn_acked and self._attempts:
            self._timeout.syn_was_lost()
        acked, self.una = ack - self.una, ack
        self.nxt = max(self.nxt, ack)
        taken = min(ack, self._end) - self._first
        if taken > 0:
            del self._data[:taken]
            self._first += taken
        if self._timed and ack >= self._timed[0]:
            self._timeout.sample(now - self._timed[1])
            self._timed = None
        self._timeout.progress()
        self._attempts = 0
        self._due = now + self._timeout.rto if self.nxt > ack else None
        self._resend = self._congestion.on_ack(acked, ack, self.nxt)

    def _update_window(self, window: int) -> None:
        if window and self._probing:
            self._probing = False
            self._timeout.progress()
            self._due = None
            self.rewind()
        self.wnd = window
        self._max_wnd = max(self._max_wnd, window)

    # What goes out

    def pieces(self, now: int) -> list[Piece]:
        """Everything that may go now."""
        pieces = []
        if self._resend and self.una < self.nxt:
            pieces.append(self._cut(self.una, self._mss))
            self._timed = None
        self._resend = False
        while piece := self._next():
            pieces.append(piece)
            self._sent(piece, now)
        if self._due is None and (self.una < self.nxt or (self.syn_acked and self._pending(self.nxt))):
            self._due = now + self._timeout.rto
        return pieces

    def _pending(self, seq: int) -> int:
        """Octets from `seq` on that have not been acknowledged, FIN included."""
        return max(0, self._end + self.finishing - seq)

    def _next(self) -> Piece | None:
        if self.nxt == self.iss:
            return Piece(self.iss, SYN)
        pending = self._pending(self.nxt)
        if not self.syn_acked or not pending:
            return None
        usable = min(self.wnd, self._congestion.cwnd) - (self.nxt - self.una)
        size = min(pending, self._mss, max(usable, 1) if self._force else usable)
        worthwhile = size in (pending, self._mss) or 2 * size >= self._max_wnd or self._force
        return self._cut(self.nxt, size) if size > 0 and worthwhile else None

    def _cut(self, seq: int, size: int) -> Piece:
        """The piece of up to `size` octets at `seq`; FIN rides on the last."""
        if seq == self.iss:
            return Piece(seq, SYN)
        at = seq - self._first
        payload = bytes(self._data[at : at + size])
        end = seq + len(payload)
        fin = FIN if self.finishing and end == self._end and len(payload) < size else 0
        return Piece(seq, fin | (PSH if payload and end == self._end else 0), payload)

    def _sent(self, piece: Piece, now: int) -> None:
        if self._timed is None and piece.seq >= self.max:
            self._timed = (piece.end, now)
        if self.nxt == self.una:
            self._due = now + self._timeout.rto
        self._probing = self._probing or (self._force and not self.wnd and piece.seq > self.iss)
        self._force = False
        self.nxt = piece.end
        self.max = max(self.max, self.nxt)

    # Time

    @property
    def due(self) -> int | None:
        """When the timer expires."""
        return self._due

    def expire(self) -> bool:
        """The timer expired; False when the peer has been silent for too long."""
        self._due = None
        self._attempts += 1
        if self.una < self.nxt and self.wnd:
            self._congestion.on_timeout(self.una, self.nxt)
        self._timeout.back_off()
        self._force = self.syn_acked
        self.rewind()
        return self._attempts < ATTEMPTS
