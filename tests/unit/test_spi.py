# SPDX-License-Identifier: GPL-2.0-or-later
"""SPI bus scripts: frames, flags, overrun, mode fault, interrupts and DMA requests (RM0090 chapter 28)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import Ledger
from stm32emu.peripherals.peripheral import PLAIN
from stm32emu.peripherals.spi import Spi

CR1, CR2, SR, DR = 0x00, 0x04, 0x08, 0x0C
MASTER = 1 << 9 | 1 << 8 | 1 << 6 | 1 << 2  # SSM, SSI, SPE, MSTR
DFF, RXONLY, BIDIMODE, BIDIOE = 1 << 11, 1 << 10, 1 << 15, 1 << 14
RXNE, TXE, MODF, OVR, BSY = 1, 2, 0x20, 0x40, 0x80
FRAME = 16  # 8 bits at half the clock


class Bench:
    """A master whose device inverts what it hears."""

    def __init__(self, device: Callable[[int], int] = lambda frame: ~frame) -> None:
        self.clock = ManualClock()
        self.irq = IrqLine()
        self.ledger = Ledger()
        self.spi = Spi(
            "SPI1", clock=self.clock, tree=ClockTree(), bus="pclk2", irq=self.irq, ledger=self.ledger, device=device
        )

    def __getitem__(self, offset: int) -> int:
        return self.spi.read(offset, 4)

    def __setitem__(self, offset: int, value: int) -> None:
        self.spi.write(offset, 4, value)


def test_one_frame() -> None:
    bench = Bench()
    assert bench[SR] == TXE
    bench[CR1] = MASTER
    bench[DR] = 0x0F
    assert bench[SR] == TXE | BSY
    bench.clock.advance(FRAME - 1)
    assert bench[SR] == TXE | BSY
    bench.clock.advance(1)
    assert bench[SR] == TXE | RXNE
    assert bench[DR] == 0xF0
    assert bench[SR] == TXE


def test_second_frame_waits_and_follows_without_a_gap() -> None:
    bench = Bench()
    bench[CR1] = MASTER
    bench[DR] = 1
    bench[DR] = 2
    assert bench[SR] == BSY
    bench.clock.advance(FRAME)
    assert bench[SR] == BSY | TXE | RXNE
    assert bench[DR] == 0xFE
    bench.clock.advance(FRAME)
    assert bench[DR] == 0xFD


@pytest.mark.parametrize(("cr1", "cycles"), [(0, 16), (DFF, 32), (7 << 3, 8 * 256), (DFF | 2 << 3, 16 * 8)])
def test_frame_length(cr1: int, cycles: int) -> None:
    bench = Bench()
    bench[CR1] = MASTER | cr1
    bench[DR] = 0
    bench.clock.advance(cycles - 1)
    assert bench[SR] & BSY
    bench.clock.advance(1)
    assert not bench[SR] & BSY


def test_without_a_device_miso_is_high() -> None:
    clock = ManualClock()
    spi = Spi("SPI1", clock=clock, tree=ClockTree(), bus="pclk2", irq=IrqLine())
    for cr1, answer in ((MASTER, 0xFF), (MASTER | DFF, 0xFFFF)):
        spi.write(CR1, 4, cr1)
        spi.write(DR, 2, 0)
        clock.advance(100)
        assert spi.read(DR, 2) == answer


def test_sixteen_bits() -> None:
    bench = Bench()
    bench[CR1] = MASTER | DFF
    bench[DR] = 0x1234
    bench.clock.advance(2 * FRAME)
    assert bench[DR] == 0xEDCB


def test_what_is_written_before_spe_is_sent_after() -> None:
    bench = Bench()
    bench[DR] = 1
    bench.clock.advance(100)
    assert bench[SR] == 0
    bench[CR1] = MASTER
    bench.clock.advance(FRAME)
    assert bench[DR] == 0xFE


def test_overrun_keeps_the_first_and_is_cleared_by_dr_then_sr() -> None:
    bench = Bench()
    bench[CR1] = MASTER
    for value in (1, 2):
        bench[DR] = value
        bench.clock.advance(FRAME)
    assert bench[SR] & OVR
    assert bench[SR] & OVR
    assert bench[DR] == 0xFE
    assert bench[SR] & OVR
    assert not bench[SR] & OVR


def test_receive_only_clocks_by_itself_until_nobody_reads() -> None:
    heard = iter(range(1, 100))
    bench = Bench(lambda _frame: next(heard))
    bench[CR1] = MASTER | RXONLY
    for value in (1, 2):
        bench.clock.advance(FRAME)
        assert bench[DR] == value
    bench.clock.advance(10 * FRAME)
    assert bench[SR] & OVR
    assert bench.clock.next_due() is None


def test_one_wire_transmitter_hears_nothing() -> None:
    bench = Bench()
    bench[CR1] = MASTER | BIDIMODE | BIDIOE
    bench[DR] = 1
    bench.clock.advance(FRAME)
    assert bench[SR] == TXE


def test_one_wire_receiver_is_not_busy() -> None:
    bench = Bench()
    bench[CR1] = MASTER | BIDIMODE
    assert bench[SR] == TXE
    bench.clock.advance(FRAME)
    assert bench[SR] == TXE | RXNE


@pytest.mark.parametrize(("cr2", "raising"), [(0x80, TXE), (0x40, RXNE), (0x20, MODF | OVR | 0x10)])
def test_interrupt_enables(cr2: int, raising: int) -> None:
    bench = Bench()
    found = 0
    for bit in range(8):
        bench.spi.words[2] = 1 << bit
        bench[CR2] = cr2
        found |= bench.irq.level << bit
    assert found == raising


def test_dma_requests() -> None:
    bench = Bench()
    bench[CR1] = MASTER
    bench[CR2] = 3
    assert bench.spi.dma_tx.level
    bench[DR] = 1
    bench[DR] = 2
    assert not bench.spi.dma_tx.level
    bench.clock.advance(FRAME)
    assert bench.spi.dma_tx.level
    assert bench.spi.dma_rx.level
    bench[DR]
    assert not bench.spi.dma_rx.level


def test_master_with_nss_low_faults() -> None:
    bench = Bench()
    bench[CR1] = MASTER & ~(1 << 8)
    assert bench[SR] & MODF
    assert bench[CR1] & 0x44 == 0
    bench[CR1] = MASTER
    assert not bench[SR] & MODF


def test_slave_mode_is_said_not_to_work() -> None:
    bench = Bench()
    bench[CR1] = 1 << 6
    assert [entry.what for entry in bench.ledger.of_kind("unmodelled")] == ["slave mode"]


def test_reset() -> None:
    bench = Bench()
    bench[CR1] = MASTER
    bench[DR] = 1
    bench.spi.reset()
    bench.clock.advance(100)
    assert bench[SR] == TXE


def test_a_master_that_is_off_neither_shifts_nor_complains() -> None:
    bench = Bench()
    bench[CR1] = MASTER & ~(1 << 6)
    bench[DR] = 1
    bench.clock.advance(100)
    assert bench[SR] == 0
    assert bench.ledger.entries == {}


def test_the_status_is_plain_unless_reading_it_clears_something() -> None:
    bench = Bench()
    plain = []
    bench[CR1] = MASTER
    for step in (lambda: None, lambda: bench[DR], lambda: bench[SR]):
        step()
        plain.append(bench.spi.plain[SR >> 2])
        bench[DR] = 0
        bench[DR] = 0
        bench.clock.advance(2 * FRAME)
    assert plain == [PLAIN, 0, PLAIN]
    bench[CR1] = 1 << 9 | 1 << 2  # NSS low: a mode fault
    assert bench.spi.plain[SR >> 2] == 0


I2SCFGR, I2SPR = 0x1C, 0x20
CHSIDE, I2SE, I2SMOD, SENDS, RECEIVES = 4, 1 << 10, 1 << 11, 2 << 8, 3 << 8


@pytest.mark.parametrize(
    ("length", "prescaler", "cycles"),
    [
        (0, 2, 16 * 4),
        (0, 0x102, 16 * 5),
        (0, 0x202, 16 * 4 * 8),  # MCKOE: 256 master clocks in a frame of two channels
        (1, 2, 32 * 4),
        (1, 0x202, 32 * 4 * 4),
        (5, 2, 16 * 4),  # 32 bits in two halfwords
        (2, 0x202, 16 * 4 * 4),  # and their channels are that long whatever CHLEN says
    ],
)
def test_i2s_asks_for_a_halfword_at_its_rate(length: int, prescaler: int, cycles: int) -> None:
    bench = Bench()
    bench.spi.tree.i2sclk = 16_000_000
    bench[I2SPR] = prescaler
    bench[CR2] = 2
    bench[I2SCFGR] = I2SMOD | I2SE | SENDS | length
    bench[DR] = 1
    bench[DR] = 2
    assert (bench[SR] & TXE, bench.spi.dma_tx.level) == (0, False)
    bench.clock.advance(cycles - 1)
    assert bench[SR] & (TXE | BSY) == BSY
    bench.clock.advance(1)
    assert (bench[SR] & TXE, bench.spi.dma_tx.level) == (TXE, True)
    bench.clock.advance(cycles)
    assert bench[SR] & (TXE | BSY) == TXE


I2S_SIDES = [(0, [0, CHSIDE] * 2), (5, [0, 0, CHSIDE, CHSIDE])]


@pytest.mark.parametrize(("length", "sides"), I2S_SIDES)
def test_i2s_asks_for_left_and_right_in_turn(length: int, sides: list[int]) -> None:
    """As soon as there is room for it, also when it was switched off on the way and then starts again."""
    bench = Bench()
    bench.spi.tree.i2sclk = 16_000_000
    for _ in range(2):
        bench[I2SCFGR] = I2SMOD | I2SE | SENDS | length
        seen = []
        for _ in (*sides, 0):
            assert bench[SR] & TXE
            seen.append(bench[SR] & CHSIDE)
            bench[DR] = 0
            if not bench[SR] & TXE:
                bench.clock.advance(16 * 4)
        assert seen == [*sides, 0]
        bench[I2SCFGR] = I2SMOD | SENDS | length
        bench.clock.advance(1000)
        assert bench[SR] & (CHSIDE | BSY) == 0


@pytest.mark.parametrize(("length", "sides"), I2S_SIDES)
def test_i2s_tells_which_side_it_received(length: int, sides: list[int]) -> None:
    bench = Bench()
    bench.spi.tree.i2sclk = 16_000_000
    bench[I2SCFGR] = I2SMOD | I2SE | RECEIVES | length
    for side in sides:
        assert bench[SR] & BSY == 0
        bench.clock.advance(16 * 4)
        assert bench[SR] & (RXNE | CHSIDE) == RXNE | side
        bench[DR]


def test_i2s_receives_without_being_asked_and_stops_when_it_is_off() -> None:
    bench = Bench(lambda _frame: 0x1234)
    bench.spi.tree.i2sclk = 16_000_000
    bench[I2SCFGR] = I2SMOD | I2SE | RECEIVES
    for _ in range(3):
        bench.clock.advance(16 * 4)
        assert bench[SR] & (RXNE | OVR) == RXNE
        assert bench[DR] == 0x1234
    bench[I2SCFGR] = I2SMOD | RECEIVES
    bench.clock.advance(16 * 4)
    assert (bench[DR], bench[SR] & (RXNE | BSY | CHSIDE)) == (0x1234, 0)
    bench.clock.advance(1000)
    assert bench[SR] & RXNE == 0


def test_i2s_without_a_clock_or_as_a_slave_waits() -> None:
    bench = Bench()
    bench[I2SCFGR] = I2SMOD | I2SE | SENDS
    bench[DR] = 1
    bench.clock.advance(10_000)
    assert bench[SR] & TXE == 0
    bench[I2SCFGR] = I2SMOD | I2SE
    assert [each.what for each in bench.ledger.of_kind("unmodelled")] == ["I2S slave mode"]
