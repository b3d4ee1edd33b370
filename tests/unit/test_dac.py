# SPDX-License-Identifier: GPL-2.0-or-later
"""DAC bus scripts: alignments, software and timer triggers, DMA (RM0090 chapter 14)."""

from __future__ import annotations

import pytest

from bus import Bus
from stm32emu.peripherals.dac import Dac
from stm32emu.peripherals.irq import Trigger
from stm32emu.peripherals.ledger import Ledger

EN, TEN, SOFTWARE, TIM7, EXTI9, DMAEN, WAVE = 1, 4, 7 << 3, 2 << 3, 6 << 3, 1 << 12, 1 << 6


class Bench(Bus):
    def __init__(self) -> None:
        self.trgo = Trigger()
        self.ledger = Ledger()
        self.outputs: list[tuple[int, int]] = []
        self.dac = Dac(
            "DAC",
            triggers={"TIM7_TRGO": self.trgo},
            on_output=lambda channel, value: self.outputs.append((channel, value)),
            ledger=self.ledger,
        )
        super().__init__(self.dac)


@pytest.mark.parametrize(
    ("register", "word", "outputs"),
    [
        ("DHR12R1", 0xABC, (0xABC, 0)), ("DHR12L1", 0xABC0, (0xABC, 0)), ("DHR8R1", 0xAB, (0xAB0, 0)),
        ("DHR12R2", 0xABC, (0, 0xABC)), ("DHR12L2", 0xABC0, (0, 0xABC)), ("DHR8R2", 0xAB, (0, 0xAB0)),
        ("DHR12RD", 0x0DEF_0ABC, (0xABC, 0xDEF)), ("DHR12LD", 0xDEF0_ABC0, (0xABC, 0xDEF)),
        ("DHR8RD", 0xDEAB, (0xAB0, 0xDE0)),
    ],
)  # fmt: skip
def test_alignments(register: str, word: int, outputs: tuple[int, int]) -> None:
    bench = Bench()
    bench["CR"] = EN | EN << 16
    bench[register] = word
    assert (bench["DOR1"], bench["DOR2"]) == outputs
    assert bench[register] == word
    assert bench["DHR12RD"] == outputs[0] | outputs[1] << 16
    assert bench.outputs == [(n, value) for n, value in enumerate(outputs) if value]


def test_software_trigger() -> None:
    bench = Bench()
    bench["CR"] = (EN | TEN | SOFTWARE) << 16 | EN | TEN | TIM7
    bench["DHR12RD"] = 0x0222_0111
    assert (bench["DOR1"], bench["DOR2"]) == (0, 0)
    bench["SWTRIGR"] = 3
    assert (bench["DOR1"], bench["DOR2"], bench["SWTRIGR"]) == (0, 0x222, 0)


def test_timer_trigger_and_dma() -> None:
    """The request comes with the trigger, so that DMA brings the value of the next one; software asks for none."""
    bench = Bench()
    requests: list[bool] = []
    bench.dac.dma_dac1.sink = requests.append
    bench["CR"] = EN | TEN | TIM7 | DMAEN
    assert bench.trgo.wanted
    bench["DHR12R1"] = 0x123
    bench.trgo.pulse()
    assert (bench["DOR1"], requests) == (0x123, [True, False])
    bench["CR"] = TEN | TIM7 | DMAEN
    assert not bench.trgo.wanted
    bench["CR"] = EN | TEN | TIM7
    bench.dac.reset()
    assert (bench.trgo.wanted, bench["DOR1"]) == (False, 0)


def test_an_output_that_is_off_tells_nothing() -> None:
    bench = Bench()
    bench["DHR12R1"] = 5
    assert (bench["DOR1"], bench.outputs) == (5, [])


def test_what_is_not_modelled_is_counted() -> None:
    bench = Bench()
    bench["CR"] = EN | TEN | EXTI9 | WAVE
    assert [each.what for each in bench.ledger.of_kind("unmodelled")] == ["CR.WAVE1", "trigger by EXTI9"]
