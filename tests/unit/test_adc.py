# SPDX-License-Identifier: GPL-2.0-or-later
"""ADC bus scripts: single, scanned, continuous and injected conversions, watchdog, overrun, DMA (RM0090 chapter 13)."""

from __future__ import annotations

import pytest

from stm32emu.peripherals.adc import AdcBlock
from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.irq import IrqLine, Trigger
from stm32emu.peripherals.ledger import Ledger

SR, CR1, CR2, SMPR1, SMPR2, JOFR1, HTR, LTR, SQR1, SQR2, SQR3, JSQR, JDR1, JDR2, DR = (
    0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x24, 0x28, 0x2C, 0x30, 0x34, 0x38, 0x3C, 0x40, 0x4C,
)  # fmt: skip
CSR, CCR = 0x300, 0x304
AWD, EOC, JEOC, JSTRT, STRT, OVR = 1, 2, 4, 8, 16, 32
ADON, CONT, DMA, DDS, EOCS, ALIGN, JSWSTART, SWSTART = 1, 2, 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 22, 1 << 30
SCAN = 1 << 8
ONE = 2 * (3 + 12)  # cycles of a conversion: ADCCLK is half of PCLK2


class Bench:
    """The block at 16 MHz; ADC1's input n reads 0x100 + n."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.irq = IrqLine()
        self.block = AdcBlock("ADC", clock=self.clock, tree=ClockTree(), irq=self.irq)
        self.block.converters[0].inputs.update({n: 0x100 + n for n in range(16)})

    def __getitem__(self, offset: int) -> int:
        return self.block.read(offset, 4)

    def __setitem__(self, offset: int, value: int) -> None:
        self.block.write(offset, 4, value)


def test_one_conversion() -> None:
    bench = Bench()
    bench[SQR3] = 5
    bench[CR2] = ADON
    bench[CR2] = ADON | SWSTART
    assert bench[CR2] == ADON
    assert bench[SR] == STRT
    bench.clock.advance(ONE - 1)
    assert bench[SR] == STRT
    bench.clock.advance(1)
    assert bench[SR] == STRT | EOC
    assert bench[CSR] == STRT | EOC
    assert bench[DR] == 0x105
    assert bench[SR] == STRT


def test_nothing_without_power() -> None:
    bench = Bench()
    bench[CR2] = SWSTART
    bench.clock.advance(1000)
    assert bench[SR] == 0


@pytest.mark.parametrize(
    ("cr1", "smpr2", "ccr", "cycles"), [(0, 0, 0, 30), (0, 7, 0, 984), (1 << 24, 0, 0, 26), (0, 1, 3 << 16, 216)]
)
def test_conversion_time(cr1: int, smpr2: int, ccr: int, cycles: int) -> None:
    bench = Bench()
    bench[CR1], bench[SMPR2], bench[CCR] = cr1, smpr2, ccr
    bench[CR2] = ADON | SWSTART
    bench.clock.advance(cycles - 1)
    assert not bench[SR] & EOC
    bench.clock.advance(1)
    assert bench[SR] & EOC


@pytest.mark.parametrize(
    ("res", "align", "read"),
    [
        (0, 0, 0xABC),
        (1, 0, 0x2AF),
        (2, 0, 0xAB),
        (3, 0, 0x2A),
        (0, ALIGN, 0xABC0),
        (2, ALIGN, 0xAB00),
        (3, ALIGN, 0xA8),
    ],
)
def test_resolution_and_alignment(res: int, align: int, read: int) -> None:
    bench = Bench()
    bench.block.converters[0].inputs[0] = 0xABC
    bench[CR1] = res << 24
    bench[CR2] = ADON | SWSTART | align
    bench.clock.advance(ONE)
    assert bench[DR] == read


def test_scan_tells_each_or_the_end() -> None:
    for eocs, first in ((EOCS, EOC), (0, 0)):
        bench = Bench()
        bench[CR1], bench[SQR1], bench[SQR3] = SCAN, 1 << 20, 2 << 5 | 1
        bench[CR2] = ADON | SWSTART | eocs
        bench.clock.advance(ONE)
        assert bench[SR] & EOC == first
        assert bench[DR] == 0x101
        bench.clock.advance(ONE)
        assert bench[SR] & EOC
        assert bench[DR] == 0x102
        assert bench.clock.next_due() is None


def test_continuous_pauses_while_nobody_reads() -> None:
    bench = Bench()
    bench[CR2] = ADON | SWSTART | CONT
    bench.clock.advance(ONE)
    assert bench.clock.next_due() is None
    assert bench[DR] == 0x100
    assert not bench[SR] & EOC
    bench.block.converters[0].inputs[0] = 7
    bench.clock.advance(ONE)
    assert bench[DR] == 7


def test_interrupt_is_shared() -> None:
    bench = Bench()
    bench[0x100 + CR1] = 1 << 5
    bench[0x100 + CR2] = ADON | SWSTART
    bench.clock.advance(ONE)
    assert bench.irq.level
    assert bench[CSR] == (STRT | EOC) << 8
    assert bench[0x100 + DR] == 0
    assert not bench.irq.level


def test_overrun_with_eocs() -> None:
    bench = Bench()
    bench[CR1] = 1 << 26
    bench[CR2] = ADON | SWSTART | CONT | EOCS
    bench.clock.advance(2 * ONE)
    assert bench[SR] & OVR
    assert bench.irq.level
    assert bench.clock.next_due() is None
    bench[SR] = ~OVR & 0xFFFF_FFFF
    assert not bench.irq.level


def test_dma_requests() -> None:
    bench = Bench()
    bench[CR2] = ADON | SWSTART | CONT | DMA | DDS
    bench.clock.advance(ONE)
    assert bench.block.dma_adc1.level
    assert bench[DR] == 0x100
    assert not bench.block.dma_adc1.level
    bench.clock.advance(2 * ONE)
    assert bench[SR] & OVR
    assert not bench.block.dma_adc1.level


def test_dma_that_has_ended_is_no_overrun_without_dds() -> None:
    bench = Bench()
    bench[CR2] = ADON | SWSTART | CONT | DMA
    bench.clock.advance(3 * ONE)
    assert not bench[SR] & OVR
    assert not bench.block.dma_adc1.level


def test_injected() -> None:
    bench = Bench()
    bench[CR1] = 1 << 7
    bench[JOFR1] = 0x10
    bench[JSQR] = 1 << 20 | 4 << 15 | 3 << 10
    bench[CR2] = ADON | JSWSTART
    assert bench[SR] == JSTRT
    bench.clock.advance(2 * ONE)
    assert bench[SR] == JSTRT | JEOC
    assert bench.irq.level
    assert (bench[JDR1], bench[JDR2]) == (0xF3, 0x104)


@pytest.mark.parametrize(("low", "high", "single", "flag"), [(0, 0xFFF, 0, 0), (0x101, 0xFFF, 0, AWD),
                                                             (0, 0xFF, 0, AWD), (0, 0xFF, 1 << 9 | 3, 0)])  # fmt: skip
def test_watchdog(low: int, high: int, single: int, flag: int) -> None:
    bench = Bench()
    bench[LTR], bench[HTR], bench[CR1] = low, high, 1 << 23 | single
    bench[CR2] = ADON | SWSTART
    bench.clock.advance(ONE)
    assert bench[SR] & AWD == flag


def test_internal_inputs_have_plausible_readings() -> None:
    bench = Bench()
    bench[SQR3] = 17
    bench[CR2] = ADON | SWSTART
    bench.clock.advance(ONE)
    assert 1.18 < 3.3 * bench[DR] / 4096 < 1.24  # VREFINT, in the data sheet's limits


def test_switching_off_and_reset_stop_conversions() -> None:
    for stop in (lambda bench: bench.__setitem__(CR2, 0), lambda bench: bench.block.reset()):
        bench = Bench()
        bench[CR2] = ADON | SWSTART
        stop(bench)
        bench.clock.advance(ONE)
        assert not bench[SR] & EOC


def test_inputs_from_ten_on_have_their_own_sample_time() -> None:
    bench = Bench()
    bench[SMPR1], bench[SQR3] = 1, 10
    bench[CR2] = ADON | SWSTART
    bench.clock.advance(2 * (15 + 12) - 1)
    assert not bench[SR] & EOC
    bench.clock.advance(1)
    assert bench[DR] == 0x10A


def test_a_small_part_has_one_converter() -> None:
    block = AdcBlock("ADC", clock=ManualClock(), tree=ClockTree(), irq=IrqLine(), converters=1)
    block.write(0x100 + CR2, 4, ADON)
    assert block.read(0x100 + CR2, 4) == 0
    block.write(CR2, 4, ADON)
    assert block.read(CR2, 4) == ADON


def test_external_triggers() -> None:
    """TIM3's TRGO starts the regular sequence, TIM2's the injected one; a trigger during a conversion is lost."""
    regular, injected = Trigger(), Trigger()
    bench = Bench()
    adc = bench.block.converters[0]
    adc.triggers = {"TIM3_TRGO": regular, "TIM2_TRGO": injected}
    bench[SQR3] = 5
    bench[CR2] = ADON | 1 << 28 | 8 << 24 | 1 << 20 | 3 << 16
    assert (regular.wanted, injected.wanted) == (True, True)
    regular.pulse()
    regular.pulse()
    bench.clock.advance(ONE)
    assert (bench[SR], bench[DR]) == (STRT | EOC, 0x105)
    bench.clock.advance(ONE)
    assert not bench[SR] & EOC
    injected.pulse()
    bench.clock.advance(ONE)
    assert bench[SR] & (JSTRT | JEOC) == JSTRT | JEOC
    bench[CR2] = 0
    assert (regular.wanted, injected.wanted) == (False, False)
    bench[CR2] = ADON | 1 << 28 | 8 << 24
    bench.block.reset()
    assert not regular.wanted


def test_a_trigger_without_a_model_is_counted() -> None:
    bench = Bench()
    ledger = Ledger()
    bench.block.converters[0].ledger = ledger
    bench[CR2] = ADON | 1 << 28 | 15 << 24
    assert [each.what for each in ledger.of_kind("unmodelled")] == ["trigger by EXTI11"]
