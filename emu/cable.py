# SPDX-License-Identifier: GPL-2.0-or-later
"""The cable in a machine's virtual time: what the link holds back moves on when it is due."""

from __future__ import annotations

from collections.abc import Callable

from stm32emu.machine import Machine
from stm32emu.netbridge.link import Link
from stm32emu.timebase import Alarm


class Cable:
    """Joins the machine's MAC, if it has one, to `bridge` (see `Link`). `link` has taps and faults."""

    def __init__(self, machine: Machine, bridge: Callable[[bytes, int], None]) -> None:
        self.link = Link(self._to_mac, bridge)
        self._machine = machine
        self._alarm: Alarm | None = None

    def to_guest(self, frame: bytes) -> None:
        """The bridge's end sends the frame now."""
        self.link.to_guest(frame, self._machine.time.now_ns)
        self._set_alarm()

    def from_guest(self, frame: bytes) -> None:
        """The MAC sent the frame just now."""
        self.link.from_guest(frame, self._machine.time.now_ns)
        self._set_alarm()

    def _to_mac(self, frame: bytes, damaged: bool) -> None:
        eth = self._machine.board.eth()
        if eth is not None:
            eth.receive(frame, bad_fcs=damaged)

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._machine.time.cancel(self._alarm)
        due = self.link.poll_at()
        self._alarm = None if due is None else self._machine.time.alarm(due, self._due)

    def _due(self) -> None:
        self.link.on_timer(self._machine.time.now_ns)
        self._set_alarm()
