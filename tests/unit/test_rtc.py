# SPDX-License-Identifier: GPL-2.0-or-later
"""RTC bus scripts: calendar, protection, initialisation, wake-up timer, alarms, backup (RM0090 chapter 26)."""

from __future__ import annotations

from datetime import datetime

import pytest

from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import Ledger
from stm32emu.peripherals.rtc import Rtc
from stm32emu.peripherals.rtc_calendar import from_registers, next_alarm, to_registers

TR, DR, CR, ISR, PRER, WUTR, ALRMAR, ALRMBR, WPR, SSR, BKP0R = 0, 4, 8, 0xC, 0x10, 0x14, 0x1C, 0x20, 0x24, 0x28, 0x50
INIT, INITF, RSF, INITS, WUTWF, ALRAWF, ALRAF, WUTF = 0x80, 0x40, 0x20, 0x10, 4, 1, 0x100, 0x400
ALRAE, WUTE, ALRAIE, WUTIE, FMT = 1 << 8, 1 << 10, 1 << 12, 1 << 14, 1 << 6
SECOND = 16_000_000
SYNC = 2 * 16_000_000 // 32_768 + 1


class Bench:
    """An RTC on 32768 Hz beside a core at 16 MHz; `locked` may be changed."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.tree = ClockTree()
        self.alarm, self.wkup = IrqLine(), IrqLine()
        self.ledger = Ledger()
        self.locked = False
        self.tree.rtcclk = 32_768
        self.rtc = Rtc("RTC", clock=self.clock, tree=self.tree, alarm_irq=self.alarm, wkup_irq=self.wkup,
                       unlocked=lambda: not self.locked, ledger=self.ledger)  # fmt: skip

    def __getitem__(self, offset: int) -> int:
        return self.rtc.read(offset, 4)

    def __setitem__(self, offset: int, value: int) -> None:
        self.rtc.write(offset, 4, value)

    def unlock(self) -> Bench:
        self[WPR], self[WPR] = 0xCA, 0x53
        return self

    def set(self, tr: int, dr: int) -> Bench:
        """As HAL_RTC_SetTime and HAL_RTC_SetDate do."""
        self.unlock()
        self[ISR] = 0xFFFF_FFFF
        self.clock.advance(SYNC)
        assert self[ISR] & INITF
        self[TR], self[DR] = tr, dr
        self[ISR] = ~INIT & 0xFFFF_FFFF
        return self

    def shown(self) -> tuple[int, int]:
        return self[TR], self[DR]


def test_starts_at_the_manuals_date_and_runs_on_virtual_time() -> None:
    bench = Bench()
    assert bench.shown() == (0, 0x002101)  # a Monday, whatever the calendar says
    bench.clock.advance(SECOND - 1)
    assert bench.shown() == (0, 0x002101)
    bench.clock.advance(1)
    assert bench.shown() == (1, 0x002101)
    bench.clock.advance((86_400 - 2) * SECOND)
    assert bench.shown() == (0x235959, 0x002101)
    bench.clock.advance(SECOND)
    assert bench.shown() == (0, 0x004102)


def test_a_faster_core_does_not_make_time_run_faster() -> None:
    bench = Bench()
    bench.clock.advance(10 * SECOND)
    bench.tree.hclk = 168_000_000
    bench.tree.changed()
    bench.clock.advance(10 * 168_000_000)
    assert bench[TR] == 0x20


def test_reading_the_time_freezes_the_date_until_it_is_read() -> None:
    bench = Bench()
    bench.clock.advance((86_400 - 1) * SECOND)
    assert bench[TR] == 0x235959
    bench.clock.advance(SECOND)
    assert bench[TR] == 0x235959
    assert bench[DR] == 0x002101
    assert bench.shown() == (0, 0x004102)


def test_subseconds_count_down() -> None:
    bench = Bench()
    assert bench[SSR] == 255
    bench.clock.advance(SECOND // 4)
    assert bench[SSR] == 191
    bench.clock.advance(SECOND)
    assert bench.shown() == (0, 0x002101)  # reading SSR froze them
    assert bench[TR] == 1


def test_set_time_and_date() -> None:
    bench = Bench().set(0x123456, 0x244229)
    assert not bench[ISR] & INITF
    assert not bench[ISR] & RSF
    bench.clock.advance(SYNC)
    assert bench[ISR] & (RSF | INITS) == RSF | INITS
    assert bench.shown() == (0x123456, 0x244229)  # the weekday is what was written
    bench.clock.advance(SECOND)
    assert bench[TR] == 0x123457


def test_prescalers() -> None:
    bench = Bench().unlock()
    bench[ISR] = INIT
    bench.clock.advance(SYNC)
    bench[PRER] = 127 << 16 | 127
    bench[TR] = 0
    bench[ISR] = 0
    bench.clock.advance(SECOND)
    assert bench[TR] == 2


def test_twelve_hour_format() -> None:
    bench = Bench().unlock()
    bench[CR] = FMT
    assert bench.shown()[0] == 0x120000
    bench.clock.advance(13 * 3600 * SECOND)
    assert bench[TR] == 1 << 22 | 0x010000


def test_protection() -> None:
    bench = Bench()
    bench[WUTR] = 1
    bench[WPR], bench[WPR] = 0xCA, 0x54
    bench[WUTR] = 2
    bench.unlock()
    bench[TR] = 0x111111  # not in the initialisation mode
    assert (bench[WUTR], bench[TR]) == (0xFFFF, 0)
    bench.locked = True
    bench[BKP0R] = 3
    assert bench[BKP0R] == 0
    assert sum(entry.count for entry in bench.ledger.of_kind("illegal")) == 4
    bench.locked = False
    bench[BKP0R] = 0x32F2
    bench[WUTR] = 5
    assert (bench[BKP0R], bench[WUTR]) == (0x32F2, 5)


def test_without_a_clock_initialisation_never_comes() -> None:
    bench = Bench()
    bench.tree.rtcclk = None
    bench.tree.changed()
    bench.unlock()
    bench[ISR] = INIT
    bench.clock.advance(100 * SECOND)
    assert not bench[ISR] & INITF
    assert bench[TR] == 0


def test_system_reset_keeps_the_backup_domain() -> None:
    bench = Bench().set(0x100000, 0x228101)
    bench[BKP0R] = 7
    bench.rtc.reset()
    assert not bench[ISR] & RSF
    bench.clock.advance(SYNC)
    assert bench[ISR] & RSF
    assert (bench[BKP0R], bench[TR]) == (7, 0x100000)
    bench[WUTR] = 1
    assert bench[WUTR] == 0xFFFF
    bench.rtc.backup_reset()
    assert (bench[BKP0R], *bench.shown()) == (0, 0, 0x002101)


@pytest.mark.parametrize(
    ("select", "count", "ticks"),
    [(0, 31, 512), (1, 63, 512), (3, 255, 512), (4, 9, 10 * 32_768), (6, 0, 0x1_0001 * 32_768)],
)
def test_wake_up_timer(select: int, count: int, ticks: int) -> None:
    bench = Bench().unlock()
    assert bench[ISR] & WUTWF
    bench[WUTR] = count
    bench[CR] = select
    bench[CR] = select | WUTE | WUTIE
    assert not bench[ISR] & WUTWF
    for _ in range(2):
        bench.clock.advance(ticks * SECOND // 32_768 - 1)
        bench[CR] = bench[CR]  # does not begin anew
        assert not bench.wkup.level
        bench.clock.advance(1)
        assert bench.wkup.level
        bench[ISR] = ~WUTF & 0xFFFF_FFFF
        assert not bench.wkup.level
    bench[CR] = select
    bench.clock.advance(SYNC)
    assert bench[ISR] & WUTWF


def test_alarm_every_day_at_a_time() -> None:
    bench = Bench().unlock()
    assert bench[ISR] & ALRAWF
    bench[ALRMAR] = 1 << 31 | 0x000010
    bench[CR] = ALRAE | ALRAIE
    assert not bench[ISR] & ALRAWF
    bench.clock.advance(10 * SECOND - 1)
    assert not bench.alarm.level
    bench.clock.advance(1)
    assert bench.alarm.level
    bench[ISR] = ~ALRAF & 0xFFFF_FFFF
    assert not bench.alarm.level
    bench.clock.advance(86_400 * SECOND)
    assert bench.alarm.level


NOW = datetime(2021, 1, 1, 12, 30, 15)  # a Friday


@pytest.mark.parametrize(
    ("register", "due"),
    [
        (0x8080_8080, datetime(2021, 1, 1, 12, 30, 16)),
        (0x8080_8010, datetime(2021, 1, 1, 12, 31, 10)),
        (0x8080_0000, datetime(2021, 1, 1, 13, 0, 0)),
        (0x8012_3015, datetime(2021, 1, 2, 12, 30, 15)),
        (0x4500_0000, datetime(2021, 1, 8, 0, 0, 0)),
        (0x4112_0000, datetime(2021, 1, 4, 12, 0, 0)),
        (0x3100_0000, datetime(2021, 1, 31, 0, 0, 0)),
        (0x0100_0000, datetime(2021, 2, 1, 0, 0, 0)),
        (0x0000_0000, None),
    ],
)
def test_next_alarm(register: int, due: datetime | None) -> None:
    assert next_alarm(NOW, register, twelve_hours=False) == due


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("twelve_hours", [False, True])
def test_registers_round_trip(hour: int, twelve_hours: bool) -> None:
    when = datetime(2031, 12, 29, hour, 58, 7)
    assert from_registers(*to_registers(when, twelve_hours), twelve_hours) == when
