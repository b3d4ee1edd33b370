# SPDX-License-Identifier: GPL-2.0-or-later
"""IWDG and WWDG bus scripts: keys, timeouts in their own clocks, the window, resets (RM0090 chapters 21 and 22)."""

from __future__ import annotations

import pytest

from bus import Bus
from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.iwdg import Iwdg
from stm32emu.peripherals.ledger import Ledger
from stm32emu.peripherals.wwdg import Wwdg

START, RELOAD, UNLOCK = 0xCCCC, 0xAAAA, 0x5555
LSI = 500  # cycles of 16 MHz per period of 32 kHz
WDGA, EWI = 1 << 7, 1 << 9
STEP = 4096  # cycles per WWDG step at PCLK1 = HCLK, WDGTB 0


class Bench(Bus):
    def __init__(self, kind: type[Iwdg] | type[Wwdg], pclk1: int = 16_000_000) -> None:
        self.clock = ManualClock()
        self.tree = ClockTree()
        self.tree.pclk1 = pclk1
        self.irq = IrqLine()
        self.ledger = Ledger()
        self.resets: list[tuple[str, int]] = []
        options = {"irq": self.irq} if kind is Wwdg else {}
        self.dog = kind(
            "DOG", clock=self.clock, tree=self.tree, ledger=self.ledger,
            on_reset=lambda cause: self.resets.append((cause, self.clock.now)), **options,
        )  # fmt: skip
        super().__init__(self.dog)

    def configure(self, pr: int, rlr: int) -> None:
        self["KR"] = UNLOCK
        self["PR"], self["RLR"] = pr, rlr


# IWDG


@pytest.mark.parametrize(("pr", "divider"), [(0, 4), (1, 8), (2, 16), (3, 32), (4, 64), (5, 128), (6, 256), (7, 256)])
@pytest.mark.parametrize("rlr", [0, 1, 0xFFF])
def test_a_starved_watchdog_resets_after_its_timeout(pr: int, divider: int, rlr: int) -> None:
    bench = Bench(Iwdg)
    bench.configure(pr, rlr)
    bench["KR"] = START
    timeout = (rlr + 1) * divider * LSI
    bench.clock.advance(timeout - 1)
    assert bench.resets == []
    bench.clock.advance(1)
    assert bench.resets == [("iwdg", timeout)]


def test_reloading_keeps_it_quiet() -> None:
    bench = Bench(Iwdg)
    bench.configure(0, 9)
    bench["KR"] = START
    for _ in range(5):
        bench.clock.advance(10 * 4 * LSI - 1)
        bench["KR"] = RELOAD
    assert bench.resets == []
    bench.clock.advance(10 * 4 * LSI)
    assert len(bench.resets) == 1


def test_it_does_not_run_before_its_start_key() -> None:
    bench = Bench(Iwdg)
    bench["KR"] = RELOAD
    bench["KR"] = 0x1234
    bench.clock.advance(100_000_000)
    assert bench.resets == []


def test_starting_again_does_not_reload() -> None:
    bench = Bench(Iwdg)
    bench.configure(0, 9)
    bench["KR"] = START
    bench.clock.advance(9 * 4 * LSI)
    bench["KR"] = START
    bench.clock.advance(4 * LSI)
    assert len(bench.resets) == 1


@pytest.mark.parametrize("key", [START, RELOAD, 0])
def test_configuration_is_locked_but_for_its_key(key: int) -> None:
    bench = Bench(Iwdg)
    bench["KR"] = UNLOCK
    bench["KR"] = key
    bench["PR"], bench["RLR"] = 3, 5
    assert (bench["PR"], bench["RLR"], bench["SR"]) == (0, 0xFFF, 0)
    assert bench.ledger.of_kind("illegal")[0].count == 2


