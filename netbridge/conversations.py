# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts the TCP connections that a stream of frames belongs to."""

from __future__ import annotations

from stm32emu.netbridge.syn import tcp_segment
from stm32emu.netbridge.wire.tcp import FIN, RST, SYN


class Conversations:
    """Connections in the order in which they open. A probe for a listening port never does: it resets the answer.

    `closed` are the numbers of those that the guest has closed, or that were reset.
    """

    def __init__(self) -> None:
        self.current = 0
        self.closed: set[int] = set()
        self._numbers: dict[tuple[int, int], int] = {}
        self._count = 0

    def receive(self, frame: bytes) -> None:
        """A frame towards the guest; `current` is then the number, from 1, of what last opened or sent data."""
        found = tcp_segment(frame)
        if found is None:
            return
        ports = (found.src_port, found.dst_port)
        if found.flags & (SYN | RST):
            self._close(ports)
            return
        opens = ports not in self._numbers
        if opens:
            self._count += 1
            self._numbers[ports] = self._count
        if opens or found.payload:
            self.current = self._numbers[ports]

    def send(self, frame: bytes) -> None:
        """A frame from the guest."""
        found = tcp_segment(frame)
        if found is not None and found.flags & (FIN | RST):
            ports = (found.dst_port, found.src_port)
            self.closed |= {self._numbers[ports]} if ports in self._numbers else set()

    def _close(self, ports: tuple[int, int]) -> None:
        number = self._numbers.pop(ports, None)
        self.closed |= {number} if number else set()
