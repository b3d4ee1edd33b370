# SPDX-License-Identifier: GPL-2.0-or-later
"""RCC bus scripts: oscillators, PLLs, the clock tree, peripheral resets, reset causes (RM0090 chapters 6 and 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bus import Bus
from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.crc import Crc
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import Ledger
from stm32emu.peripherals.rcc import STARTUP, Rcc, RccF446

HSEON, HSERDY, PLLON, PLLRDY, SAION, SAIRDY = 1 << 16, 1 << 17, 1 << 24, 1 << 25, 1 << 28, 1 << 29
HSE_SOURCE = 1 << 22
DIV1, DIV2, DIV4 = 0, 4, 5


def pll(m: int, n: int, p: int, q: int, r: int = 2, source: int = HSE_SOURCE) -> int:
    return m | n << 6 | (p // 2 - 1) << 16 | source | q << 24 | r << 28


class Bench(Bus):
    def __init__(self, make: Callable[..., Rcc] = Rcc, **options: Any) -> None:
        self.clock = ManualClock()
        self.tree = ClockTree()
        self.irq = IrqLine()
        self.ledger = Ledger()
        self.changes = 0
        self.tree.listeners.append(self._changed)
        self.rcc = make("RCC", clock=self.clock, tree=self.tree, irq=self.irq, ledger=self.ledger, **options)
        super().__init__(self.rcc)

    def _changed(self) -> None:
        self.changes += 1

    def start(self, pllcfgr: int, bits: int = PLLON) -> None:
        """Start HSE, then the PLLs of `bits`, waiting for each as firmware does."""
        self.set("CR", HSEON)
        self.clock.advance(STARTUP)
        self["PLLCFGR"] = pllcfgr
        self.set("CR", bits)
        self.clock.advance(STARTUP)

    @property
    def mhz(self) -> tuple[float, ...]:
        tree = self.tree
        return tuple(hz / 1e6 for hz in (tree.sysclk, tree.hclk, tree.pclk1, tree.pclk2, tree.timclk1, tree.timclk2))


def test_out_of_reset_everything_runs_from_hsi() -> None:
    bench = Bench()
    assert (bench["CR"], bench["PLLCFGR"], bench["CFGR"]) == (0x83, 0x2400_3010, 0)
    assert bench.mhz == (16,) * 6
    assert bench.tree.pll48ck is None


def test_an_oscillator_is_ready_after_its_startup_time() -> None:
    bench = Bench()
    bench.set("CR", HSEON)
    bench.clock.advance(STARTUP - 1)
    assert not bench["CR"] & HSERDY
    bench.clock.advance(1)
    assert bench["CR"] & HSERDY
    bench.clear("CR", HSEON)
    assert not bench["CR"] & HSERDY


def test_switching_an_oscillator_off_while_it_starts_leaves_it_off() -> None:
    bench = Bench()
    bench.set("CR", HSEON)
    bench.clock.advance(STARTUP // 2)
    bench.clear("CR", HSEON)
    bench.clock.advance(STARTUP)
    assert not bench["CR"] & HSERDY


def test_a_board_without_crystal_never_gets_ready() -> None:
    bench = Bench(hse_hz=0)
    bench.start(pll(8, 336, 2, 7))
    assert not bench["CR"] & (HSERDY | PLLRDY)


def test_the_usual_168_mhz() -> None:
    bench = Bench(hse_hz=8_000_000)
    bench.start(pll(8, 336, 2, 7))
    bench["CFGR"] = DIV4 << 10 | DIV2 << 13
    bench.set("CFGR", 2)
    assert bench["CFGR"] >> 2 & 3 == 2
    assert bench.mhz == (168, 168, 42, 84, 84, 168)
    assert bench.tree.pll48ck == 48_000_000
    assert bench.ledger.entries == {}


def test_the_switch_waits_for_its_source_and_listeners_hear_each_change_once() -> None:
    bench = Bench(hse_hz=8_000_000)
    bench["CFGR"] = 1
    assert (bench["CFGR"] >> 2 & 3, bench.mhz[0], bench.changes) == (0, 16, 0)
    bench.set("CR", HSEON)
    bench.clock.advance(STARTUP)
    assert (bench["CFGR"] >> 2 & 3, bench.mhz[0], bench.changes) == (1, 8, 1)
    bench["CFGR"] = 1
    assert bench.changes == 1


def test_a_pll_enabled_before_its_source_is_ready_locks_later() -> None:
    bench = Bench(hse_hz=8_000_000)
    bench["PLLCFGR"] = pll(8, 336, 2, 7)
    bench.set("CR", HSEON | PLLON)
    bench.clock.advance(STARTUP)
    assert bench["CR"] & (HSERDY | PLLRDY) == HSERDY
    bench.clock.advance(STARTUP)
    assert bench["CR"] & PLLRDY


def test_what_feeds_sysclk_cannot_be_switched_off() -> None:
    bench = Bench(hse_hz=8_000_000)
    bench["CR"] = 0
    assert bench["CR"] & 3 == 3
    bench.start(pll(8, 336, 2, 7))
    bench["CFGR"] = 2
    bench["CR"] = 0
    assert bench["CR"] == HSEON | HSERDY | PLLON | PLLRDY
    bench["CFGR"] = 1
    bench["CR"] = 0
    assert bench["CR"] == HSEON | HSERDY
    assert bench.tree.pll48ck is None


@pytest.mark.parametrize(("m", "n"), [(0, 336), (1, 336), (8, 49), (8, 433), (8, 0)])
def test_a_pll_with_illegal_factors_never_locks(m: int, n: int) -> None:
    bench = Bench(hse_hz=8_000_000)
    bench.start(pll(m, n, 2, 7))
    assert not bench["CR"] & PLLRDY
    assert [entry.what for entry in bench.ledger.of_kind("illegal")] == [
        f"PLL started with M={m}, N={n}: it cannot lock"
    ]


@pytest.mark.parametrize(
    ("crystal", "series", "pllcfgr"),
    [
        (8, "F407", pll(8, 336, 2, 7)),
        (8, "F407", pll(4, 168, 2, 7)),
        (25, "F407", pll(25, 336, 2, 7)),
        (12, "F407", pll(6, 168, 2, 7)),
        (16, "F407", pll(16, 336, 2, 7)),
        (26, "F407", pll(26, 336, 4, 7)),
        (24, "F407", pll(24, 336, 2, 7)),
        (8, "F429", pll(8, 360, 2, 7)),  # no 48 MHz; the rated 180 MHz decides
        (25, "F429", pll(25, 360, 2, 8)),
        (8, "F469", pll(8, 384, 4, 8)),
        (10, "F407", pll(10, 100, 2, 3)),  # neither: a VCO input of 1 MHz
        (18, "F407", pll(9, 60, 2, 5)),  # of 2 MHz
        (25, "F407", pll(17, 60, 2, 5)),  # any legal one
        (8, "F407", pll(63, 50, 2, 2)),  # nothing fits
    ],
)
def test_the_crystal_is_inferred_from_the_pll(crystal: int, series: str, pllcfgr: int) -> None:
    bench = Bench(series=series)
    bench.start(pllcfgr)
    assert bench.rcc.hse_hz == crystal * 1_000_000


@pytest.mark.parametrize(
    ("hse_hz", "m", "n", "crystal"), [(None, 20, 192, 25), (None, 4, 168, 8), (25_000_000, 4, 168, 25)]
)
def test_a_crystal_once_certain_is_inferred_again_when_it_cannot_be(
    hse_hz: int | None, m: int, n: int, crystal: int
) -> None:
    """ST's start-up code, for a crystal of 25 MHz, then the firmware's own: with 8 MHz both are legal."""
    bench = Bench(hse_hz=hse_hz)
    bench.start(pll(25, 336, 2, 7))
    bench.clear("CR", PLLON)
    bench.start(pll(m, n, 2, 0))
    assert bench.rcc.hse_hz == crystal * 1_000_000


@pytest.mark.parametrize("hpre", range(16))
def test_ahb_prescaler(hpre: int) -> None:
    bench = Bench()
    bench["CFGR"] = hpre << 4
    divider = {8: 2, 9: 4, 10: 8, 11: 16, 12: 64, 13: 128, 14: 256, 15: 512}.get(hpre, 1)
    assert bench.tree.hclk == 16_000_000 // divider


@pytest.mark.parametrize("ppre", range(8))
@pytest.mark.parametrize("timpre", [0, 1])
def test_apb_prescalers_and_timer_clocks(ppre: int, timpre: int) -> None:
    """RM0090 section 6.3.24: timers run at twice the bus clock, or with TIMPRE four times, HCLK at most."""
    bench = Bench(series="F429")
    bench["DCKCFGR"] = timpre << 24
    bench["CFGR"] = ppre << 10 | ppre << 13
    divider = {4: 2, 5: 4, 6: 8, 7: 16}.get(ppre, 1)
    timer = 16 / divider * (1 if divider == 1 else 2)
    if timpre:
        timer = 16 if divider <= 4 else 16 / divider * 4
    assert bench.mhz == (16, 16, 16 / divider, 16 / divider, timer, timer)


def test_a_series_lacks_what_its_manual_lacks() -> None:
    bench = Bench(series="F407", hse_hz=8_000_000)
    bench["DCKCFGR"] = 0xFFFF_FFFF
    bench.start(pll(8, 336, 2, 7), SAION)
    assert (bench["DCKCFGR"], bench["CR"] & SAIRDY) == (0, 0)


def test_too_fast_a_sysclk_is_the_firmwares_fault() -> None:
    bench = Bench(hse_hz=8_000_000)
    bench.start(pll(8, 432, 2, 9))
    bench["CFGR"] = 2
    assert bench.tree.sysclk == 216_000_000
    assert "216000000" in bench.ledger.of_kind("illegal")[0].what


def test_48_mhz_from_pllsai() -> None:
    for make, register, bit in ((RccF446, "DCKCFGR2", 27), (Rcc, "DCKCFGR", 27)):
        bench = Bench(make, hse_hz=8_000_000, **({"series": "F469"} if make is Rcc else {}))
        bench["PLLSAICFGR"] = 4 | 96 << 6 | 1 << 16 if make is RccF446 else 192 << 6 | 1 << 16
        bench.start(pll(8, 360, 2, 7), PLLON | SAION)
        bench[register] = 1 << bit
        assert bench.tree.pll48ck == 48_000_000
        bench.clear("CR", SAION)
        assert bench.tree.pll48ck is None


def test_the_pixel_clock_is_pllsai_divided_twice() -> None:
    """A 240 by 320 panel's usual 6 MHz."""
    bench = Bench(hse_hz=8_000_000, series="F429")
    bench["PLLSAICFGR"] = 192 << 6 | 4 << 28
    bench["DCKCFGR"] = 2 << 16
    bench.start(pll(8, 360, 2, 7), PLLON | SAION)
    assert bench.tree.lcdclk == 6_000_000
    bench["DCKCFGR"] = 0
    assert bench.tree.lcdclk == 24_000_000
    bench.clear("CR", SAION)
    assert bench.tree.lcdclk is None


