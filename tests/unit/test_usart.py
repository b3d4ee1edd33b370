# SPDX-License-Identifier: GPL-2.0-or-later
"""USART bus scripts: baud-accurate flags, clear sequences, interrupts, DMA requests (RM0090 chapter 30)."""

from __future__ import annotations

from typing import Any

import pytest

from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import Ledger
from stm32emu.peripherals.usart import Usart

SR, DR, BRR, CR1, CR2, CR3 = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14
TXE, TC, RXNE, IDLE, ORE = 0x80, 0x40, 0x20, 0x10, 0x08
UE, TE, RE, M, PCE, PS, OVER8 = 1 << 13, 8, 4, 1 << 12, 1 << 10, 1 << 9, 1 << 15
BIT = 139  # 16 MHz / 115200
FRAME = 10 * BIT


class Bench:
    """A USART on a 16 MHz bus with everything it says recorded."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.tree = ClockTree()
        self.irq = IrqLine()
        self.ledger = Ledger()
        self.out: list[tuple[int, int]] = []
        self.usart = Usart(
            "USART2",
            clock=self.clock,
            tree=self.tree,
            bus="pclk1",
            irq=self.irq,
            ledger=self.ledger,
            on_byte=lambda byte: self.out.append((self.clock.now, byte)),
            **options,
        )

    def on(self, cr1: int = 0, brr: int = BIT) -> Bench:
        """Enable both directions and let the preamble pass, so that time starts at a round frame."""
        self[BRR] = brr
        self[CR1] = UE | TE | RE | cr1
        self.clock.advance(self.usart.frame_cycles())
        return self

    def __getitem__(self, offset: int) -> int:
        return self.usart.read(offset, 4)

    def __setitem__(self, offset: int, value: int) -> None:
        self.usart.write(offset, 4, value)


def test_reset_values() -> None:
    bench = Bench()
    assert [bench[offset] for offset in range(0, 0x1C, 4)] == [0xC0, 0, 0, 0, 0, 0, 0]


def test_first_byte_goes_straight_to_the_shift_register_second_waits() -> None:
    bench = Bench().on()
    start = bench.clock.now
    assert bench[SR] == TXE | TC
    bench[DR] = ord("A")
    assert bench[SR] == TXE  # TC went by the read of SR and the write to DR
    bench[DR] = ord("B")
    assert bench[SR] == 0
    bench.clock.advance(FRAME - 1)
    assert bench[SR] == 0
    assert bench.out == []
    bench.clock.advance(1)
    assert bench[SR] == TXE
    bench.clock.advance(FRAME)
    assert bench[SR] == TXE | TC
    assert bench.out == [(start + FRAME, ord("A")), (start + 2 * FRAME, ord("B"))]


def test_tc_stays_set_when_sr_was_not_read() -> None:
    bench = Bench().on()
    bench[DR] = 1
    assert bench[SR] & TC
    bench[SR] = 0xFFFF_FFFF & ~TC
    assert not bench[SR] & TC


def test_setting_te_sends_an_idle_frame_before_the_first_byte() -> None:
    bench = Bench()
    bench[BRR] = BIT
    bench[CR1] = UE | TE
    bench[DR] = 0x55
    assert not bench[SR] & TXE
    bench.clock.advance(FRAME)
    assert bench[SR] & TXE
    bench.clock.advance(FRAME)
    assert bench.out == [(2 * FRAME, 0x55)]


@pytest.mark.parametrize(
    ("cr1", "cr2", "brr", "cycles"),
    [
        (0, 0, 139, 1390),
        (M, 0, 139, 1529),
        (0, 1 << 12, 139, 1321),  # half a stop bit, rounded up
        (0, 2 << 12, 139, 1529),
        (0, 3 << 12, 139, 1460),
        (OVER8, 0, 0x113, 1390),  # mantissa 17, fraction 3 of 8: 139 clocks per bit
        (OVER8, 0, 0x11B, 1390),  # bit 3 of the fraction is ignored
        (0, 0, 0xFFFF, 655350),
    ],
)
def test_frame_length(cr1: int, cr2: int, brr: int, cycles: int) -> None:
    bench = Bench()
    bench[CR2] = cr2
    bench.on(cr1, brr)
    assert bench.usart.frame_cycles() == cycles
    start = bench.clock.now
    bench[DR] = 7
    bench.clock.advance(cycles)
    assert bench.out == [(start + cycles, 7)]


def test_time_is_in_cpu_cycles_of_a_faster_core() -> None:
    bench = Bench()
    bench.tree.hclk, bench.tree.pclk1 = 168_000_000, 42_000_000
    bench.on(brr=365)
    assert bench.usart.frame_cycles() == 10 * 365 * 4


def test_write_with_transmitter_off_is_lost_and_counted() -> None:
    bench = Bench()
    bench[BRR] = BIT
    for cr1 in (0, UE, TE):
        bench[CR1] = cr1
        bench[DR] = 1
    bench[CR1] = UE | TE
    bench.clock.advance(10 * FRAME)
    assert bench.out == []
    assert [entry.count for entry in bench.ledger.of_kind("illegal")] == [3]


@pytest.mark.parametrize("brr", [0, 1, 15])
def test_no_baud_rate_no_transmission(brr: int) -> None:
    bench = Bench().on(brr=brr)
    bench[DR] = 1
    bench.clock.advance(1_000_000)
    assert bench.out == []
    assert len(bench.ledger.of_kind("illegal")) == 1
    bench[BRR] = BIT
    bench.clock.advance(2 * FRAME)
    assert [byte for _, byte in bench.out] == [1]


def test_clearing_te_loses_the_frame_clearing_ue_lets_it_end() -> None:
    bench = Bench().on()
    bench[DR] = 1
    bench[CR1] = UE
    bench.clock.advance(2 * FRAME)
    assert bench.out == []
    bench.on()
    bench[DR] = 2
    bench[CR1] = TE | RE
    bench.clock.advance(2 * FRAME)
    assert [byte for _, byte in bench.out] == [2]


def test_break_is_sent_and_cleared_by_hardware() -> None:
    bench = Bench().on()
    bench[DR] = 1
    bench[CR1] = bench[CR1] | 1
    bench.clock.advance(FRAME)
    assert bench[CR1] & 1
    bench.clock.advance(FRAME)
    assert not bench[CR1] & 1
    assert [byte for _, byte in bench.out] == [1]


def test_receive_at_baud_rate() -> None:
    bench = Bench().on()
    bench.usart.feed(b"hi")
    bench.clock.advance(FRAME - 1)
    assert not bench[SR] & RXNE
    bench.clock.advance(1)
    assert bench[SR] & RXNE
    assert bench[DR] == ord("h")
    assert not bench[SR] & RXNE
    bench.clock.advance(FRAME)
    assert bench[DR] == ord("i")


def test_the_host_may_send_before_the_receiver_is_on() -> None:
    bench = Bench()
    bench.usart.feed(0x41)
    bench.clock.advance(5 * FRAME)
    bench.on()
    bench.clock.advance(FRAME)
    assert bench[DR] == 0x41


def test_late_reader_overruns_and_keeps_the_older_byte() -> None:
    bench = Bench().on()
    bench.usart.feed(b"abc")
    bench.clock.advance(2 * FRAME)
    assert bench[SR] & (RXNE | ORE) == RXNE | ORE
    assert bench[DR] == ord("a")
    assert not bench[SR] & ORE
    bench.clock.advance(FRAME)
    assert bench[DR] == ord("c")


def test_dr_without_sr_does_not_clear_overrun() -> None:
    bench = Bench().on()
    bench.usart.feed(b"ab")
    bench.clock.advance(2 * FRAME)
    assert bench[DR] == ord("a")
    assert bench[SR] & (RXNE | ORE) == ORE


def test_idle_comes_once_one_frame_after_the_last_byte() -> None:
    bench = Bench().on()
    bench.usart.feed(b"ab")
    bench.clock.advance(FRAME)
    assert bench[DR] == ord("a")
    bench.clock.advance(2 * FRAME - 1)
    assert not bench[SR] & IDLE
    bench.clock.advance(1)
    assert bench[SR] & IDLE
    assert bench[DR] == ord("b")
    bench.clock.advance(10 * FRAME)
    assert not bench[SR] & IDLE


def test_a_byte_soon_after_the_last_puts_idle_off() -> None:
    bench = Bench().on()
    bench.usart.feed(1)
    bench.clock.advance(FRAME + FRAME // 2)
    bench.usart.feed(2)
    bench.clock.advance(FRAME)
    assert not bench[SR] & IDLE
    bench.clock.advance(FRAME)
    assert bench[SR] & IDLE


@pytest.mark.parametrize(
    ("cr1", "fed", "read"),
    [
        (0, 0xC1, 0xC1),
        (PCE, 0x41, 0x41),
        (PCE | PS, 0x41, 0xC1),
        (M, 0x1C1, 0x1C1),
        (M | PCE, 0xC1, 0x1C1),
        (M | PCE | PS, 0xC1, 0xC1),
    ],
)
def test_parity_bit_as_read(cr1: int, fed: int, read: int) -> None:
    bench = Bench().on(cr1)
    bench.usart.feed(fed)
    bench.clock.advance(2 * FRAME)
    assert bench[DR] == read


def test_seven_data_bits_out_with_parity() -> None:
    bench = Bench().on(PCE)
    bench[DR] = 0xC1
    bench.clock.advance(FRAME)
    assert [byte for _, byte in bench.out] == [0x41]


@pytest.mark.parametrize(
    ("cr1", "cr3", "flags"),
    [(0x80, 0, TXE), (0x40, 0, TC), (0x20, 0, RXNE | ORE), (0x10, 0, IDLE), (0x100, 0, 1), (0, 0x41, 14), (0, 1, 0)],
)
def test_interrupt_enables(cr1: int, cr3: int, flags: int) -> None:
    bench = Bench()
    bench[CR3] = cr3
    raising = 0
    for bit in range(10):
        bench.usart.words[0] = 1 << bit
        bench[CR1] = cr1
        raising |= bench.irq.level << bit
    assert raising == flags


def test_receive_interrupt_falls_with_the_read() -> None:
    bench = Bench().on(0x20)
    bench.usart.feed(1)
    bench.clock.advance(FRAME)
    assert bench.irq.level
    assert bench[DR] == 1
    assert not bench.irq.level


def test_dma_requests_follow_txe_and_rxne() -> None:
    bench = Bench().on()
    usart = bench.usart
    bench[CR3] = 0xC0
    assert usart.dma_tx.level
    assert not usart.dma_rx.level
    bench[DR] = 1
    assert usart.dma_tx.level
    bench[DR] = 2
    assert not usart.dma_tx.level
    usart.feed(3)
    bench.clock.advance(FRAME)
    assert usart.dma_tx.level
    assert usart.dma_rx.level
    assert bench[DR] == 3
    assert not usart.dma_rx.level
    bench[CR3] = 0
    assert not usart.dma_tx.level


def test_half_duplex_hears_itself() -> None:
    bench = Bench().on()
    bench[CR3] = 8
    bench[DR] = 0x5A
    bench.clock.advance(FRAME)
    assert bench[SR] & RXNE
    assert bench[DR] == 0x5A


def test_rxne_is_cleared_by_writing_zero_and_read_only_flags_are_not_written() -> None:
    bench = Bench().on()
    bench.usart.feed(b"ab")
    bench.clock.advance(2 * FRAME)
    bench[SR] = 0
    assert bench[SR] & (RXNE | ORE | TXE | TC) == ORE | TXE


def test_uart_has_no_synchronous_or_modem_bits() -> None:
    bench = Bench(uart_only=True)
    bench[CR2], bench[CR3] = 0xFFFF_FFFF, 0xFFFF_FFFF
    assert (bench[CR2], bench[CR3]) == (0x706F, 0x08CF)


def test_reset_stops_everything_and_keeps_the_host_waiting() -> None:
    bench = Bench().on(0x80)
    bench[DR] = 1
    bench.usart.feed(2)
    assert bench.irq.level
    bench.usart.reset()
    bench.clock.advance(5 * FRAME)
    assert not bench.irq.level
    assert bench.out == []
    assert bench[SR] == 0xC0
    bench.on()
    bench.clock.advance(FRAME)
    assert bench[DR] == 2


def test_polling_sr_may_be_skipped_reading_dr_may_not() -> None:
    plain = Usart.plain_reads()
    assert plain[SR >> 2]
    assert not plain[DR >> 2]


@pytest.mark.parametrize("cr1", [0, M, M | PCE])
def test_eight_data_bits_out(cr1: int) -> None:
    bench = Bench().on(cr1)
    bench[DR] = 0xC1
    bench.clock.advance(2 * FRAME)
    assert [byte for _, byte in bench.out] == [0xC1]
