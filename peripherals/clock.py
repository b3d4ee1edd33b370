# SPDX-License-Identifier: GPL-2.0-or-later
"""Virtual time, in CPU cycles, and the frequencies that relate it to seconds and to bus clocks.

Nothing ticks: a block computes its counters from `clock.now` and schedules one event for its next edge.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

Action = Callable[[], None]
OUTSIDE = 1 << 62
"""Taken from an outside event's order."""


class Event:
    """An action due at a cycle; cancelling it leaves a husk in the heap that is dropped when it surfaces."""

    __slots__ = ("action", "due", "order")

    def __init__(self, due: int, order: int, action: Action) -> None:
        self.due = due
        self.order = order
        self.action: Action | None = action

    def cancel(self) -> None:
        """The action will not run. Cancelling twice, or after it ran, does nothing."""
        self.action = None

    @property
    def pending(self) -> bool:
        """Neither run nor cancelled yet."""
        return self.action is not None

    def __lt__(self, other: Event) -> bool:
        return (self.due, self.order) < (other.due, other.order)


class Clock:
    """The event queue over virtual time. Events due at the same cycle run in the order they were scheduled.

    Args:
        now: gives the present cycle. In a machine that is the core's cycle at the last natural boundary.
        earlier: told the new earliest due cycle whenever scheduling makes it earlier.
    """

    def __init__(self, now: Callable[[], int], earlier: Callable[[int], None] = lambda due: None) -> None:
        self._now = now
        self._earlier = earlier
        self._heap: list[Event] = []
        self._order = 0

    @property
    def now(self) -> int:
        """The present cycle."""
        return self._now()

    def after(self, cycles: int, action: Action) -> Event:
        """Run `action` `cycles` (0 or more) from now."""
        return self.at(self._now() + max(0, cycles), action)

    def at(self, due: int, action: Action, *, outside: bool = False) -> Event:
        """Run `action` at cycle `due`, or as soon as possible when that has passed.

        What comes from `outside` (frames, bytes) precedes the machine's own events of the same cycle, so that
        a replay, which knows it all beforehand, has the same order as the run it replays.
        """
        event = Event(due, self._order - (OUTSIDE if outside else 0), action)
        self._order += 1
        heapq.heappush(self._heap, event)
        if self._heap[0] is event:
            self._earlier(due)
        return event

    def next_due(self) -> int | None:
        """The cycle of the earliest event still to run."""
        while self._heap and self._heap[0].action is None:
            heapq.heappop(self._heap)
        return self._heap[0].due if self._heap else None

    def run_due(self) -> None:
        """Run every event due by now, those that actions add included."""
        while (due := self.next_due()) is not None and due <= self._now():
            event = heapq.heappop(self._heap)
            action, event.action = event.action, None
            if action is not None:
                action()


class ManualClock(Clock):
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.cycle = 0
        super().__init__(lambda: self.cycle)

    def advance(self, cycles: int) -> None:
        """Let `cycles` pass; each event on the way sees its own due cycle as now."""
        end = self.cycle + cycles
        while (due := self.next_due()) is not None and due <= end:
            self.cycle = max(self.cycle, due)
            self.run_due()
        self.cycle = end


class ClockTree:
    """Frequencies in Hz that RCC sets and other blocks read (RM0090 figure 16, "Clock tree"). Reset: HSI, 16 MHz.

    `pll48ck` is None while the 48 MHz domain has no running source, `rtcclk`, `lcdclk` (LTDC's pixels) and `i2sclk`
    likewise.
    """

    def __init__(self) -> None:
        self.sysclk = self.hclk = self.pclk1 = self.pclk2 = 16_000_000
        self.timclk1 = self.timclk2 = 16_000_000
        self.pll48ck: int | None = None
        self.rtcclk: int | None = None
        self.lcdclk: int | None = None
        self.i2sclk: int | None = None
        self.listeners: list[Action] = []

    def changed(self) -> None:
        """Tell every listener; RCC calls this once all frequencies have their new values."""
        for listener in self.listeners:
            listener()

    def cycles(self, ticks: int, hz: int) -> int:
        """CPU cycles (HCLK) that `ticks` of a clock of `hz` last, rounded up."""
        return -(-ticks * self.hclk // hz)
