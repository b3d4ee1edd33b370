# SPDX-License-Identifier: GPL-2.0-or-later
"""DMA2D bus scripts: what is in memory, and which flags, after each kind of transfer."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from bus import Bus
from stm32emu.peripherals.clock import ManualClock
from stm32emu.peripherals.dma2d import PIXEL_CYCLES, Dma2d
from stm32emu.peripherals.dma2d_pixels import Layer, blend, encode
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.memory import FlatMemory

RAM = 0x2000_0000
COPY, CONVERT, BLEND, FILL = (mode << 16 for mode in range(4))
START, SUSP, ABORT, TCIE, CEIE = 1, 2, 4, 1 << 9, 1 << 13
TE, TC, TW, CTC, CE = 1, 2, 4, 0x10, 0x20
OUT = RAM + 0x1000


class Bench(Bus):
    """A DMA2D with 8 KB of RAM, all 0xEE; its output is at OUT."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.memory = FlatMemory(RAM, 0x2000)
        self.memory.data[:] = b"\xee" * 0x2000
        self.irq = IrqLine()
        super().__init__(Dma2d("DMA2D", clock=self.clock, irq=self.irq, memory=self.memory))
        self["OMAR"] = OUT

    def size(self, width: int, height: int) -> None:
        self["NLR"] = width << 16 | height

    def run(self, control: int, cycles: int = 100_000) -> int:
        """Start, let time pass; the flags."""
        self["CR"] = control | START
        self.clock.advance(cycles)
        return self["ISR"]

    def out(self, length: int, start: int = OUT) -> bytes:
        return self.memory.read(start, length)


def test_a_fill_leaves_the_rest_of_each_line() -> None:
    bench = Bench()
    bench["OPFCCR"] = 2
    bench["OCOLR"] = 0xF81F
    bench["OOR"] = 1
    bench.size(2, 2)
    assert bench.run(FILL) == TC
    assert bench.out(14) == bytes.fromhex("1ff81ff8 eeee 1ff81ff8 eeee eeee".replace(" ", ""))
    assert bench["CR"] == FILL


def test_start_reads_back_until_the_time_is_up_and_the_interrupt_follows() -> None:
    bench = Bench()
    bench.size(10, 10)
    assert bench.run(FILL | TCIE, 100 * PIXEL_CYCLES - 1) == 0
    assert bench["CR"] & START
    assert bench.out(4) == b"\xee" * 4
    bench.clock.advance(1)
    assert (bench["ISR"], bench["CR"] & START, bench.irq.level) == (TC, 0, True)
    bench["IFCR"] = TC
    assert (bench["ISR"], bench.irq.level) == (0, False)


@pytest.mark.parametrize(("mode", "size"), [(0, 4), (1, 3), (2, 2), (5, 1)])
def test_a_copy_takes_the_pixels_as_they_are(mode: int, size: int) -> None:
    bench = Bench()
    data = random.Random(mode).randbytes(64)
    bench.memory.write(RAM, data)
    bench["FGMAR"] = RAM
    bench["FGPFCCR"] = mode
    bench["FGOR"] = 1
    bench.size(3, 2)
    assert bench.run(COPY) == TC
    assert bench.out(6 * size) == data[: 3 * size] + data[4 * size : 7 * size]


# Color mode, stored bytes, the ARGB words they are; a color look-up table of entry n = 0x80000000 | n * 0x010203.
CLUT = [0x8000_0000 | n * 0x01_0203 & 0xFF_FFFF for n in range(256)]
COLOR = 0x12_3456
FORMATS = [
    (0, "44332211", [0x1122_3344]),
    (1, "332211 665544", [0xFF11_2233, 0xFF44_5566]),
    (2, "00f8 e007 1f00 0008", [0xFFFF_0000, 0xFF00_FF00, 0xFF00_00FF, 0xFF08_0000]),
    (3, "00fc 1f00", [0xFFFF_0000, 0x0000_00FF]),
    (4, "34f2", [0xFF22_3344]),
    (5, "00 ff", [CLUT[0], CLUT[255]]),
    (6, "2f", [0x2200_0000 | CLUT[15] & 0xFF_FFFF]),
    (7, "0340", [0x4000_0000 | CLUT[3] & 0xFF_FFFF]),
    (8, "21", [CLUT[1], CLUT[2]]),
    (9, "7f", [0x7F00_0000 | COLOR]),
    (10, "f1", [0x1100_0000 | COLOR, 0xFF00_0000 | COLOR]),
]


