# SPDX-License-Identifier: GPL-2.0-or-later
"""SYSCFG and EXTI bus scripts, alone and wired to ports as in a chip (RM0090 chapters 9 and 12)."""

from __future__ import annotations

import pytest

from bus import Bus
from stm32emu.peripherals.exti import ETH_WKUP, LINES, PVD, RTC_WKUP, Exti
from stm32emu.peripherals.gpio import Gpio
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import Ledger
from stm32emu.peripherals.syscfg import Syscfg

SINGLE = [f"exti{n}_irq" for n in range(5)]
INTERNAL = ["pvd_irq", "rtc_alarm_irq", "otg_fs_wkup_irq", "eth_wkup_irq", "otg_hs_wkup_irq", "tamp_stamp_irq"]
OUTPUTS = [*SINGLE, "exti9_5_irq", "exti15_10_irq", *INTERNAL, "rtc_wkup_irq"]


class Bench(Bus):
    def __init__(self) -> None:
        self.irqs = {name: IrqLine() for name in OUTPUTS}
        self.events = 0
        self.exti = Exti("EXTI", **self.irqs, on_event=self._event)
        super().__init__(self.exti)

    def _event(self) -> None:
        self.events += 1

    @property
    def active(self) -> list[str]:
        return [name for name, line in self.irqs.items() if line.level]


def _output(line: int) -> str:
    shared = {**dict.fromkeys(range(5, 10), "exti9_5_irq"), **dict.fromkeys(range(10, 16), "exti15_10_irq")}
    return shared.get(line) or OUTPUTS[line if line < 5 else line - 9]


@pytest.mark.parametrize("line", range(LINES))
def test_each_line_reaches_its_interrupt(line: int) -> None:
    bench = Bench()
    bench["RTSR"] = bench["IMR"] = 1 << line
    bench.exti.drive(line, 1)
    assert (bench["PR"], bench.active) == (1 << line, [_output(line)])
    bench["PR"] = 1 << line
    assert (bench["PR"], bench.active) == (0, [])


@pytest.mark.parametrize(("rising", "falling", "seen"), [(0, 0, 0b00), (1, 0, 0b01), (0, 1, 0b10), (1, 1, 0b11)])
def test_selected_edges_only(rising: int, falling: int, seen: int) -> None:
    bench = Bench()
    bench["RTSR"], bench["FTSR"] = rising, falling
    pending = 0
    for n, level in enumerate((1, 0)):
        bench.exti.drive(0, level)
        pending |= bench["PR"] << n
        bench["PR"] = 1
        bench.exti.drive(0, level)
        assert bench["PR"] == 0, "a level that does not change is no edge"
    assert pending == seen


def test_a_masked_line_pends_and_fires_when_unmasked() -> None:
    bench = Bench()
    bench["RTSR"] = 1 << 7
    bench.exti.drive(7, 1)
    assert (bench["PR"], bench.active) == (1 << 7, [])
    bench["IMR"] = 1 << 7
    assert bench.active == ["exti9_5_irq"]


def test_a_shared_output_stays_high_until_its_last_line_is_cleared() -> None:
    bench = Bench()
    bench["RTSR"] = bench["IMR"] = 1 << 10 | 1 << 15
    bench.exti.drive(10, 1)
    bench.exti.drive(15, 1)
    bench["PR"] = 1 << 10
    assert bench.active == ["exti15_10_irq"]
    bench["PR"] = 1 << 15
    assert bench.active == []


def test_software_triggers_need_the_mask_and_are_cleared_through_pr() -> None:
    bench = Bench()
    bench["SWIER"] = 1 << 2
    assert bench["PR"] == 0
    bench = Bench()
    bench["IMR"] = 1 << 2 | 1 << 3
    bench["SWIER"] = 1 << 2
    assert (bench["PR"], bench["SWIER"], bench.active) == (1 << 2, 1 << 2, ["exti2_irq"])
    bench["PR"] = 1 << 2
    assert (bench["PR"], bench["SWIER"]) == (0, 0)
    bench["SWIER"] = 1 << 2
    assert bench["PR"] == 1 << 2


