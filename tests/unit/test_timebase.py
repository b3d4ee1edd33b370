# SPDX-License-Identifier: GPL-2.0-or-later
"""Alarms: actions at a virtual time, whatever HCLK does until then."""

from __future__ import annotations

import pytest

from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.timebase import Timebase

MS = 1_000_000


class Bench:
    """An alarm for 10 ms, and when it went off."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.tree = ClockTree()
        self.time = Timebase(self.clock, self.tree)
        self.rung: list[int] = []
        self.alarm = self.time.alarm(10 * MS, lambda: self.rung.append(self.time.now_ns))

    def hclk(self, hz: int) -> None:
        self.tree.hclk = hz
        self.tree.changed()


@pytest.mark.parametrize("hz", [16_000_000, 168_000_000, 32_000])
def test_an_alarm_keeps_its_time_when_hclk_changes(hz: int) -> None:
    bench = Bench()
    bench.clock.advance(16_000)  # 1 ms
    bench.hclk(hz)
    bench.clock.advance(hz * 9 // 1000 - 1)
    assert bench.rung == []
    bench.clock.advance(1)
    assert bench.rung == [10 * MS]
    bench.hclk(16_000_000)
    bench.clock.advance(16_000_000)
    assert len(bench.rung) == 1


def test_an_alarm_can_be_cancelled_and_once_more() -> None:
    bench = Bench()
    bench.time.cancel(bench.alarm)
    bench.time.cancel(bench.alarm)
    bench.hclk(168_000_000)
    bench.clock.advance(168_000_000)
    assert bench.rung == []


def test_an_alarm_that_has_passed_goes_off_at_once() -> None:
    bench = Bench()
    bench.clock.advance(1_600_000)
    bench.time.alarm(0, lambda: bench.rung.append(-1))
    bench.clock.advance(0)
    assert bench.rung == [10 * MS, -1]