@pytest.mark.parametrize(("mode", "stored", "pixels"), FORMATS)
def test_every_input_format(mode: int, stored: str, pixels: list[int]) -> None:
    bench = Bench()
    bench.memory.write(RAM, bytes.fromhex(stored.replace(" ", "")))
    for n, color in enumerate(CLUT):
        bench[f"FGCLUT{n}"] = color
    bench["FGMAR"] = RAM
    bench["FGPFCCR"] = mode
    bench["FGCOLR"] = COLOR
    bench.size(len(pixels), 1)
    assert bench.run(CONVERT) == TC
    assert bench.out(4 * len(pixels)) == b"".join(pixel.to_bytes(4, "little") for pixel in pixels)


@pytest.mark.parametrize(("mode", "stored"), [(0, "44332291"), (1, "443322"), (2, "8821"), (3, "c890"), (4, "3492")])
def test_every_output_format_keeps_the_highest_bits(mode: int, stored: str) -> None:
    assert encode(mode, [0x9122_3344]).hex() == stored


@pytest.mark.parametrize(("mode", "alpha"), [(0, 0x40), (1, 0x80), (2, 0x40 * 0x80 // 255)])
def test_alpha_is_kept_replaced_or_multiplied(mode: int, alpha: int) -> None:
    layer = Layer(mode=0, clut=(), color=0, alpha_mode=mode, alpha=0x80)
    assert layer.pixels(bytes.fromhex("33221140")) == [alpha << 24 | 0x11_2233]


def by_the_formula(front: int, back: int) -> int:
    """Section 11.3.6 with exact fractions, each result rounded down."""
    alpha, under = front >> 24, back >> 24
    shared = int(Fraction(alpha * under, 255))
    out = alpha + under - shared
    word = out << 24
    for shift in (0, 8, 16):
        one, other = front >> shift & 0xFF, back >> shift & 0xFF
        word |= int(Fraction(one * alpha + other * under - other * shared, out)) << shift
    return word


def test_blending_follows_the_formula() -> None:
    chance = random.Random(1)
    for _ in range(2000):
        front, back = chance.getrandbits(32) | 1 << 24, chance.getrandbits(32)
        assert blend(front, back) == by_the_formula(front, back)
    assert blend(0x0012_3456, 0x80AB_CDEF) == 0x80AB_CDEF


def test_a_blend_reads_both_layers() -> None:
    bench = Bench()
    bench.memory.write(RAM, bytes.fromhex("0000ff80"))
    bench.memory.write(RAM + 0x100, bytes.fromhex("1f00"))
    bench["FGMAR"], bench["BGMAR"] = RAM, RAM + 0x100
    bench["BGPFCCR"] = 2
    bench["OPFCCR"] = 2
    bench.size(1, 1)
    assert bench.run(BLEND) == TC
    assert bench.out(2) == encode(2, [by_the_formula(0x80FF_0000, 0xFF00_00FF)])


@pytest.mark.parametrize(("format_", "entry"), [(0, "44332211"), (1, "332211")])
def test_a_look_up_table_is_loaded(format_: int, entry: str) -> None:
    bench = Bench()
    bench.memory.write(RAM, bytes.fromhex(entry) * 4)
    bench["BGCMAR"] = RAM
    bench["BGPFCCR"] = 3 << 8 | format_ << 4 | 1 << 5
    assert bench["BGPFCCR"] & 1 << 5
    bench.clock.advance(4 * PIXEL_CYCLES)
    assert bench["ISR"] == CTC
    assert not bench["BGPFCCR"] & 1 << 5
    assert [bench[f"BGCLUT{n}"] for n in (0, 3, 4)] == [[0x1122_3344, 0xFF11_2233][format_]] * 2 + [0]


def test_a_start_while_a_look_up_table_is_loaded_is_refused() -> None:
    bench = Bench()
    bench.size(2, 1)
    bench["BGCMAR"] = RAM
    bench["BGPFCCR"] = 3 << 8 | 1 << 5
    bench["CR"] = FILL | SUSP | START
    assert bench["CR"] == FILL | SUSP
    bench.clock.advance(4 * PIXEL_CYCLES)
    assert (bench["ISR"], bench.out(4)) == (CTC, b"\xee" * 4)
    bench["IFCR"] = CTC
    assert bench.run(FILL) == TC


def test_what_starts_suspended_begins_later() -> None:
    bench = Bench()
    bench.size(2, 1)
    assert bench.run(FILL | SUSP) == 0
    bench["CR"] = FILL
    bench.clock.advance(2 * PIXEL_CYCLES)
    assert (bench["ISR"], bench["CR"]) == (TC, FILL)


def test_the_watermark_is_told_when_its_line_is_in_memory() -> None:
    bench = Bench()
    bench.size(4, 4)
    bench["LWR"] = 1
    assert bench.run(FILL, 4 * PIXEL_CYCLES) == TW
    assert (bench.out(16), bench.out(16, OUT + 16)) == (bytes(16), b"\xee" * 16)
    bench.clock.advance(12 * PIXEL_CYCLES)
    assert bench["ISR"] == TW | TC


def test_suspended_time_does_not_count_and_an_abort_ends_it() -> None:
    bench = Bench()
    bench.size(10, 1)
    bench.run(FILL, 5 * PIXEL_CYCLES)
    bench.set("CR", SUSP)
    bench.clock.advance(1000)
    assert bench["ISR"] == 0
    bench.clear("CR", SUSP)
    bench.clock.advance(5 * PIXEL_CYCLES)
    assert bench["ISR"] == TC
    bench["IFCR"] = TC
    bench.run(FILL, 5 * PIXEL_CYCLES)
    bench.set("CR", ABORT)
    bench.clock.advance(1000)
    assert (bench["ISR"], bench["CR"]) == (0, FILL)


@pytest.mark.parametrize(
    ("control", "registers"),
    [
        (FILL, {"NLR": 0x1_0000}),
        (FILL, {"NLR": 0x1}),
        (FILL, {"OMAR": OUT + 2}),
        (FILL, {"OPFCCR": 5}),
        (COPY, {"FGMAR": RAM + 1, "FGPFCCR": 2}),
        (CONVERT, {"FGPFCCR": 11}),
        (CONVERT, {"FGPFCCR": 8, "NLR": 0x3_0001}),
        (BLEND, {"BGMAR": RAM + 2}),
        (BLEND, {"BGPFCCR": 10, "BGOR": 1}),
    ],
)
def test_a_wrong_configuration_is_refused(control: int, registers: dict[str, int]) -> None:
    bench = Bench()
    bench["FGMAR"] = bench["BGMAR"] = RAM
    bench.size(2, 2)
    for name, word in registers.items():
        bench[name] = word
    assert bench.run(control | CEIE) == CE
    assert bench.irq.level
    assert not bench["CR"] & START


def test_memory_that_is_not_there_ends_it() -> None:
    bench = Bench()
    bench["OMAR"] = 0x1000_0000
    bench.size(1, 1)
    assert bench.run(FILL) == TE
    assert not bench["CR"] & START


def test_addresses_are_locked_meanwhile_and_a_reset_stops_it() -> None:
    bench = Bench()
    bench.size(10, 10)
    bench.run(FILL, 1)
    bench["OMAR"], bench["LWR"] = RAM, 5
    assert (bench["OMAR"], bench["LWR"]) == (OUT, 0)
    bench.block.reset()
    bench.clock.advance(1000)
    assert (bench["ISR"], bench["OMAR"], bench.out(4)) == (0, 0, b"\xee" * 4)