@pytest.mark.parametrize("make", [Rcc, RccF446])
def test_the_i2s_clock_is_plli2s_divided_once(make: type[Rcc]) -> None:
    """A codec's usual 86 MHz from a crystal of 8 MHz."""
    bench = Bench(make, hse_hz=8_000_000)
    bench["PLLI2SCFGR"] = 258 << 6 | 3 << 28 | (8 if make is RccF446 else 0)
    bench.start(pll(8, 336, 2, 7), PLLON | 1 << 26)
    assert bench.tree.i2sclk == 86_000_000
    bench.clear("CR", 1 << 26)
    assert bench.tree.i2sclk is None


def test_f446_system_clock_from_pll_r() -> None:
    bench = Bench(RccF446, hse_hz=8_000_000)
    bench.start(pll(8, 300, 2, 7, r=3))
    bench["CFGR"] = 3
    assert (bench["CFGR"] >> 2 & 3, bench.tree.sysclk) == (3, 100_000_000)


def test_ready_interrupts_rise_when_enabled_and_are_cleared_by_their_bit() -> None:
    bench = Bench(hse_hz=8_000_000)
    bench.set("CR", HSEON)
    bench.clock.advance(STARTUP)
    assert (bench["CIR"], bench.irq.level) == (0, False)
    bench["CIR"] = 1 << 12
    bench["PLLCFGR"] = pll(8, 336, 2, 7)
    bench.set("CR", PLLON)
    bench.clock.advance(STARTUP)
    assert (bench["CIR"], bench.irq.level) == (1 << 12 | 1 << 4, True)
    bench["CIR"] = 1 << 12 | 1 << 19
    assert bench.irq.level is True
    bench["CIR"] = 1 << 12 | 1 << 20
    assert (bench["CIR"], bench.irq.level) == (1 << 12, False)


