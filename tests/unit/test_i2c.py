# SPDX-License-Identifier: GPL-2.0-or-later
"""I2C bus scripts as HAL plays them: absent devices, writes, the three ways to read, interrupts (RM0090 chapter 27)."""

from __future__ import annotations

import pytest

from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.i2c import I2c
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import Ledger

CR1, CR2, DR, SR1, SR2, CCR = 0x00, 0x04, 0x10, 0x14, 0x18, 0x1C
PE, START, STOP, ACK, POS = 1, 1 << 8, 1 << 9, 1 << 10, 1 << 11
SB, ADDR, BTF, RXNE, TXE, AF = 1, 2, 4, 0x40, 0x80, 0x400
MSL, BUSY, TRA = 1, 2, 4
BIT = 160  # 16 MHz / 100 kHz
BYTE = 9 * BIT


class Memory:
    """A device that counts up when read and keeps what it is told; it refuses `refused`."""

    def __init__(self, refused: int = -1) -> None:
        self.log: list[str | int] = []
        self.refused = refused
        self.next = 0

    def start(self, read: bool) -> bool:
        self.log.append("read" if read else "write")
        return True

    def write(self, byte: int) -> bool:
        self.log.append(byte)
        return byte != self.refused

    def read(self) -> int:
        self.next += 1
        return self.next

    def stop(self) -> None:
        self.log.append("stop")


class Bench:
    """A master at 100 kHz with a device at 0x50."""

    def __init__(self, refused: int = -1) -> None:
        self.clock = ManualClock()
        self.event, self.error = IrqLine(), IrqLine()
        self.i2c = I2c("I2C1", clock=self.clock, tree=ClockTree(), ev_irq=self.event, er_irq=self.error)
        self.device = Memory(refused)
        self.i2c.attach(0x50, self.device)
        self[CCR] = 80
        self[CR1] = PE

    def __getitem__(self, offset: int) -> int:
        return self.i2c.read(offset, 4)

    def __setitem__(self, offset: int, value: int) -> None:
        self.i2c.write(offset, 4, value)

    def call(self, address: int, cr1: int = 0) -> None:
        """Start and address; the acknowledge or its absence is then in SR1."""
        self[CR1] = PE | START | cr1
        self.clock.advance(BIT)
        assert self[SR1] == SB
        self[DR] = address
        assert self[SR1] == 0
        self.clock.advance(BYTE)

    def clear_addr(self) -> None:
        assert self[SR1] & ADDR
        assert self[SR2] & (MSL | BUSY) == MSL | BUSY


def test_absent_device_is_not_acknowledged() -> None:
    bench = Bench()
    bench.call(0x42)
    assert bench[SR1] == AF
    bench[SR1] = ~AF & 0xFFFF_FFFF
    bench[CR1] = PE | STOP
    bench.clock.advance(BIT)
    assert (bench[SR1], bench[SR2], bench[CR1]) == (0, 0, PE)


def test_start_takes_a_bit_and_an_address_nine() -> None:
    bench = Bench()
    bench[CR1] = PE | START
    bench.clock.advance(BIT - 1)
    assert bench[SR1] == 0
    bench.clock.advance(1)
    assert bench[SR1] == SB
    bench[DR] = 0xA0
    bench.clock.advance(BYTE - 1)
    assert bench[SR1] == 0
    bench.clock.advance(1)
    assert bench[SR1] == ADDR


def test_write_two_bytes() -> None:
    bench = Bench()
    bench.call(0xA0)
    bench.clear_addr()
    assert bench[SR1] == TXE
    assert bench[SR2] == MSL | BUSY | TRA
    bench[DR] = 0x11
    assert bench[SR1] == TXE
    bench[DR] = 0x22
    assert bench[SR1] == 0
    bench.clock.advance(BYTE)
    assert bench[SR1] == TXE
    bench.clock.advance(BYTE)
    assert bench[SR1] == TXE | BTF
    bench[CR1] = PE | STOP
    bench.clock.advance(BIT)
    assert (bench[SR1], bench[SR2]) == (0, 0)
    assert bench.device.log == ["write", 0x11, 0x22, "stop"]