def test_events_come_with_edges_enabled_in_emr() -> None:
    bench = Bench()
    bench["RTSR"] = bench["FTSR"] = 1 << ETH_WKUP
    bench.exti.drive(ETH_WKUP, 1)
    assert bench.events == 0
    bench["EMR"] = 1 << ETH_WKUP
    bench.exti.drive(ETH_WKUP, 0)
    assert (bench.events, bench.active) == (1, [])


def test_reset_masks_and_clears_everything() -> None:
    bench = Bench()
    bench["RTSR"] = bench["IMR"] = 1 << PVD | 1 << RTC_WKUP
    bench.exti.drive(PVD, 1)
    bench.exti.reset()
    assert (bench["PR"], bench["IMR"], bench.active) == (0, 0, [])


def test_memory_remap_is_told_when_it_changes() -> None:
    modes: list[int] = []
    syscfg = Syscfg("SYSCFG", on_remap=modes.append)
    bus = Bus(syscfg)
    bus["MEMRMP"] = 3
    bus["MEMRMP"] = 3
    syscfg.reset()
    assert modes == [3, 0]


def test_external_memory_at_address_zero_is_unmodelled() -> None:
    ledger = Ledger()
    Bus(Syscfg("SYSCFG", ledger=ledger))["MEMRMP"] = 2
    assert [each.what for each in ledger.of_kind("unmodelled")] == ["external memory at address 0"]


def test_phy_interface_and_compensation_cell() -> None:
    syscfg = Syscfg("SYSCFG")
    bus = Bus(syscfg)
    bus["PMC"] = 1 << 23
    assert (bus["PMC"], syscfg.MII_RMII_SEL) == (1 << 23, 1)
    bus["CMPCR"] = 1
    assert bus["CMPCR"] == 0x101
    bus["CMPCR"] = 0
    assert bus["CMPCR"] == 0


@pytest.mark.parametrize("line", range(16))
@pytest.mark.parametrize("port", "ABCDEFGHIJK")
def test_exticr_selects_the_port_of_each_line(line: int, port: str) -> None:
    heard: list[tuple[int, int]] = []
    syscfg = Syscfg("SYSCFG", on_line=lambda line, level: heard.append((line, level)))
    bus = Bus(syscfg)
    bus[f"EXTICR{line // 4 + 1}"] = (ord(port) - ord("A")) << 4 * (line % 4)
    for letter in "ABCDEFGHIJK":
        if letter != port:
            syscfg.pin(letter)(line, 1)
    assert heard == []
    syscfg.pin(port)(line, 1)
    syscfg.pin(port)(line, 0)
    assert heard == [(line, 1), (line, 0)]


def test_selecting_another_port_is_an_edge_when_its_level_differs() -> None:
    heard: list[tuple[int, int]] = []
    syscfg = Syscfg("SYSCFG", on_line=lambda line, level: heard.append((line, level)))
    syscfg.pin("C")(13, 1)
    Bus(syscfg)["EXTICR4"] = 2 << 4
    assert heard == [(13, 1)]
    syscfg.reset()
    assert heard == [(13, 1), (13, 0)]


def test_a_button_from_pin_to_interrupt() -> None:
    bench = Bench()
    syscfg = Syscfg("SYSCFG", on_line=bench.exti.drive)
    port = Gpio("GPIOC", on_input=syscfg.pin("C"))
    Bus(port)["PUPDR"] = 1 << 26
    Bus(syscfg)["EXTICR4"] = 2 << 4
    bench["IMR"] = bench["FTSR"] = 1 << 13
    assert bench.active == []
    port.drive(13, 0)
    assert bench.active == ["exti15_10_irq"]
