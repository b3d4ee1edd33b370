# SPDX-License-Identifier: GPL-2.0-or-later
"""GPIO bus scripts: where a pin's level comes from, set/reset, locking, what the outside hears (RM0090 chapter 8)."""

from __future__ import annotations

import pytest

from bus import Bus
from stm32emu.peripherals.gpio import Gpio

INPUT, OUTPUT, ALTERNATE, ANALOG = range(4)
FLOATING, UP, DOWN = range(3)
LCKK = 1 << 16


class Bench(Bus):
    def __init__(self, name: str = "GPIOC") -> None:
        self.outputs: list[tuple[int, int]] = []
        self.inputs: list[tuple[int, int]] = []
        self.gpio = Gpio(
            name,
            on_output=lambda pin, level: self.outputs.append((pin, level)),
            on_input=lambda pin, level: self.inputs.append((pin, level)),
        )
        super().__init__(self.gpio)


@pytest.mark.parametrize(
    ("name", "moder", "ospeedr", "pupdr", "idr"),
    [
        ("GPIOA", 0xA800_0000, 0x0C00_0000, 0x6400_0000, 1 << 13 | 1 << 15),
        ("GPIOB", 0x280, 0xC0, 0x100, 1 << 4),
        ("GPIOI", 0, 0, 0, 0),
    ],
)
def test_reset_values_by_port(name: str, moder: int, ospeedr: int, pupdr: int, idr: int) -> None:
    bench = Bench(name)
    expected = [moder, ospeedr, pupdr, idr]
    assert [bench[each] for each in ("MODER", "OSPEEDR", "PUPDR", "IDR")] == expected
    bench["MODER"] = bench["PUPDR"] = 0
    bench.gpio.reset()
    assert [bench[each] for each in ("MODER", "OSPEEDR", "PUPDR", "IDR")] == expected


# mode, open drain, output bit, pull, level outside (None: nobody drives) -> level
LEVELS = [
    (INPUT, 0, 1, FLOATING, None, 0),
    (INPUT, 0, 0, UP, None, 1),
    (INPUT, 0, 0, DOWN, None, 0),
    (INPUT, 0, 0, UP, 0, 0),
    (INPUT, 0, 0, DOWN, 1, 1),
    (OUTPUT, 0, 1, DOWN, None, 1),
    (OUTPUT, 0, 0, UP, None, 0),
    (OUTPUT, 0, 1, FLOATING, 0, 1),
    (OUTPUT, 1, 0, UP, None, 0),
    (OUTPUT, 1, 1, UP, None, 1),
    (OUTPUT, 1, 1, UP, 0, 0),
    (OUTPUT, 1, 1, FLOATING, None, 0),
    (ALTERNATE, 0, 0, UP, None, 1),
    (ALTERNATE, 0, 1, FLOATING, 1, 1),
    (ANALOG, 0, 1, UP, 1, 0),
]


@pytest.mark.parametrize(("mode", "drain", "odr", "pull", "outside", "level"), LEVELS)
@pytest.mark.parametrize("pin", [0, 7, 15])
def test_where_a_level_comes_from(
    pin: int, mode: int, drain: int, odr: int, pull: int, outside: int | None, level: int
) -> None:
    bench = Bench()
    bench.gpio.drive(pin, outside)
    bench["OTYPER"] = drain << pin
    bench["PUPDR"] = pull << 2 * pin
    bench["ODR"] = odr << pin
    bench["MODER"] = mode << 2 * pin
    assert bench["IDR"] == level << pin


def test_bsrr_sets_and_resets_and_set_wins() -> None:
    bench = Bench()
    bench["ODR"] = 0x00F0
    bench["BSRR"] = 0x0030_0003
    assert bench["ODR"] == 0x00C3
    bench["BSRR"] = 0x8000_8000
    assert bench["ODR"] == 0x80C3
    bench.gpio.write(0x1A, 2, 0x8001)
    assert bench["ODR"] == 0x00C2
    bench.gpio.write(0x18, 2, 0x0100)
    assert (bench["ODR"], bench["BSRR"]) == (0x01C2, 0)


