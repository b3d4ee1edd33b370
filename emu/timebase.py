# SPDX-License-Identifier: GPL-2.0-or-later
"""Cycles and seconds: HCLK changes during a run, so virtual nanoseconds are counted piecewise."""

from __future__ import annotations

from stm32emu.peripherals.clock import Clock, ClockTree

NANO = 1_000_000_000


class Timebase:
    """Virtual time since the start in nanoseconds, from cycles at HCLK; all integers, so the same everywhere."""

    def __init__(self, clock: Clock, tree: ClockTree) -> None:
        self._clock = clock
        self._tree = tree
        self._hz = tree.hclk
        self._cycle = 0  # where the present frequency began
        self._ns = 0
        tree.listeners.append(self._changed)

    def _changed(self) -> None:
        if self._tree.hclk != self._hz:
            self._cycle, self._ns = self._clock.now, self.now_ns
            self._hz = self._tree.hclk

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
