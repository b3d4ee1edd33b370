# SPDX-License-Identifier: GPL-2.0-or-later
"""Cycles and seconds: HCLK changes during a run, so virtual nanoseconds are counted piecewise."""

from __future__ import annotations

from stm32emu.peripherals.clock import Action, Clock, ClockTree, Event

NANO = 1_000_000_000


class Alarm:
    """An action due at a virtual time, at whatever cycle that turns out to be."""

    def __init__(self, due: int, action: Action) -> None:
        self.due = due
        self.action = action
        self.event: Event | None = None


class Timebase:
    """Virtual time since the start in nanoseconds, from cycles at HCLK; all integers, so the same everywhere."""

    def __init__(self, clock: Clock, tree: ClockTree) -> None:
        self._clock = clock
        self._tree = tree
        self._hz = tree.hclk
        self._cycle = 0  # where the present frequency began
        self._ns = 0
        self._alarms: list[Alarm] = []
        tree.listeners.append(self._changed)

    def _changed(self) -> None:
        if self._tree.hclk != self._hz:
            self._cycle, self._ns = self._clock.now, self.now_ns
            self._hz = self._tree.hclk
            for alarm in self._alarms:
                self._set(alarm)

    @property
    def now_ns(self) -> int:
        """Virtual nanoseconds at the clock's present cycle."""
        return self.at(self._clock.now)

    def at(self, cycle: int) -> int:
        """Virtual nanoseconds at `cycle`, which must not lie before the last change of HCLK."""
        return self._ns + (cycle - self._cycle) * NANO // self._hz

    def cycle(self, ns: int) -> int:
        """The first cycle at or after `ns`, if HCLK stays as it is."""
        return self._cycle + -(-(ns - self._ns) * self._hz // NANO)

    def alarm(self, ns: int, action: Action) -> Alarm:
        """Run `action` at the first cycle at or after `ns`, however HCLK changes until then."""
        alarm = Alarm(ns, action)
        self._alarms.append(alarm)
        self._set(alarm)
        return alarm

    def cancel(self, alarm: Alarm) -> None:
        """The alarm will not go off; nothing happens if it already did."""
        if alarm in self._alarms:
            self._alarms.remove(alarm)
            assert alarm.event is not None
            alarm.event.cancel()

    def _set(self, alarm: Alarm) -> None:
        if alarm.event is not None:
            alarm.event.cancel()
        alarm.event = self._clock.at(self.cycle(alarm.due), lambda: self._ring(alarm))

    def _ring(self, alarm: Alarm) -> None:
        self._alarms.remove(alarm)
        alarm.action()
