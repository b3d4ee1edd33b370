# SPDX-License-Identifier: GPL-2.0-or-later
"""The cable between the guest's MAC and the bridge: passes every frame on and lets taps see it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum


class Direction(Enum):
    """Which way a frame goes, seen from the guest."""

    TO_GUEST = "to guest"
    FROM_GUEST = "from guest"


Tap = Callable[[bytes, int, Direction], None]
"""Sees (frame, virtual ns, direction) before the frame is delivered; a capture or a recording."""


class Link:
    """Joins two ends by callables and is passive: whoever calls decides when a frame travels.

    Args:
        guest: takes a frame into the guest's MAC.
        bridge: takes a frame and the time into the bridge (`Bridge.receive`).
    """

    def __init__(self, guest: Callable[[bytes], None], bridge: Callable[[bytes, int], None]) -> None:
        self._guest = guest
        self._bridge = bridge
        self.taps: list[Tap] = []

    def to_guest(self, frame: bytes, now: int) -> None:
        """The frame reaches the guest's MAC at `now`."""
        for tap in self.taps:
            tap(frame, now, Direction.TO_GUEST)
        self._guest(frame)

    def from_guest(self, frame: bytes, now: int) -> None:
        """The guest's MAC sent the frame at `now`."""
        for tap in self.taps:
            tap(frame, now, Direction.FROM_GUEST)
        self._bridge(frame, now)