@pytest.mark.parametrize(
    ("make", "series", "resets"),
    [  # AHB1, AHB2, AHB3, APB1, APB2 low-power enables, from the manuals
        (Rcc, "F407", (0x7E67_91FF, 0xF1, 0x1, 0x36FE_C9FF, 0x0007_5F33)),
        (Rcc, "F429", (0x7EEF_97FF, 0xF1, 0x1, 0xF6FE_C9FF, 0x0477_7F33)),
        (Rcc, "F469", (0x7EEF_97FF, 0xF1, 0x3, 0xF6FE_C9FF, 0x0C77_7F33)),
        (RccF446, "F446", (0x6067_90FF, 0x81, 0x3, 0x3FFF_C9FF, 0x00C7_7F33)),
    ],
)
def test_low_power_clocks_out_of_reset(make: type[Rcc], series: str, resets: tuple[int, ...]) -> None:
    bench = Bench(make, **({"series": series} if make is Rcc else {}))
    assert tuple(bench[f"{bus}LPENR"] for bus in ("AHB1", "AHB2", "AHB3", "APB1", "APB2")) == resets


def test_a_blocks_reset_bit_resets_it() -> None:
    bench = Bench()
    crc = Crc("CRC")
    bench.rcc.attach("CRC", crc)
    bench.rcc.attach("IWDG", crc)
    crc.write(4, 4, 0x55)
    bench["AHB1RSTR"] = 1 << 21
    assert crc.IDR == 0x55
    bench["AHB1RSTR"] = 1 << 12
    assert crc.IDR == 0


