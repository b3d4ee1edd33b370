# SPDX-License-Identifier: GPL-2.0-or-later
"""RNG bus scripts: timing from the 48 MHz clock, the clock and seed errors, the seeded source (RM0090 chapter 24)."""

from __future__ import annotations

import itertools

import pytest

from bus import Bus
from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.rng import Biased, Repeating, Rng, StuckAt, seeded

RNGEN, IE = 1 << 2, 1 << 3
DRDY, CECS, SECS, CEIS, SEIS = 1, 2, 4, 1 << 5, 1 << 6
WORD = 140  # 40 periods of 48 MHz at 168 MHz


class Bench(Bus):
    def __init__(self, hclk: int = 168_000_000, pll48ck: int | None = 48_000_000) -> None:
        self.clock = ManualClock()
        self.tree = ClockTree()
        self.tree.hclk, self.tree.pll48ck = hclk, pll48ck
        self.irq = IrqLine()
        words = itertools.count(0x1000)
        self.rng = Rng("RNG", clock=self.clock, tree=self.tree, irq=self.irq, source=lambda: next(words))
        super().__init__(self.rng)

    def pll48(self, hz: int | None) -> None:
        self.tree.pll48ck = hz
        self.tree.changed()


def test_nothing_happens_until_enabled() -> None:
    bench = Bench(pll48ck=None)
    bench.clock.advance(10_000)
    assert (bench["CR"], bench["SR"], bench["DR"]) == (0, 0, 0)


def test_a_word_every_40_clocks_after_the_last_was_taken() -> None:
    bench = Bench()
    bench["CR"] = RNGEN
    bench.clock.advance(WORD - 1)
    assert bench["SR"] == 0
    bench.clock.advance(1)
    assert bench["SR"] == DRDY
    bench.clock.advance(10 * WORD)
    assert bench["DR"] == 0x1000
    assert (bench["SR"], bench["DR"]) == (0, 0), "without DRDY the register reads 0"
    bench.clock.advance(WORD - 1)
    assert bench["SR"] == 0
    bench.clock.advance(1)
    assert (bench["SR"], bench["DR"]) == (DRDY, 0x1001)


def test_polling_does_not_delay_the_word() -> None:
    bench = Bench()
    bench["CR"] = RNGEN
    for _ in range(WORD):
        assert bench["DR"] == 0
        bench.clock.advance(1)
    assert bench["DR"] == 0x1000


def test_disabling_stops_and_forgets() -> None:
    bench = Bench()
    bench["CR"] = RNGEN
    bench.clock.advance(WORD)
    bench["CR"] = 0
    bench.clock.advance(WORD)
    assert (bench["SR"], bench["DR"]) == (0, 0)
    bench["CR"] = RNGEN
    bench.clock.advance(WORD)
    assert bench["DR"] == 0x1001


def test_data_interrupt_follows_drdy() -> None:
    bench = Bench()
    bench["CR"] = RNGEN | IE
    bench.clock.advance(WORD)
    assert bench.irq.level is True
    bench["DR"]
    assert bench.irq.level is False
    bench.clock.advance(WORD)
    bench["CR"] = RNGEN
    assert bench.irq.level is False


@pytest.mark.parametrize(("hz", "slow"), [(None, True), (10_499_999, True), (10_500_000, False), (48_000_000, False)])
def test_the_clock_is_checked_against_a_sixteenth_of_hclk(hz: int | None, slow: bool) -> None:
    bench = Bench(pll48ck=hz)
    bench["CR"] = RNGEN
    assert bench["SR"] == (CECS | CEIS if slow else 0)


def test_a_clock_error_stops_words_keeps_the_last_and_its_flag_sticks() -> None:
    bench = Bench()
    bench["CR"] = RNGEN | IE
    bench.clock.advance(WORD)
    bench.pll48(None)
    assert (bench["SR"], bench["DR"]) == (DRDY | CECS | CEIS, 0x1000)
    bench.clock.advance(10 * WORD)
    assert (bench["SR"], bench.irq.level) == (CECS | CEIS, True)
    bench["SR"] = 0
    assert (bench["SR"], bench.irq.level) == (CECS, False)
    bench.pll48(48_000_000)
    assert bench["SR"] == 0
    bench.clock.advance(WORD)
    assert (bench["SR"], bench["DR"]) == (DRDY, 0x1001)


def test_interrupt_flags_are_cleared_by_zero_only() -> None:
    bench = Bench(pll48ck=None)
    bench["CR"] = RNGEN
    bench["SR"] = 0xFFFF_FFFF
    assert bench["SR"] == CECS | CEIS


