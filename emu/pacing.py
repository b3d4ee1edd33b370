# SPDX-License-Identifier: GPL-2.0-or-later
"""Idle time against the wall clock: how long to wait before virtual time may go on."""

from __future__ import annotations

import time

STEP_NS = 10_000_000
"""The longest single wait: a socket that becomes ready ends it early, Ctrl-C is heard after it at the latest."""
SLIP_NS = 20_000_000
"""Drift beyond this (a busy stretch ran faster or slower than real time) is forgotten, not caught up with."""


class Pacer:
    """Lets virtual time pass at the pace of the wall clock while the CPU sleeps; busy time always runs flat out."""

    def __init__(self) -> None:
        self._wall = 0
        self._virtual = 0

    def ahead(self, virtual_ns: int) -> int:
        """By how many ns virtual time is ahead of the wall clock; negative when it lags."""
        wall = time.monotonic_ns()
        ahead = (virtual_ns - self._virtual) - (wall - self._wall)
        if abs(ahead) > SLIP_NS:
            self._wall, self._virtual = wall, virtual_ns
            return 0
        return ahead