def test_a_refused_byte() -> None:
    bench = Bench(refused=0x11)
    bench.call(0xA0)
    bench.clear_addr()
    bench[DR] = 0x11
    bench.clock.advance(BYTE)
    assert bench[SR1] & (AF | BTF) == AF


def test_read_one_byte() -> None:
    bench = Bench()
    bench.call(0xA1)
    bench[CR1] = PE
    bench.clear_addr()
    bench[CR1] = PE | STOP
    bench.clock.advance(BYTE)
    assert bench[SR1] == RXNE
    bench.clock.advance(BIT)
    assert bench[DR] == 1
    assert bench[SR2] == 0
    assert bench.device.next == 1


def test_read_two_bytes_with_pos() -> None:
    bench = Bench()
    bench.call(0xA1, ACK | POS)
    bench.clear_addr()
    bench[CR1] = PE | POS
    bench.clock.advance(10 * BYTE)
    assert bench[SR1] == RXNE | BTF
    bench[CR1] = PE | POS | STOP
    assert [bench[DR], bench[DR]] == [1, 2]
    bench.clock.advance(BIT)
    assert bench[SR2] == 0
    assert bench.device.next == 2


def test_read_many_bytes_stretching() -> None:
    bench = Bench()
    bench.call(0xA1, ACK)
    bench.clear_addr()
    got = []
    for _ in range(2):
        bench.clock.advance(BYTE)
        assert bench[SR1] == RXNE
        got.append(bench[DR])
    bench.clock.advance(20 * BYTE)  # bytes 3 and 4 wait, the clock is held
    assert bench[SR1] == RXNE | BTF
    bench[CR1] = PE  # the fifth shall be the last
    got.append(bench[DR])
    assert bench[SR1] == RXNE
    bench[CR1] = PE | STOP
    bench.clock.advance(BYTE)
    got.append(bench[DR])
    assert got == [1, 2, 3, 4]


def test_repeated_start() -> None:
    bench = Bench()
    bench.call(0xA0)
    bench.clear_addr()
    bench[DR] = 7
    bench.clock.advance(BYTE)
    bench.call(0xA1, ACK)
    bench.clear_addr()
    bench.clock.advance(BYTE)
    assert bench[DR] == 1
    assert bench.device.log == ["write", 7, "read"]


@pytest.mark.parametrize(("cr2", "event", "error"), [(0x200, 0x1F, 0), (0x600, 0xDF, 0), (0x100, 0, 0xDF00)])
def test_interrupt_enables(cr2: int, event: int, error: int) -> None:
    bench = Bench()
    found = [0, 0]
    for bit in (*range(5), 6, 7, 8, 9, 10, 11, 12, 14, 15):
        bench.i2c.SR1 = 1 << bit
        bench[CR2] = cr2
        found[0] |= bench.event.level << bit
        found[1] |= bench.error.level << bit
    assert found == [event, error]


def test_dma_requests() -> None:
    bench = Bench()
    bench[CR2] = 1 << 11
    bench.call(0xA0)
    bench.clear_addr()
    assert bench.i2c.dma_tx.level
    bench[DR] = 1
    bench[DR] = 2
    assert not bench.i2c.dma_tx.level


def test_software_reset_frees_the_bus() -> None:
    bench = Bench()
    bench.call(0xA0)
    bench[CR1] = 1 << 15
    assert (bench[SR1], bench[SR2], bench[CCR]) == (0, 0, 0)
    bench[CR1] = 0
    assert bench[CR1] == 0


def test_switching_off_drops_the_transfer() -> None:
    bench = Bench()
    bench.call(0xA0)
    bench[CR1] = 0
    assert (bench[SR1], bench[SR2]) == (0, 0)


@pytest.mark.parametrize(("ccr", "count"), [(80, 0), (0, 1)])
def test_a_clock_control_of_zero_is_illegal(ccr: int, count: int) -> None:
    bench = Bench()
    bench.i2c.ledger = ledger = Ledger()
    bench[CCR] = ccr
    bench[CR1] = PE | START
    bench.clock.advance(BIT)
    assert bench[SR1] == SB
    assert len(ledger.of_kind("illegal")) == count