def test_the_outside_hears_what_output_drivers_do() -> None:
    bench = Bench()
    bench["ODR"] = 1 << 12
    assert bench.outputs == []
    bench["MODER"] = OUTPUT << 24
    bench["BSRR"] = 1 << 12
    bench["BSRR"] = 1 << 28
    bench["MODER"] = INPUT
    assert bench.outputs == [(12, 1), (12, 0), (12, 0)], "on, low, and letting go"


def test_an_open_drain_is_heard_when_it_lets_go() -> None:
    bench = Bench()
    bench["OTYPER"] = 1
    bench["PUPDR"] = UP
    bench["MODER"] = OUTPUT
    bench["BSRR"] = 1
    bench["BSRR"] = 1 << 16
    assert bench.outputs == [(0, 0), (0, 1), (0, 0)]
    assert bench.inputs == [(0, 1), (0, 0), (0, 1), (0, 0)]


def test_exti_hears_every_change_of_level_once() -> None:
    bench = Bench()
    for level in (1, 1, 0, None, 1, None):
        bench.gpio.drive(3, level)
    assert bench.inputs == [(3, 1), (3, 0), (3, 1), (3, 0)]
    bench.gpio.drive(3, 1)
    bench.gpio.reset()
    assert bench["IDR"] == 8, "a level from outside outlives a reset"
    assert len(bench.inputs) == 5, "and is no edge"


def test_pins_are_driven_from_outside_one_by_one() -> None:
    bench = Bench()
    for pin, level in ((1, 1), (4, 1), (8, 0), (9, 1), (4, None), (1, 0)):
        bench.gpio.drive(pin, level)
    bench["PUPDR"] = UP << 2 | UP << 8 | UP << 16
    assert bench["IDR"] == 1 << 9 | 1 << 4


def test_a_write_of_odr_reaches_the_pins() -> None:
    bench = Bench()
    bench["MODER"] = OUTPUT << 10 | OUTPUT << 12
    bench["ODR"] = 1 << 5
    assert (bench["IDR"], bench.outputs[-1]) == (1 << 5, (5, 1))


def _lock(bench: Bench, pins: int) -> int:
    for word in (LCKK | pins, pins, LCKK | pins):
        bench["LCKR"] = word
    return bench["LCKR"]


def test_locked_pins_keep_their_configuration_until_reset() -> None:
    bench = Bench()
    bench["MODER"] = OUTPUT << 2
    assert _lock(bench, 1 << 1 | 1 << 9) == LCKK | 1 << 1 | 1 << 9
    for register in ("MODER", "OTYPER", "OSPEEDR", "PUPDR", "AFRL", "AFRH"):
        bench[register] = 0xFFFF_FFFF
    assert bench["MODER"] == 0xFFF3_FFF7
    assert bench["OTYPER"] == 0xFDFD
    assert (bench["OSPEEDR"], bench["PUPDR"]) == (0xFFF3_FFF3,) * 2
    assert (bench["AFRL"], bench["AFRH"]) == (0xFFFF_FF0F, 0xFFFF_FF0F)
    bench["BSRR"] = 2
    assert bench["IDR"] == 2, "the output bit is not locked"
    bench["LCKR"] = 0
    assert bench["LCKR"] & LCKK
    bench.gpio.reset()
    bench["MODER"] = 0xFFFF_FFFF
    assert (bench["LCKR"], bench["MODER"]) == (0, 0xFFFF_FFFF)


@pytest.mark.parametrize(
    "words",
    [
        (LCKK | 1, 1),
        (1, LCKK | 1, 1),
        (LCKK | 1, LCKK | 1, LCKK | 1),
        (LCKK | 1, 1, LCKK | 3),
        (LCKK | 1, 3, LCKK | 1),
        (1, 1, 1),
    ],
)
def test_any_other_sequence_locks_nothing(words: tuple[int, ...]) -> None:
    bench = Bench()
    for word in words:
        bench["LCKR"] = word
    assert not bench["LCKR"] & LCKK
    bench["MODER"] = 1
    assert bench["MODER"] == 1
    assert _lock(bench, 1) == LCKK | 1, "a failed attempt does not spoil the next"
