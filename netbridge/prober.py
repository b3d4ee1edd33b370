# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds out when the guest listens on a TCP port without its `accept` noticing: half-open probes.

A SYN that is answered by SYN+ACK shows a listener. The host, which knows no such connection, resets it before the
handshake is complete (RFC 9293 section 3.10.7.1), so the listener's queue of accepted connections stays empty.
"""

from __future__ import annotations

from random import Random

from stm32emu.netbridge.ports import EphemeralPorts
from stm32emu.netbridge.wire.tcp import ACK, RST, SYN, TcpSegment

INTERVAL_FIRST = 100_000_000
INTERVAL_MAX = 1_000_000_000


class Prober:
    """Asks for `remote` port again and again in virtual time until the guest accepts."""

    def __init__(self, remote: int, ports: EphemeralPorts, random: Random) -> None:
        self.remote = remote
        self.listening = False
        self._ports = ports
        self._random = random
        self._syn: TcpSegment | None = None
        self._due = 0
        self._interval = INTERVAL_FIRST

    def poll_at(self) -> int | None:
        """When the next SYN goes out."""
        return None if self.listening else self._due

    def on_timer(self, now: int) -> TcpSegment | None:
        """The SYN when it is time: the same again while unanswered, since the answer may only be late."""
        if self.listening or now < self._due:
            return None
        if self._syn is None:
            local = self._ports.take()
            self._syn = TcpSegment(local, self.remote, self._random.getrandbits(32), 0, SYN, 65535, mss=1460)
        self._due = now + self._interval
        self._interval = min(2 * self._interval, INTERVAL_MAX)
        return self._syn

    def receive(self, segment: TcpSegment) -> None:
        """A segment that belongs to no connection: perhaps the answer. The host resets what is not a reset itself."""
        syn = self._syn
        if syn is None or (segment.src_port, segment.dst_port) != (syn.dst_port, syn.src_port):
            return
        if segment.flags & (ACK | RST) and segment.ack == (syn.seq + 1) % (1 << 32):
            self.listening = segment.flags & (SYN | RST) == SYN
            self._ports.release(syn.src_port)
            self._syn = None
