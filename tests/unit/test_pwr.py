# SPDX-License-Identifier: GPL-2.0-or-later
"""PWR bus scripts: regulators report ready after a while (RM0090 chapter 5)."""

from __future__ import annotations

import pytest

from bus import Bus
from stm32emu.peripherals.clock import ManualClock
from stm32emu.peripherals.ledger import Ledger
from stm32emu.peripherals.pwr import SETTLE, Pwr

VOSRDY, ODRDY, ODSWRDY, BRR = 1 << 14, 1 << 16, 1 << 17, 1 << 3


@pytest.mark.parametrize(("series", "cr"), [("F407", 0x4000), ("F429", 0xC000), ("F446", 0xC000), ("F469", 0xC000)])
def test_reset_values(series: str, cr: int) -> None:
    bus = Bus(Pwr("PWR", clock=ManualClock(), series=series))
    assert (bus["CR"], bus["CSR"]) == (cr, 0)


@pytest.mark.parametrize(
    ("register", "bit", "ready"), [("CR", 1 << 16, ODRDY), ("CR", 1 << 17, ODSWRDY), ("CSR", 1 << 9, BRR)]
)
def test_ready_follows_enable_after_settling(register: str, bit: int, ready: int) -> None:
    clock = ManualClock()
    bus = Bus(Pwr("PWR", clock=clock, series="F429"))
    bus.set(register, bit)
    clock.advance(SETTLE - 1)
    assert not bus["CSR"] & ready
    clock.advance(1)
    assert bus["CSR"] & ready
    bus.clear(register, bit)
    clock.advance(SETTLE)
    assert not bus["CSR"] & ready


def test_a_new_voltage_scale_settles_anew_and_nothing_else_does() -> None:
    clock = ManualClock()
    bus = Bus(Pwr("PWR", clock=clock))
    clock.advance(SETTLE)
    assert bus["CSR"] & VOSRDY
    bus["CR"] = 0x4000 | 1 << 8
    assert bus["CSR"] & VOSRDY
    bus["CR"] = 0x8000
    assert not bus["CSR"] & VOSRDY
    clock.advance(SETTLE)
    assert bus["CSR"] & VOSRDY


def test_a_regulator_switched_off_while_settling_stays_off() -> None:
    clock = ManualClock()
    bus = Bus(Pwr("PWR", clock=clock))
    bus.set("CSR", 1 << 9)
    clock.advance(SETTLE // 2)
    bus.clear("CSR", 1 << 9)
    clock.advance(SETTLE)
    assert not bus["CSR"] & BRR


def test_reset_starts_over() -> None:
    clock = ManualClock()
    pwr = Pwr("PWR", clock=clock)
    bus = Bus(pwr)
    bus.set("CSR", 1 << 9)
    clock.advance(SETTLE)
    pwr.reset()
    assert (bus["CR"], bus["CSR"]) == (0x4000, 0)
    bus.set("CSR", 1 << 9)
    clock.advance(SETTLE // 2)
    pwr.reset()
    clock.advance(SETTLE // 2)
    assert bus["CSR"] == 0, "what was settling before the reset does not report after it"


def test_low_power_modes_are_told_apart_as_not_modelled() -> None:
    ledger = Ledger()
    bus = Bus(Pwr("PWR", clock=ManualClock(), ledger=ledger))
    bus["CR"] = 0x4000 | 1 << 2 | 1 << 1
    assert [entry.what for entry in ledger.entries.values()] == ["CR.PDDS"]
    assert bus["CR"] == 0x4002, "the clear bits read as zero"