@pytest.mark.parametrize(
    ("block", "register", "bit"),
    [("ETH", "AHB1ENR", 25), ("GPIOK", "AHB1ENR", 10), ("RNG", "AHB2ENR", 6), ("OTG_FS", "AHB2ENR", 7),
     ("FSMC", "AHB3ENR", 0), ("USART2", "APB1ENR", 17), ("TIM14", "APB1ENR", 8), ("ADC3", "APB2ENR", 10),
     ("SYSCFG", "APB2ENR", 14)],
)  # fmt: skip
def test_clock_gates(block: str, register: str, bit: int) -> None:
    bench = Bench()
    assert not bench.rcc.enabled(block)
    bench[register] = 1 << bit
    assert bench.rcc.enabled(block)


def test_blocks_without_a_gate_are_always_clocked() -> None:
    rcc = Bench().rcc
    assert all(rcc.enabled(name) for name in ("FLASH", "IWDG", "EXTI", "DBGMCU", "RCC", "RTC"))
    heard: list[bool] = []
    rcc.on_clock("FLASH", heard.append)
    assert (heard, rcc.gate("FLASH")) == ([True], "")


def test_every_change_of_a_gate_is_heard() -> None:
    bench = Bench()
    heard: list[bool] = []
    bench.rcc.on_clock("ETH", heard.append)
    assert (heard, bench.rcc.gate("ETH")) == ([False], "RCC_AHB1ENR.ETHMACEN")
    bench["AHB1ENR"] = 1 << 25
    bench["AHB1ENR"] = 1 << 25 | 1
    bench["AHB1ENR"] = 1
    bench["AHB1ENR"] = 1 << 25
    bench.rcc.reset()
    assert heard == [False, True, False, True, False]


def test_reset_flags_survive_reset_until_removed() -> None:
    bench = Bench()
    assert bench["CSR"] == 0x0E00_0000
    bench["CSR"] = 1 << 24
    assert bench["CSR"] == 0
    bench.rcc.note_reset("software")
    bench.rcc.reset()
    assert bench["CSR"] == 0x1400_0000
    bench.rcc.note_reset("iwdg")
    bench.rcc.reset()
    assert bench["CSR"] == 0x3400_0000


def test_lsi_gets_ready_and_stops_at_reset() -> None:
    bench = Bench()
    bench.set("CSR", 1)
    bench.clock.advance(STARTUP)
    assert bench["CSR"] & 3 == 3
    bench.rcc.reset()
    assert bench["CSR"] & 3 == 0