def test_update_flags_clear_after_five_lsi_periods() -> None:
    bench = Bench(Iwdg)
    bench.configure(2, 0x123)
    assert (bench["SR"], bench["PR"], bench["RLR"]) == (3, 2, 0x123)
    bench.clock.advance(5 * LSI - 1)
    assert bench["SR"] == 3
    bench.clock.advance(1)
    assert bench["SR"] == 0
    assert bench["KR"] == 0, "the key register is write-only"


def test_a_second_update_holds_its_flag_anew() -> None:
    bench = Bench(Iwdg)
    bench.configure(2, 0xFFF)
    bench.clock.advance(3 * LSI)
    bench["PR"] = 3
    bench.clock.advance(5 * LSI - 1)
    assert bench["SR"] == 1
    bench.clock.advance(1)
    assert bench["SR"] == 0


def test_a_new_prescaler_applies_to_what_is_left() -> None:
    bench = Bench(Iwdg)
    bench.configure(0, 9)
    bench["KR"] = START
    bench.clock.advance(4 * 4 * LSI)
    bench["KR"] = UNLOCK
    bench["PR"] = 1
    bench.clock.advance(6 * 8 * LSI - 1)
    assert bench.resets == []
    bench.clock.advance(1)
    assert len(bench.resets) == 1


def test_what_was_accepted_stays_when_a_later_write_is_refused() -> None:
    bench = Bench(Iwdg)
    bench.configure(3, 5)
    bench["KR"] = RELOAD
    bench["PR"] = 7
    assert (bench["PR"], bench["RLR"]) == (3, 5)


def test_a_change_of_hclk_does_not_change_its_seconds() -> None:
    bench = Bench(Iwdg)
    bench.configure(0, 9)
    bench["KR"] = START
    bench.clock.advance(5 * 4 * LSI)
    bench.tree.hclk = 32_000_000
    bench.tree.changed()
    bench.clock.advance(5 * 4 * 2 * LSI - 1)
    assert bench.resets == []
    bench.clock.advance(1)
    assert len(bench.resets) == 1


def test_reset_stops_the_independent_watchdog() -> None:
    bench = Bench(Iwdg)
    bench.configure(1, 0)
    bench["KR"] = START
    bench["KR"] = UNLOCK
    bench.dog.reset()
    bench["PR"] = 1
    bench.clock.advance(100_000_000)
    assert (bench.resets, bench["PR"], bench["RLR"], bench["SR"]) == ([], 0, 0xFFF, 0)
    bench.configure(0, 0)
    bench["KR"] = START
    bench.clock.advance(4 * LSI)
    assert len(bench.resets) == 1, "it can be started again"


def test_after_a_reset_that_nobody_acted_on_it_can_run_again() -> None:
    bench = Bench(Iwdg)
    bench.configure(0, 0)
    for expected in (1, 2):
        bench["KR"] = START
        bench.clock.advance(4 * LSI)
        assert len(bench.resets) == expected


# WWDG


@pytest.mark.parametrize("wdgtb", range(4))
def test_a_window_watchdog_counts_down_and_resets_below_0x40(wdgtb: int) -> None:
    bench = Bench(Wwdg)
    bench["CFR"] = wdgtb << 7 | 0x7F
    bench["CR"] = WDGA | 0x50
    step = STEP << wdgtb
    bench.clock.advance(3 * step)
    assert bench["CR"] == WDGA | 0x4D
    bench.clock.advance(14 * step - 1)
    assert (bench["CR"], bench.resets) == (WDGA | 0x40, [])
    bench.clock.advance(1)
    assert bench.resets == [("wwdg", 17 * step)]


def test_its_clock_is_pclk1() -> None:
    bench = Bench(Wwdg, pclk1=4_000_000)
    bench["CR"] = WDGA | 0x40
    bench.clock.advance(4 * STEP)
    assert bench.resets == [("wwdg", 4 * STEP)]


@pytest.mark.parametrize(("steps", "reset"), [(0x1F, True), (0x20, False)])
def test_reloading_above_the_window_resets(steps: int, reset: bool) -> None:
    bench = Bench(Wwdg)
    bench["CFR"] = 0x5F
    bench["CR"] = WDGA | 0x7F
    bench.clock.advance(steps * STEP)
    bench["CR"] = WDGA | 0x7F
    assert bool(bench.resets) is reset


