# SPDX-License-Identifier: GPL-2.0-or-later
"""Timer bus scripts: counting, buffers, update and compare events, interrupts, DMA (RM0090 chapters 17 to 20)."""

from __future__ import annotations

from typing import Any

import pytest

from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import Ledger
from stm32emu.peripherals.peripheral import MOVING, PLAIN
from stm32emu.peripherals.tim import Tim

CR1, CR2, SMCR, DIER, SR, EGR, CCMR1, CCMR2, CCER, CNT, PSC, ARR, RCR, CCR1, CCR2, CCR3, CCR4 = range(0, 0x44, 4)
CEN, UDIS, URS, OPM, DIR, CENTRE, ARPE = 1, 2, 4, 8, 16, 3 << 5, 128
UIF, CC1, CC2, CC3, CC4 = 1, 2, 4, 8, 16


class Bench:
    """A timer at HCLK speed and its interrupt line."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.tree = ClockTree()
        self.irq = IrqLine()
        self.ledger = Ledger()
        self.tim = Tim(
            "TIM2", clock=self.clock, tree=self.tree, bus="timclk1", irq=self.irq, ledger=self.ledger, **options
        )

    def __getitem__(self, offset: int) -> int:
        return self.tim.read(offset, 4)

    def __setitem__(self, offset: int, value: int) -> None:
        self.tim.write(offset, 4, value)

    def set_up(self, psc: int, arr: int, cr1: int = 0, **registers: int) -> Bench:
        """As HAL_TIM_Base_Init and then HAL_TIM_Base_Start do."""
        self[CR1], self[PSC], self[ARR] = cr1, psc, arr
        for name, value in registers.items():
            self.tim.write(getattr(Tim, name).offset, 4, value)
        self[EGR] = 1
        self[SR] = 0
        self[CR1] = cr1 | CEN
        return self


def test_reset_values() -> None:
    assert [Bench()[offset] for offset in range(0, 0x54, 4)] == [0] * 11 + [0xFFFF] + [0] * 9
    assert Bench(bits=32)[ARR] == 0xFFFF_FFFF


def test_counts_up_and_wraps() -> None:
    bench = Bench().set_up(3, 9)
    values = []
    for _ in range(24):
        values.append(bench[CNT])
        bench.clock.advance(2)
    assert values == [n // 2 % 10 for n in range(24)]


def test_counts_down() -> None:
    bench = Bench().set_up(0, 4, DIR)
    values = []
    for _ in range(11):
        values.append(bench[CNT])
        bench.clock.advance(1)
    assert values == [4, 3, 2, 1, 0, 4, 3, 2, 1, 0, 4]


def test_counts_from_the_centre_and_shows_its_direction() -> None:
    bench = Bench().set_up(0, 4, CENTRE)
    values = []
    for _ in range(10):
        values.append((bench[CNT], bench[CR1] & DIR))
        bench.clock.advance(1)
    assert values == [(0, 0), (1, 0), (2, 0), (3, 0), (4, DIR), (3, DIR), (2, DIR), (1, DIR), (0, 0), (1, 0)]


def test_update_interrupt_at_the_cycle() -> None:
    bench = Bench().set_up(15, 999, DIER=1)
    bench.clock.advance(15_999)
    assert not bench.irq.level
    bench.clock.advance(1)
    assert bench.irq.level
    assert bench[SR] & UIF
    bench[SR] = ~UIF & 0xFFFF_FFFF
    assert not bench.irq.level
    bench.clock.advance(16_000)
    assert bench.irq.level


def test_no_event_is_planned_that_nobody_waits_for() -> None:
    bench = Bench().set_up(0, 9)
    assert bench.clock.next_due() is None
    bench.clock.advance(1_000_000_007)
    assert bench[CNT] == 7
    assert bench[SR] & UIF
    bench[DIER] = 1
    assert bench.irq.level
    assert bench.clock.next_due() is None
    bench[SR] = 0
    assert bench.clock.next_due() == 1_000_000_010
    bench[CR1] = 0
    assert bench.clock.next_due() is None


def test_a_timer_that_is_faster_or_slower_than_the_core() -> None:
    bench = Bench()
    bench.tree.hclk, bench.tree.timclk1 = 168_000_000, 84_000_000
    bench.tree.changed()
    bench.set_up(83, 999, DIER=1)
    assert bench.clock.next_due() == 168_000
    bench.clock.advance(100_001)
    assert bench[CNT] == 595


def test_a_change_of_frequency_keeps_the_count() -> None:
    bench = Bench().set_up(0, 999, DIER=1)
    bench.clock.advance(500)
    bench.tree.timclk1 = 4_000_000
    bench.tree.changed()
    assert bench[CNT] == 500
    assert bench.clock.next_due() == 500 + 4 * 500
    bench.clock.advance(40)
    assert bench[CNT] == 510


def test_thirty_two_bits() -> None:
    bench = Bench(bits=32).set_up(0, 0xFFFF_FFFF)
    bench[CNT] = 0xFFFF_FFFE
    bench.clock.advance(1)
    assert bench[CNT] == 0xFFFF_FFFF
    bench.clock.advance(1)
    assert bench[CNT] == 0
    bench[CCR1] = 0x1234_5678
    assert bench[CCR1] == 0x1234_5678


def test_sixteen_bits_keep_sixteen() -> None:
    bench = Bench()
    bench[ARR] = bench[CNT] = bench[CCR4] = 0x12345
    assert (bench[ARR], bench[CNT], bench[CCR4]) == (0x2345,) * 3


def test_prescaler_is_buffered_until_the_update() -> None:
    bench = Bench().set_up(0, 9)
    bench[PSC] = 1
    bench.clock.advance(9)
    assert bench[CNT] == 9
    bench.clock.advance(1 + 4)
    assert bench[CNT] == 2


@pytest.mark.parametrize(("cr1", "after"), [(0, 2), (ARPE, 7)])
def test_reload_is_buffered_if_asked(cr1: int, after: int) -> None:
    bench = Bench().set_up(0, 9, cr1)
    bench[ARR] = 4
    bench.clock.advance(7)
    assert bench[CNT] == after


def test_a_counter_beyond_its_reload_value_runs_on_to_the_top() -> None:
    bench = Bench().set_up(0, 999)
    bench.clock.advance(500)
    bench[ARR] = 99
    bench.clock.advance(0xFFFF - 500)
    assert bench[CNT] == 0xFFFF
    bench.clock.advance(100)
    assert (bench[CNT], bench[SR] & UIF) == (99, 0)
    bench.clock.advance(1)
    assert (bench[CNT], bench[SR] & UIF) == (0, UIF)


def test_zero_reload_blocks() -> None:
    bench = Bench().set_up(0, 0, DIER=1)
    bench.clock.advance(1000)
    assert (bench[CNT], bench[SR]) == (0, 0)


def test_one_pulse_stops_at_the_update() -> None:
    bench = Bench().set_up(0, 99, OPM, DIER=1)
    bench.clock.advance(100)
    assert bench.irq.level
    assert bench[CR1] == OPM
    bench.clock.advance(50)
    assert bench[CNT] == 0
    assert bench.clock.next_due() is None


@pytest.mark.parametrize(("cr1", "flag"), [(0, 1), (URS, 0), (UDIS, 0)])
def test_software_update(cr1: int, flag: int) -> None:
    bench = Bench().set_up(0, 99, cr1)
    bench.clock.advance(5)
    bench[EGR] = 1
    assert (bench[CNT], bench[SR] & UIF, bench[EGR]) == (0, flag, 0)


def test_udis_keeps_the_buffers_and_the_flag() -> None:
    bench = Bench().set_up(0, 9, UDIS)
    bench[PSC] = 5
    bench.clock.advance(1002)
    assert (bench[CNT], bench[SR] & UIF) == (2, 0)


def test_repetition_counter() -> None:
    bench = Bench().set_up(0, 9, RCR=2, DIER=1)
    bench.clock.advance(29)
    assert not bench.irq.level
    bench.clock.advance(1)
    assert bench.irq.level


def test_compare_flags_and_interrupt() -> None:
    bench = Bench().set_up(0, 99, CCR1=10, CCR2=50, CCR3=200, CCR4=0, DIER=CC2)
    bench.clock.advance(10)
    assert bench[SR] == CC1
    bench.clock.advance(39)
    assert not bench.irq.level
    bench.clock.advance(1)
    assert bench.irq.level
    assert bench[SR] == CC1 | CC2
    bench.clock.advance(50)
    assert bench[SR] == UIF | CC1 | CC2 | CC3 | CC4


def test_compare_value_moved_ahead_again_and_again() -> None:
    """The output-compare time base: each interrupt adds to CCR1."""
    bench = Bench().set_up(0, 0xFFFF, CCR1=1000, DIER=CC1)
    seen = []

    def handler(level: bool) -> None:
        if level:
            seen.append(bench.clock.now)
            bench[CCR1] = bench[CCR1] + 30_000
            bench[SR] = ~CC1 & 0xFFFF_FFFF

    bench.irq.sink = handler
    bench.clock.advance(100_000)
    assert seen == [1000, 31_000, 61_000, 91_000]


def test_buffered_compare_value() -> None:
    bench = Bench().set_up(0, 99, CCMR1=8, CCR1=10)
    bench[CCR1] = 50
    bench.clock.advance(11)
    assert bench[SR] == CC1
    bench[SR] = 0
    bench.clock.advance(99)
    assert not bench[SR] & CC1
    bench.clock.advance(40)
    assert bench[SR] & CC1


def test_software_compare_events_and_absent_channels() -> None:
    bench = Bench(channels=1)
    bench[DIER] = CC1
    bench[EGR] = CC1 | CC2
    assert bench[SR] == CC1
    assert bench.irq.level


def test_basic_timer_has_the_update_flag_only() -> None:
    bench = Bench(channels=0).set_up(0, 9)
    bench.clock.advance(100)
    assert bench[SR] == UIF


def test_input_capture_is_said_not_to_work_and_never_flags() -> None:
    bench = Bench().set_up(0, 9, CCMR1=1)
    bench.clock.advance(100)
    assert bench[SR] == UIF | CC2 | CC3 | CC4
    assert [entry.what for entry in bench.ledger.of_kind("unmodelled")] == ["CCMR1.CC1S"]


@pytest.mark.parametrize("sms", [1, 2, 3, 5, 6, 7])
def test_slave_modes_wait_for_pins_that_lead_nowhere(sms: int) -> None:
    bench = Bench().set_up(0, 9, SMCR=sms)
    bench.clock.advance(5)
    assert bench[CNT] == 0
    assert bench.ledger.of_kind("unmodelled")


def test_advanced_timer_has_four_interrupts() -> None:
    lines = {name: IrqLine() for name in ("cc_irq", "trg_com_irq", "brk_irq")}
    bench = Bench(**lines)
    bench[DIER] = 0xFF
    bench[EGR] = 0xE2
    assert not bench.irq.level
    assert [line.level for line in lines.values()] == [True] * 3
    bench[SR] = 0
    bench[EGR] = 1
    assert bench.irq.level
    assert not any(line.level for line in lines.values())


def count_pulses(line: IrqLine) -> list[int]:
    pulses: list[int] = []
    line.sink = lambda level: pulses.append(1) if level else None
    return pulses


def test_dma_requests() -> None:
    bench = Bench()
    up, first = count_pulses(bench.tim.dma_up), count_pulses(bench.tim.dma_ch1)
    bench.set_up(0, 9, CCR1=5)
    bench[DIER] = 0x300
    bench.clock.advance(95)
    assert (len(up), len(first)) == (9, 10)
    bench[CR2] = 8  # CCDS: the channels ask at the update, no longer at the match
    bench.clock.advance(5)
    assert (len(up), len(first)) == (10, 11)
    bench.clock.advance(5)
    assert (len(up), len(first)) == (10, 11)
    bench[EGR] = 1
    assert (len(up), len(first)) == (11, 12)


def test_reset_stops() -> None:
    bench = Bench().set_up(0, 9, DIER=1)
    bench.clock.advance(10)
    bench.tim.reset()
    assert not bench.irq.level
    assert bench.clock.next_due() is None
    bench.clock.advance(10)
    assert bench[CNT] == 0


def test_what_the_core_may_read_by_itself() -> None:
    plain = Tim.plain_reads()
    assert [plain[offset >> 2] for offset in (CR1, SR, CNT, ARR)] == [0, 0, MOVING, PLAIN]


def test_a_flag_that_is_polled_is_plain_until_it_rises() -> None:
    bench = Bench().set_up(0, 99)
    plain = bench.tim.plain
    assert bench.clock.next_due() is None
    assert (bench[SR], plain[SR >> 2], bench.clock.next_due()) == (0, PLAIN, 100)
    bench.clock.advance(99)
    assert bench.tim.words[SR >> 2] == 0
    bench.clock.advance(1)
    assert (bench.tim.words[SR >> 2] & UIF, plain[SR >> 2], bench.clock.next_due()) == (UIF, 0, None)
    bench[SR] = 0
    assert bench[SR] == 0
    bench.tim.reset()
    assert (plain[SR >> 2], bench.clock.next_due()) == (0, None)


@pytest.mark.parametrize("cr1", [0, DIR, 1 << 5])
@pytest.mark.parametrize(("hclk", "timclk"), [(16, 16), (168, 84), (7, 3)])
def test_the_ramp_is_the_counters_course(cr1: int, hclk: int, timclk: int) -> None:
    """By its definition, as the core reads it, against a counter that is asked at every cycle."""
    bench, other = (Bench() for _ in range(2))
    for each in (bench, other):
        each.tree.hclk, each.tree.timclk1 = hclk, timclk
        each.tree.changed()
        each.clock.advance(5)
        each.set_up(2, 20, cr1)
        each.tim.write(Tim.CCR1.offset, 4, 7)
    served = 0
    for _ in range(1000):
        since, until, hz, cpu_hz, rest, phase, divider, start, step = bench.tim.ramp.words
        now = bench.clock.now
        if now < until:
            served += 1
            count = start + step * ((phase + ((now - since) * hz + rest) // cpu_hz) // divider)
        else:
            count = bench[CNT]
        assert count == other[CNT]
        for each in (bench, other):
            each.clock.advance(1)
    assert served > 500


def test_trgo_at_the_update() -> None:
    """CR2.MMS 2: at each overflow, without any interrupt or DMA request, and only for those who wait by then."""
    bench = Bench().set_up(0, 9)
    bench[CR2] = 2 << 4
    pulses: list[int] = []
    bench.clock.advance(25)
    bench.tim.trgo.take(lambda: pulses.append(bench.clock.now))
    bench.clock.advance(25)
    assert pulses == [30, 40, 50]
    bench[EGR] = 1
    assert pulses == [30, 40, 50, 50]
    assert bench.clock.next_due() == 60


def test_trgo_by_software_and_at_the_start() -> None:
    """MMS 0 is EGR.UG, MMS 1 is CEN."""
    bench = Bench()
    pulses: list[int] = []
    bench.tim.trgo.take(lambda: pulses.append(bench[CR2]))
    bench[EGR] = 1
    bench[CR1] = CEN
    bench[CR1] = 0
    bench[CR2] = 1 << 4
    bench[EGR] = 1
    bench[CR1] = CEN
    bench[CR1] = CEN | ARPE
    assert pulses == [0, 1 << 4]


@pytest.mark.parametrize("mode", [3, 4, 7])
def test_trgo_and_the_compare_triggers_at_matches(mode: int) -> None:
    """MMS 3 and 4 are channel 1, 7 is channel 4; a channel that captures has no match."""
    bench = Bench().set_up(0, 9, CCR1=3, CCR2=5, CCR4=7)
    bench[CR2] = mode << 4
    trgo: list[int] = []
    second: list[int] = []
    bench.tim.trgo.take(lambda: trgo.append(bench.clock.now))
    bench.tim.compares[1].take(lambda: second.append(bench.clock.now))
    bench.clock.advance(20)
    assert trgo == ([7, 17] if mode == 7 else [3, 13])
    assert second == [5, 15]
    bench[CCMR1] = 1 << 8
    bench.clock.advance(20)
    assert second == [5, 15]