def test_reset_goes_back_to_hsi_and_forgets_what_was_starting() -> None:
    bench = Bench(hse_hz=8_000_000, series="F429")
    bench.start(pll(8, 336, 2, 7))
    bench["CFGR"] = 2
    bench["PLLSAICFGR"] = 192 << 6
    bench.set("CR", SAION)
    bench.clock.advance(STARTUP // 2)
    bench.rcc.reset()
    assert bench.mhz == (16,) * 6
    assert bench.tree.pll48ck is None
    bench.clock.advance(2 * STARTUP)
    assert bench["CR"] == 0x83


def test_the_backup_domain_survives_reset_but_not_its_own() -> None:
    bench = Bench()
    bench["BDCR"] = 1 << 15 | 1 << 8 | 1
    bench.clock.advance(STARTUP)
    bench.rcc.reset()
    assert bench["BDCR"] == 1 << 15 | 1 << 8 | 3
    bench["BDCR"] = 1 << 16 | 1 << 15 | 1
    assert bench["BDCR"] == 1 << 16


def test_lse_goes_on_starting_through_a_reset() -> None:
    bench = Bench()
    bench["BDCR"] = 1
    bench.rcc.reset()
    bench.clock.advance(STARTUP)
    assert bench["BDCR"] == 3


def test_the_backup_domain_is_write_protected() -> None:
    bench = Bench(backup_unlocked=lambda: False)
    bench["BDCR"] = 1
    assert bench["BDCR"] == 0
    assert bench.ledger.of_kind("illegal")[0].what == "BDCR written with PWR_CR.DBP clear"


def test_reconfiguring_a_running_pll_is_the_firmwares_fault() -> None:
    bench = Bench(hse_hz=8_000_000)
    bench.start(pll(8, 336, 2, 7))
    bench["PLLCFGR"] = pll(8, 168, 2, 4)
    assert bench.ledger.of_kind("illegal")[0].what == "PLLCFGR written while the PLL is on"


@pytest.mark.parametrize("late", [pll(0, 50, 2, 7, source=0), pll(8, 200, 2, 7, source=0)])
def test_reconfiguring_a_pll_that_starts_changes_nothing(late: int) -> None:
    bench = Bench()
    bench["PLLCFGR"] = pll(16, 200, 2, 4, source=0)
    bench.set("CR", PLLON)
    bench["PLLCFGR"] = late
    bench.clock.advance(STARTUP)
    bench["PLLCFGR"] = pll(16, 200, 2, 4, source=0)
    bench["CFGR"] = 2
    assert bench.mhz[0] == 100
    assert bench.ledger.of_kind("illegal")


def test_the_rtcs_clock() -> None:
    """Each source of RTCSEL while it runs; HSE by RTCPRE, whose values below 2 mean none (section 6.3.3)."""
    bench = Bench(hse_hz=8_000_000)
    assert bench.tree.rtcclk is None
    bench["BDCR"] = 1 << 15 | 1 << 8 | 1
    assert bench.tree.rtcclk is None
    bench.clock.advance(STARTUP)
    assert bench.tree.rtcclk == 32_768
    bench["BDCR"] = 1 << 16
    bench["BDCR"] = 1 << 15 | 2 << 8
    bench["CSR"] = 1
    bench.clock.advance(STARTUP)
    assert bench.tree.rtcclk == 32_000
    bench["CSR"] = 0
    assert bench.tree.rtcclk is None
    bench["BDCR"] = 1 << 16
    bench["BDCR"] = 1 << 15 | 3 << 8
    bench.set("CR", HSEON)
    bench.clock.advance(STARTUP)
    bench["CFGR"] = 1 << 16
    assert bench.tree.rtcclk is None
    bench["CFGR"] = 8 << 16
    assert bench.tree.rtcclk == 1_000_000
    bench["BDCR"] = 3 << 8
    assert bench.tree.rtcclk is None


def test_the_rtcs_source_is_chosen_once() -> None:
    bench = Bench()
    resets: list[int] = []
    bench.rcc.on_backup_reset = lambda: resets.append(1)
    bench["BDCR"] = 2 << 8
    bench["BDCR"] = 1 << 15 | 1 << 8
    assert bench["BDCR"] == 1 << 15 | 2 << 8
    assert bench.ledger.of_kind("illegal")[0].what == "RTCSEL changed without a reset of the backup domain"
    bench["BDCR"] = 1 << 16
    bench["BDCR"] = 1 << 8
    assert (bench["BDCR"], resets) == (1 << 8, [1])