def test_writing_t6_clear_resets_at_once() -> None:
    bench = Bench(Wwdg)
    bench["CR"] = 0x3F
    assert bench.resets == []
    bench["CR"] = WDGA | 0x3F
    assert bench.resets == [("wwdg", 0)]


def test_once_on_it_stays_on() -> None:
    bench = Bench(Wwdg)
    bench["CR"] = WDGA | 0x7F
    bench["CR"] = 0x41
    assert bench["CR"] == WDGA | 0x41
    bench.clock.advance(2 * STEP)
    assert len(bench.resets) == 1


def test_the_early_wakeup_interrupt_comes_at_0x40_once() -> None:
    bench = Bench(Wwdg)
    bench["CFR"] = EWI | 0x7F
    bench["CR"] = WDGA | 0x42
    bench.clock.advance(2 * STEP - 1)
    assert (bench["SR"], bench.irq.level) == (0, False)
    bench.clock.advance(1)
    assert (bench["SR"], bench.irq.level) == (1, True)
    bench["SR"] = 0
    bench.tree.changed()
    bench.clock.advance(STEP - 1)
    assert (bench["SR"], bench.irq.level, bench.resets) == (0, False, [])


def test_a_reload_from_the_interrupt_saves_the_chip() -> None:
    bench = Bench(Wwdg)
    bench["CFR"] = EWI | 0x7F
    bench["CR"] = WDGA | 0x41
    bench.clock.advance(STEP)
    bench["CR"] = WDGA | 0x7F
    bench.clock.advance(2 * STEP)
    assert bench.resets == []


def test_enabling_the_interrupt_late_raises_it_at_once() -> None:
    bench = Bench(Wwdg)
    bench["CR"] = WDGA | 0x41
    bench.clock.advance(STEP)
    assert (bench["SR"], bench.irq.level) == (1, False)
    bench["CFR"] = EWI | 0x7F
    assert bench.irq.level is True
    bench.dog.reset()
    assert (bench["SR"], bench.irq.level) == (0, False)


def test_a_new_prescaler_applies_to_the_steps_left() -> None:
    bench = Bench(Wwdg)
    bench["CR"] = WDGA | 0x50
    bench.clock.advance(8 * STEP)
    bench["CFR"] = 1 << 7 | 0x7F
    assert bench["CR"] == WDGA | 0x48
    bench.clock.advance(9 * 2 * STEP)
    assert bench.resets == [("wwdg", 8 * STEP + 9 * 2 * STEP)]


def test_a_reload_starts_a_whole_step() -> None:
    bench = Bench(Wwdg)
    bench["CR"] = WDGA | 0x50
    bench.clock.advance(STEP // 2)
    bench["CR"] = WDGA | 0x41
    bench.clock.advance(2 * STEP - 1)
    assert bench.resets == []
    bench.clock.advance(1)
    assert bench.resets == [("wwdg", 2 * STEP + STEP // 2)]


def test_the_counter_goes_on_from_where_it_was_when_the_clock_changes() -> None:
    bench = Bench(Wwdg)
    bench["CR"] = WDGA | 0x50
    bench.clock.advance(8 * STEP)
    bench.tree.pclk1 = 8_000_000
    bench.tree.changed()
    assert bench["CR"] == WDGA | 0x48
    bench.clock.advance(9 * 2 * STEP)
    assert bench.resets == [("wwdg", 8 * STEP + 9 * 2 * STEP)]


def test_reset_stops_the_window_watchdog() -> None:
    bench = Bench(Wwdg)
    bench["CFR"] = EWI | 0x7F
    bench["CR"] = WDGA | 0x40
    bench.dog.reset()
    bench.clock.advance(100 * STEP)
    assert (bench["CR"], bench["CFR"], bench["SR"], bench.resets) == (0x7F, 0x7F, 0, [])
