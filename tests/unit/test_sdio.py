# SPDX-License-Identifier: GPL-2.0-or-later
"""SDIO bus scripts: what a driver sees of an empty slot (RM0090 chapter 31)."""

from __future__ import annotations

import pytest

from bus import Bus
from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.sdio import Sdio

CPSMEN, SHORT, LONG = 1 << 10, 1 << 6, 3 << 6
CTIMEOUT, DTIMEOUT, CMDSENT, CMDACT = 1 << 2, 1 << 3, 1 << 7, 1 << 11
DIVIDER = 0x76 + 2  # 400 kHz


class Bench(Bus):
    """The host at 168 MHz with SDIOCLK at 48 MHz, powered as HAL_SD_Init does."""

    def __init__(self, clkcr: int = 0x176, pll48ck: int | None = 48_000_000) -> None:
        self.clock = ManualClock()
        self.tree = ClockTree()
        self.tree.hclk, self.tree.pll48ck = 168_000_000, pll48ck
        self.irq = IrqLine()
        super().__init__(Sdio("SDIO", clock=self.clock, tree=self.tree, irq=self.irq))
        self["CLKCR"] = clkcr
        self["POWER"] = 3


def cycles(periods: int) -> int:
    return periods * DIVIDER * 168 // 48


def test_a_command_without_response_is_sent() -> None:
    bench = Bench()
    bench["MASK"] = CMDSENT
    bench["CMD"] = CPSMEN
    assert bench["STA"] == CMDACT
    bench.clock.advance(cycles(48) - 1)
    assert bench["STA"] == CMDACT
    bench.clock.advance(1)
    assert (bench["STA"], bench.irq.level) == (CMDSENT, True)
    bench["ICR"] = CMDSENT
    assert (bench["STA"], bench["ICR"], bench.irq.level) == (0, 0, False)


@pytest.mark.parametrize("response", [SHORT, LONG])
def test_no_card_responds(response: int) -> None:
    bench = Bench()
    bench["CMD"] = CPSMEN | response | 8
    bench.clock.advance(cycles(48 + 64) - 1)
    assert bench["STA"] == CMDACT
    bench.clock.advance(1)
    assert (bench["STA"], bench["RESPCMD"], bench["RESP1"]) == (CTIMEOUT, 0, 0)


def test_a_transfer_waits_for_its_card_in_vain() -> None:
    bench = Bench()
    bench["MASK"] = DTIMEOUT
    bench["DTIMER"], bench["DLEN"] = 1000, 512
    bench["DCTRL"] = 3
    assert bench["DCOUNT"] == 512
    bench.clock.advance(cycles(1000) - 1)
    assert not bench.irq.level
    bench.clock.advance(1)
    assert (bench["STA"], bench.irq.level) == (DTIMEOUT, True)


@pytest.mark.parametrize("bench", [Bench(0x76), Bench(pll48ck=None)], ids=["CLKEN clear", "no 48 MHz"])
def test_without_a_clock_nothing_is_sent(bench: Bench) -> None:
    bench["CMD"] = CPSMEN
    bench.clock.advance(10_000_000)
    assert bench["STA"] == CMDACT


def test_reset_forgets_the_command_under_way() -> None:
    bench = Bench()
    bench["CMD"] = CPSMEN
    bench.block.reset()
    bench.clock.advance(10_000_000)
    assert bench["STA"] == 0


def test_bypass() -> None:
    bench = Bench(0x576)
    bench["CMD"] = CPSMEN
    bench.clock.advance(48 * 168 // 48)
    assert bench["STA"] == CMDSENT
