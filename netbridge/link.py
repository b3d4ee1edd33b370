# SPDX-License-Identifier: GPL-2.0-or-later
"""The cable between the guest's MAC and the bridge: passes every frame on, if need be through faults, and lets taps see
it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from stm32emu.netbridge.link_faults import Frame, LinkFault


class Direction(Enum):
    """Which way a frame goes, seen from the guest."""

    TO_GUEST = "to guest"
    FROM_GUEST = "from guest"


Tap = Callable[[bytes, int, Direction], None]
"""Sees (frame, virtual ns, direction) at the guest's end of the cable; a capture."""


class Lane:
    """One direction of the cable: frames go through `faults` one after the other, then to `deliver`."""

    def __init__(self, deliver: Callable[[Frame, int], None]) -> None:
        self.faults: list[LinkFault] = []
        self._deliver = deliver

    def carry(self, frames: list[Frame], now: int) -> None:
        """`frames` set out, and everything that is due by `now` moves on."""
        for fault in self.faults:
            for frame in frames:
                fault.receive(frame, now)
            frames = fault.take_output(now)
        for frame in frames:
            self._deliver(frame, now)

    def poll_at(self) -> int | None:
        """When a frame that is held back moves on."""
        return min((due for fault in self.faults if (due := fault.poll_at()) is not None), default=None)


class Link:
    """Joins two ends by callables and is passive: whoever calls decides when a frame travels, and calls `on_timer` when
    `poll_at` is reached.

    Taps sit at the guest's end, as a capture in its own driver would: they see what it sends before anything happens
    to it, and of what is sent to it what arrives undamaged.

    Args:
        guest: takes a frame into the guest's MAC, and whether its FCS is bad.
        bridge: takes a frame and the time into the bridge (`Bridge.receive`); damaged ones never get there.
    """

    def __init__(self, guest: Callable[[bytes, bool], None], bridge: Callable[[bytes, int], None]) -> None:
        self._guest = guest
        self._bridge = bridge
        self.taps: list[Tap] = []
        self.lanes = {Direction.TO_GUEST: Lane(self._reach_guest), Direction.FROM_GUEST: Lane(self._reach_bridge)}

    def to_guest(self, frame: bytes, now: int) -> None:
        """The bridge's end sends the frame at `now`; without faults it reaches the guest's MAC at once."""
        self.lanes[Direction.TO_GUEST].carry([Frame(frame)], now)

    def from_guest(self, frame: bytes, now: int) -> None:
        """The guest's MAC sent the frame at `now`."""
        self._show(frame, now, Direction.FROM_GUEST)
        self.lanes[Direction.FROM_GUEST].carry([Frame(frame)], now)

    def poll_at(self) -> int | None:
        """When a frame that is held back moves on, in virtual nanoseconds."""
        return min((due for lane in self.lanes.values() if (due := lane.poll_at()) is not None), default=None)

    def on_timer(self, now: int) -> None:
        """Move what is due."""
        for lane in self.lanes.values():
            lane.carry([], now)

    def _reach_guest(self, frame: Frame, now: int) -> None:
        if not frame.damaged:
            self._show(frame.data, now, Direction.TO_GUEST)
        self._guest(frame.data, frame.damaged)

    def _reach_bridge(self, frame: Frame, now: int) -> None:
        if not frame.damaged:
            self._bridge(frame.data, now)

    def _show(self, frame: bytes, now: int, way: Direction) -> None:
        for tap in self.taps:
            tap(frame, now, way)
