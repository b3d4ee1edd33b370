# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts the TCP connections that a stream of frames belongs to."""

from __future__ import annotations

from stm32emu.netbridge.syn import tcp_segment
from stm32emu.netbridge.wire.tcp import SYN


class Conversations:
    """Connections in the order in which they first carry data. A probe for a listening port carries none."""

    def __init__(self) -> None:
        self.current = 0
        self._numbers: dict[tuple[int, int], int] = {}
        self._count = 0

    def receive(self, frame: bytes) -> None:
        """A frame towards the server; `current` is the number of the connection that last sent data, from 1."""
        found = tcp_segment(frame)
        if found is None:
            return
        ports = (found.src_port, found.dst_port)
        if found.flags & SYN:
            self._numbers.pop(ports, None)
        if found.payload:
            if ports not in self._numbers:
                self._count += 1
                self._numbers[ports] = self._count
            self.current = self._numbers[ports]