def test_a_seed_error_needs_the_manuals_recovery() -> None:
    """Section 24.3.2: clear SEIS, then clear and set RNGEN."""
    bench = Bench()
    bench["CR"] = RNGEN | IE
    bench.rng.break_seed(True)
    assert (bench["SR"], bench.irq.level) == (SECS | SEIS, True)
    bench.rng.break_seed(False)
    bench["SR"] = 0
    bench.clock.advance(10 * WORD)
    assert (bench["SR"], bench.irq.level) == (SECS, False)
    bench["CR"] = 0
    bench["CR"] = RNGEN
    bench.clock.advance(WORD)
    assert bench["SR"] == DRDY


def test_a_broken_seed_fails_again_after_recovery() -> None:
    bench = Bench()
    bench["CR"] = RNGEN
    bench.rng.break_seed(True)
    bench["SR"] = 0
    bench["CR"] = 0
    assert bench["SR"] == 0
    bench["CR"] = RNGEN
    bench.clock.advance(WORD)
    assert bench["SR"] == SECS | SEIS


def test_an_injected_clock_fault_looks_like_a_lost_clock() -> None:
    bench = Bench()
    bench["CR"] = RNGEN
    bench.rng.break_clock(True)
    assert bench["SR"] == CECS | CEIS
    bench.rng.break_clock(False)
    assert bench["SR"] == CEIS


def words(bench: Bench, count: int) -> list[int]:
    """As a driver takes them that looks at DRDY and at the errors."""
    taken = []
    for _ in range(count):
        bench.clock.advance(WORD)
        assert bench["SR"] == DRDY, "a distorted word is reported as a good one"
        taken.append(bench["DR"])
    return taken


@pytest.mark.parametrize(("stuck", "word"), [(None, 0x1002), (0, 0), (0xFFFF_FFFF, 0xFFFF_FFFF)])
def test_a_stuck_generator_gives_one_word_for_ever(stuck: int | None, word: int) -> None:
    bench = Bench()
    bench["CR"] = RNGEN
    assert words(bench, 2) == [0x1000, 0x1001]
    bench.rng.distortions.append(StuckAt(stuck))
    assert words(bench, 3) == [word] * 3
    bench.rng.distortions.clear()
    assert words(bench, 1) == [0x1005]


def test_a_repeating_generator_starts_again() -> None:
    bench = Bench()
    repeating = Repeating()
    bench.rng.distortions.append(repeating)
    bench["CR"] = RNGEN
    assert words(bench, 3) == [0x1000, 0x1001, 0x1002]
    repeating.restart()
    assert words(bench, 5) == [0x1000, 0x1001, 0x1002, 0x1006, 0x1007]
    bench.clock.advance(WORD)
    repeating.restart()
    assert words(bench, 2) == [0x1008, 0x1000], "one word was ready"
    bench.clock.advance(WORD)
    repeating.restart()
    bench.rng.discard()
    assert bench["SR"] == 0
    assert words(bench, 2) == [0x1000, 0x1001]


@pytest.mark.parametrize(("bits", "word"), [(1, 0x7FFF_FFFF), (2, 0x3FFF_FFFF), (31, 1)])
def test_a_biased_generator_lacks_upper_bits(bits: int, word: int) -> None:
    bench = Bench()
    bench.rng.source = lambda: 0xFFFF_FFFF
    bench.rng.distortions.append(Biased(bits))
    bench["CR"] = RNGEN
    assert words(bench, 2) == [word] * 2


def test_distortions_add_up_and_survive_a_reset() -> None:
    bench = Bench()
    bench.rng.distortions += [Biased(20), StuckAt()]
    bench["CR"] = RNGEN
    assert words(bench, 2) == [0, 0]
    bench.rng.reset()
    bench["CR"] = RNGEN
    assert words(bench, 2) == [0, 0]


def test_reset_disables() -> None:
    bench = Bench()
    bench["CR"] = RNGEN | IE
    bench.clock.advance(WORD)
    bench.rng.reset()
    bench.clock.advance(WORD)
    assert (bench["CR"], bench["SR"], bench.irq.level) == (0, 0, False)


def test_the_seeded_source_is_the_same_for_ever() -> None:
    """SHA-256 in counter mode: `printf 'stm32emu rng 1 0' | sha256sum`, then "... 1 1", as little-endian words."""
    source = seeded(1)
    assert [source() for _ in range(9)] == [
        0x8D3D_B205,
        0xEFB1_D8FB,
        0xD252_2D0D,
        0x090B_F7CB,
        0x50DB_578C,
        0xF199_12AC,
        0x4B1B_0F23,
        0xAF5E_14E2,
        0xC58A_0F55,
    ]
    assert seeded(2)() == 0x801D_7F9D
