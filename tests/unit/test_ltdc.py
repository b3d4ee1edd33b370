# SPDX-License-Identifier: GPL-2.0-or-later
"""LTDC bus scripts: frames in time, line and reload interrupts, position and status."""

from __future__ import annotations

from bus import Bus
from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ltdc import Ltdc

LTDCEN, IMR, VBR = 1, 1, 2
LINE, RELOAD = 1, 8
WIDTH, HEIGHT = 280, 328  # of a 240 by 320 panel with its blanking
CYCLES = 30  # of the CPU per pixel
ROW = WIDTH * CYCLES
FRAME = ROW * HEIGHT


class Bench(Bus):
    """An LTDC at 6 MHz beside a CPU at 180 MHz, with a small panel's timing."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.tree = ClockTree()
        self.tree.hclk, self.tree.lcdclk = 180_000_000, 6_000_000
        self.irq = IrqLine()
        super().__init__(Ltdc("LTDC", clock=self.clock, tree=self.tree, irq=self.irq))
        self["SSCR"] = 9 << 16 | 1
        self["BPCR"] = 29 << 16 | 3
        self["AWCR"] = 269 << 16 | 323
        self["TWCR"] = WIDTH - 1 << 16 | HEIGHT - 1


def test_nothing_moves_before_it_is_enabled() -> None:
    bench = Bench()
    bench.clock.advance(2 * FRAME)
    assert (bench["CPSR"], bench["CDSR"], bench["ISR"]) == (0, 0xF, 0)


def test_position_and_status_follow_the_frame() -> None:
    bench = Bench()
    bench["GCR"] = LTDCEN
    assert (bench["CPSR"], bench["CDSR"]) == (0, 0b1100)
    bench.clock.advance(2 * ROW + 10 * CYCLES)
    assert (bench["CPSR"], bench["CDSR"]) == (10 << 16 | 2, 0)
    bench.clock.advance(2 * ROW + 20 * CYCLES)
    assert (bench["CPSR"], bench["CDSR"]) == (30 << 16 | 4, 0b0011)
    bench.clock.advance(FRAME - ROW)
    assert bench["CPSR"] == 30 << 16 | 3


def test_the_line_interrupt_comes_once_a_frame_at_its_line() -> None:
    bench = Bench()
    bench["LIPCR"] = 7
    bench["IER"] = LINE
    bench["GCR"] = LTDCEN
    bench.clock.advance(7 * ROW - 1)
    assert bench["ISR"] == 0
    for _ in range(3):
        bench.clock.advance(1)
        assert (bench["ISR"], bench.irq.level, bench["CPSR"]) == (LINE, True, 7)
        bench["ICR"] = LINE
        assert (bench["ISR"], bench.irq.level) == (0, False)
        bench.clock.advance(FRAME - 1)
        assert bench["ISR"] == 0


def test_a_flag_that_is_set_already_is_not_waited_for() -> None:
    """Also with the totals of a reset: a frame of one pixel would need an event for each."""
    bench = Bench()
    bench["TWCR"] = 0
    bench["GCR"] = LTDCEN
    bench.clock.advance(CYCLES)
    assert (bench["ISR"], bench.clock.next_due()) == (LINE, None)
    bench["ICR"] = LINE
    assert bench.clock.next_due() == 2 * CYCLES


def test_a_line_that_no_frame_has_is_never_reached() -> None:
    bench = Bench()
    bench["LIPCR"] = HEIGHT
    bench["GCR"] = LTDCEN
    bench.clock.advance(3 * FRAME)
    assert bench["ISR"] == 0
    bench["LIPCR"] = 1
    bench.clock.advance(FRAME)
    assert bench["ISR"] == LINE


def test_registers_are_reloaded_at_once_or_at_the_vertical_blanking() -> None:
    bench = Bench()
    bench["LIPCR"] = HEIGHT
    bench["IER"] = RELOAD
    bench["GCR"] = LTDCEN
    bench["SRCR"] = IMR
    assert (bench["SRCR"], bench["ISR"]) == (0, 0)
    bench["SRCR"] = VBR
    bench.clock.advance(324 * ROW - 1)
    assert (bench["SRCR"], bench["ISR"]) == (VBR, 0)
    bench.clock.advance(1)
    assert (bench["SRCR"], bench["ISR"], bench.irq.level) == (0, RELOAD, True)
    bench["ICR"] = RELOAD
    bench.clock.advance(2 * FRAME)
    assert bench["ISR"] == 0


def test_a_pixel_clock_that_stops_stops_the_frame() -> None:
    bench = Bench()
    bench["LIPCR"] = 7
    bench["GCR"] = LTDCEN
    bench.tree.lcdclk = None
    bench.tree.changed()
    bench.clock.advance(FRAME)
    assert bench["ISR"] == 0
    bench.tree.lcdclk = 12_000_000
    bench.tree.changed()
    bench.clock.advance(7 * ROW // 2)
    assert bench["ISR"] == LINE


def test_a_reset_makes_it_dark() -> None:
    bench = Bench()
    bench["IER"] = LINE
    bench["LIPCR"] = 1
    bench["GCR"] = LTDCEN
    bench.clock.advance(ROW)
    bench.block.reset()
    assert not bench.irq.level
    bench.clock.advance(FRAME)
    assert (bench["ISR"], bench["GCR"]) == (0, 0x2220)
