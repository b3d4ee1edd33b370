# SPDX-License-Identifier: GPL-2.0-or-later
"""DMA bus scripts: directions, FIFO packing, circular and double buffers, flags, locks, errors (RM0090 chapter 10)."""

from __future__ import annotations

import pytest

from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.dma import ITEM_CYCLES, Dma
from stm32emu.peripherals.dma_requests import REQUESTS, connect
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import Ledger
from stm32emu.peripherals.memory import BusError, FlatMemory
from stm32emu.peripherals.usart import Usart

RAM = 0x2000_0000
PORT = 0x4000_4404
OWN = 0x4002_6400
LISR, HISR, LIFCR, HIFCR = 0x00, 0x04, 0x08, 0x0C
CR, NDTR, PAR, M0AR, M1AR, FCR = range(0x10, 0x28, 4)
EN, TCIE, CIRC, PINC, MINC, DBM, CT = 1, 1 << 4, 1 << 8, 1 << 9, 1 << 10, 1 << 18, 1 << 19
TO_PERIPHERAL, COPY = 1 << 6, 2 << 6
FIFO = 4
FEIF, TEIF, HTIF, TCIF = 0x01, 0x08, 0x10, 0x20


class Bus:
    """RAM, one peripheral register whose reads count up from 0x11 and whose writes are recorded, the controller."""

    dma: Dma

    def __init__(self) -> None:
        self.ram = FlatMemory(RAM, 0x1000)
        self.written: list[bytes] = []
        self.value = 0x10

    def read(self, address: int, length: int) -> bytes:
        if address == PORT:
            self.value += 1
            return self.value.to_bytes(length, "little")
        if OWN <= address < OWN + 0x400:
            return self.dma.read(address - OWN, length).to_bytes(length, "little")
        return self.ram.read(address, length)

    def write(self, address: int, data: bytes) -> None:
        if address == PORT:
            self.written.append(data)
        elif OWN <= address < OWN + 0x400:
            self.dma.write(address - OWN, len(data), int.from_bytes(data, "little"))
        else:
            self.ram.write(address, data)


class Bench:
    """A controller, its bus, and its streams' interrupt lines; `stream` is where `[register]` goes."""

    def __init__(self, stream: int = 0, *, memory_to_memory: bool = True) -> None:
        self.clock = ManualClock()
        self.bus = Bus()
        self.irqs = [IrqLine() for _ in range(8)]
        self.ledger = Ledger()
        self.dma = Dma("DMA2", clock=self.clock, irqs=self.irqs, memory=self.bus, ledger=self.ledger,
                       memory_to_memory=memory_to_memory)  # fmt: skip
        self.bus.dma = self.dma
        self.stream = stream

    def _offset(self, register: int) -> int:
        return register + (0x18 * self.stream if register >= CR else 0)

    def __getitem__(self, register: int) -> int:
        return self.dma.read(self._offset(register), 4)

    def __setitem__(self, register: int, value: int) -> None:
        self.dma.write(self._offset(register), 4, value)

    def start(self, cr: int, count: int, *, source: int = PORT, target: int = RAM, fcr: int = 0) -> None:
        self[NDTR], self[PAR], self[M0AR], self[FCR] = count, source, target, fcr
        self[CR] = cr | EN

    def ask(self, times: int, line: IrqLine | None = None) -> None:
        line = line or self.dma.request(self.stream, 0)
        for _ in range(times):
            line.pulse()
            self.clock.advance(100)

    @property
    def ram(self) -> bytearray:
        return self.bus.ram.data


def test_reset_values() -> None:
    bench = Bench(3)
    assert [bench[register] for register in range(CR, CR + 0x18, 4)] == [0, 0, 0, 0, 0, 0x21]


def test_peripheral_to_memory_item_by_item() -> None:
    bench = Bench()
    bench.start(MINC | TCIE, 4)
    line = bench.dma.request(0, 0)
    bench.ask(1, line)
    assert (bench[NDTR], bench.ram[:2], bench[LISR]) == (3, b"\x11\0", 0)
    bench.ask(1, line)
    assert bench[LISR] == HTIF
    assert not bench.irqs[0].level
    bench.ask(2, line)
    assert bench[LISR] == HTIF | TCIF
    assert bench.irqs[0].level
    assert bench[CR] & EN == 0
    assert bench.ram[:5] == b"\x11\x12\x13\x14\0"
    bench[LIFCR] = TCIF
    assert bench[LISR] == HTIF
    assert not bench.irqs[0].level
    bench.ask(1, line)
    assert bench.ram[4] == 0


def test_memory_to_peripheral_moves_while_the_level_is_high() -> None:
    bench = Bench()
    bench.ram[:6] = b"abcdef"
    line = bench.dma.request(0, 5)
    line.set(True)
    bench.start(TO_PERIPHERAL | MINC | 5 << 25 | 1 << 11, 3)  # PSIZE 16 bits
    assert bench.bus.written == [b"ab"]
    bench.clock.advance(ITEM_CYCLES)
    assert bench.bus.written == [b"ab", b"cd"]
    line.set(False)
    line.set(True)
    bench.clock.advance(ITEM_CYCLES)
    assert bench.bus.written == [b"ab", b"cd", b"ef"]
    bench.clock.advance(100)
    assert bench.bus.written == [b"ab", b"cd", b"ef"]


def test_another_channel_or_a_disabled_stream_is_not_served() -> None:
    bench = Bench()
    bench.ask(1)
    bench.start(MINC | 2 << 25, 1)
    bench.ask(1)
    assert bench[NDTR] == 1
    bench.ask(1, bench.dma.request(0, 2))
    assert bench[NDTR] == 0


@pytest.mark.parametrize(("psize", "msize", "fth"), [(0, 2, 0), (0, 2, 3), (0, 1, 1), (2, 0, 3), (1, 2, 1), (0, 0, 2)])
def test_fifo_packs_and_unpacks(psize: int, msize: int, fth: int) -> None:
    cr, count = MINC | psize << 11 | msize << 13, 8
    bench = Bench()
    bench.start(cr, count, fcr=FIFO | fth)
    bench.ask(count)
    inward = b"".join((0x11 + n).to_bytes(1 << psize, "little") for n in range(count))
    assert bench.ram[: len(inward) + 1] == inward + b"\0"
    bench = Bench()
    bench.ram[:32] = range(32)
    bench.start(cr | TO_PERIPHERAL, count, fcr=FIFO | fth)
    bench.ask(count)
    assert b"".join(bench.bus.written) == bytes(range(count << psize))
    assert {len(item) for item in bench.bus.written} == {1 << psize}


def test_fifo_level_and_threshold() -> None:
    bench = Bench()
    bench.start(MINC | 2 << 13, 16, fcr=FIFO | 1)  # threshold one half: 8 bytes
    levels = []
    for _ in range(8):
        levels.append(bench[FCR] >> 3 & 7)
        bench.ask(1)
    assert levels == [4, 0, 0, 0, 1, 1, 1, 1]
    assert bench[FCR] >> 3 & 7 == 4
    assert bench.ram[7] == 0x18


def test_half_transfer_waits_for_memory() -> None:
    bench = Bench()
    bench.start(MINC, 20, fcr=FIFO | 3)
    line = bench.dma.request(0, 0)
    bench.ask(15, line)
    assert bench[LISR] == 0
    bench.ask(1, line)
    assert bench[LISR] == HTIF


def test_a_burst_answers_one_request() -> None:
    bench = Bench()
    bench.start(MINC | 1 << 21, 6, fcr=FIFO | 3)
    bench.ask(1)
    assert bench[NDTR] == 2
    bench.ask(1)
    assert bench[NDTR] == 0


def test_burst_that_does_not_fit_the_threshold_is_a_fifo_error() -> None:
    bench = Bench()
    bench.start(MINC | 2 << 23 | 2 << 13, 8, fcr=FIFO | 0x80 | 3)  # 8 beats of 4 bytes
    assert bench[LISR] == FEIF
    assert bench.irqs[0].level
    assert not bench[CR] & EN


def test_circular_starts_over() -> None:
    bench = Bench()
    bench.start(MINC | CIRC, 2)
    bench.ask(3)
    assert bench.ram[:3] == b"\x13\x12\0"
    assert bench[NDTR] == 1
    assert bench[LISR] == HTIF | TCIF
    assert bench[CR] & EN


def test_double_buffer_alternates_and_the_idle_address_may_change() -> None:
    bench = Bench()
    bench[M1AR] = RAM + 16
    bench.start(MINC | DBM, 2)
    line = bench.dma.request(0, 0)
    bench.ask(2, line)
    assert bench[CR] & CT
    bench[M0AR] = RAM + 32
    bench[M1AR] = RAM + 48  # in use: ignored
    bench.ask(4, line)
    assert bench.ram[:2] == b"\x11\x12"
    assert bench.ram[16:18] == b"\x13\x14"
    assert bench.ram[32:34] == b"\x15\x16"
    assert len(bench.ledger.of_kind("illegal")) == 1


def test_registers_are_locked_while_enabled() -> None:
    bench = Bench()
    bench.start(MINC, 4)
    bench[NDTR], bench[PAR], bench[M0AR], bench[FCR] = 9, 1, 2, FIFO | 0x83
    bench[CR] = EN | TCIE | CIRC
    assert (bench[NDTR], bench[PAR], bench[M0AR], bench[FCR]) == (4, PORT, RAM, 0xA0)
    assert bench[CR] == MINC | EN | TCIE


def test_disabling_midway_flushes_and_tells() -> None:
    bench = Bench()
    bench.start(MINC | TCIE, 8, fcr=FIFO | 3)
    bench.ask(3)
    assert bench.ram[0] == 0
    bench[CR] = bench[CR] & ~EN
    assert bench.ram[:4] == b"\x11\x12\x13\0"
    assert (bench[NDTR], bench[LISR]) == (5, TCIF)
    assert bench.irqs[0].level


def test_enabling_again_reloads_the_count() -> None:
    bench = Bench()
    bench.start(MINC, 2)
    bench.ask(2)
    bench[LIFCR] = 0x3D
    bench[CR] = MINC | EN
    assert bench[NDTR] == 2


@pytest.mark.parametrize("target", [RAM + 0xFFF, 0x1000_0000])
def test_bus_error_stops_the_stream(target: int) -> None:
    bench = Bench()
    bench.start(MINC | 4, 4, target=target)
    bench.ask(2)
    assert bench[LISR] & TEIF
    assert bench.irqs[0].level
    assert not bench[CR] & EN


def test_copy_takes_its_time() -> None:
    bench = Bench()
    bench.ram[:64] = range(64)
    bench.start(COPY | PINC | MINC | TCIE | 2 << 11 | 2 << 13, 16, source=RAM, target=RAM + 0x100)
    assert bench[CR] & EN
    bench.clock.advance(3 * ITEM_CYCLES)
    assert bench[NDTR] == 13
    assert bench.ram[0x100:0x110] == bytes(range(12)) + bytes(4)
    bench.clock.advance(5 * ITEM_CYCLES)
    assert bench[LISR] == HTIF
    bench.clock.advance(8 * ITEM_CYCLES - 1)
    assert not bench.irqs[0].level
    bench.clock.advance(1)
    assert bench.irqs[0].level
    assert bench.ram[0x100:0x141] == bytes(range(64)) + b"\0"
    assert bench[CR] & EN == 0
    assert bench.clock.next_due() is None


def test_copy_of_one_and_of_the_largest_count() -> None:
    bench = Bench()
    bench.ram[0] = 7
    bench.start(COPY | PINC | MINC, 1, source=RAM, target=RAM + 1)
    bench.clock.advance(ITEM_CYCLES)
    assert bench.ram[1] == 7
    bench[LIFCR] = 0x3D
    bench.bus.ram = FlatMemory(RAM, 0x20000)
    bench.ram[:65535] = b"x" * 65535
    bench.start(COPY | PINC | MINC, 65535, source=RAM, target=RAM + 0x10000)
    bench.clock.advance(65535 * ITEM_CYCLES)
    assert bench.ram[0x10000:] == b"x" * 65535 + b"\0"


def test_copy_from_one_word_fills() -> None:
    bench = Bench()
    bench.ram[:4] = b"\1\2\3\4"
    bench.start(COPY | MINC | 2 << 11 | 2 << 13, 3, source=RAM, target=RAM + 0x10)
    bench.clock.advance(1000)
    assert bench.ram[0x10:0x20] == b"\1\2\3\4" * 3 + bytes(4)


def test_copy_stopped_midway_has_copied_what_time_allowed() -> None:
    bench = Bench()
    bench.ram[:8] = b"abcdefgh"
    bench.start(COPY | PINC | MINC, 8, source=RAM, target=RAM + 0x10)
    bench.clock.advance(3 * ITEM_CYCLES)
    bench[CR] = 0
    bench.clock.advance(1000)
    assert bench.ram[0x10:0x18] == b"abc" + bytes(5)
    assert (bench[NDTR], bench[LISR]) == (5, TCIF)


def test_copy_stopped_beyond_the_half_goes_on() -> None:
    bench = Bench()
    bench.start(COPY | PINC | MINC, 100, source=RAM, target=RAM + 0x100, fcr=7)
    bench.clock.advance(60 * ITEM_CYCLES)
    bench[CR] &= ~EN
    bench[LIFCR] = 0x3D
    assert bench[NDTR] == 40
    bench[CR] |= EN
    bench.clock.advance(39 * ITEM_CYCLES)
    assert not bench[LISR] & TCIF
    bench.clock.advance(ITEM_CYCLES)
    assert (bench[NDTR], bench[CR] & EN, bench[LISR] & TCIF) == (0, 0, TCIF)


def test_the_first_controller_cannot_copy() -> None:
    bench = Bench(memory_to_memory=False)
    bench.start(COPY | PINC | MINC, 8, source=RAM, target=RAM + 0x10)
    assert bench[LISR] == TEIF
    assert len(bench.ledger.of_kind("illegal")) == 1


@pytest.mark.parametrize(
    ("stream", "register", "shift"),
    [
        (0, LISR, 0),
        (1, LISR, 6),
        (2, LISR, 16),
        (3, LISR, 22),
        (4, HISR, 0),
        (5, HISR, 6),
        (6, HISR, 16),
        (7, HISR, 22),
    ],
)
def test_flag_positions(stream: int, register: int, shift: int) -> None:
    bench = Bench(stream)
    bench.start(MINC | TCIE, 1)
    bench.ask(1)
    assert bench[register] == (HTIF | TCIF) << shift
    assert [line.level for line in bench.irqs] == [n == stream for n in range(8)]
    bench[LIFCR if register == LISR else HIFCR] = 0x3D << shift
    assert (bench[LISR], bench[HISR]) == (0, 0)


@pytest.mark.parametrize(("levels", "order"), [((0, 0), [1, 2]), ((0, 1), [2, 1]), ((3, 2), [1, 2])])
def test_priority(levels: tuple[int, int], order: list[int]) -> None:
    """Stream 0 is served at once; two requests that come meanwhile wait for the arbiter."""
    bench = Bench()
    served: list[int] = []
    for stream, level in ((0, 0), (1, levels[0]), (2, levels[1])):
        bench.stream = stream
        bench.start(MINC | TCIE | level << 16, 1)
        bench.irqs[stream].sink = lambda _level, stream=stream: served.append(stream)  # type: ignore[misc]
    lines = [bench.dma.request(stream, 0) for stream in range(3)]

    def both(_level: bool) -> None:
        served.append(0)
        lines[1].pulse()
        lines[2].pulse()

    bench.irqs[0].sink = both
    lines[0].pulse()
    bench.clock.advance(100)
    assert served == [0, *order]


def test_a_stuck_request_shares_time_instead_of_hanging() -> None:
    bench = Bench()
    bench.start(CIRC | TO_PERIPHERAL, 1)
    bench.dma.request(0, 0).set(True)
    bench.clock.advance(10 * ITEM_CYCLES)
    assert len(bench.bus.written) == 11


def test_reset_stops_streams() -> None:
    bench = Bench()
    bench.start(COPY | PINC | MINC | TCIE, 8, source=RAM, target=RAM + 0x10)
    bench.dma.reset()
    assert bench.clock.next_due() is None
    assert bench[CR] == 0


def test_the_request_table() -> None:
    assert REQUESTS["USART2_TX"] == (("DMA1", 6, 4),)
    assert REQUESTS["USART1_RX"] == (("DMA2", 2, 4), ("DMA2", 5, 4))
    assert REQUESTS["TIM2_CH4"] == (("DMA1", 6, 3), ("DMA1", 7, 3))
    assert all(stream < 8 and channel < 8 for inputs in REQUESTS.values() for _, stream, channel in inputs)


class UsartBus(Bus):
    """The bus with a real USART on it."""

    usart: Usart

    def read(self, address: int, length: int) -> bytes:
        if address == PORT:
            return self.usart.read(4, length).to_bytes(length, "little")
        return super().read(address, length)

    def write(self, address: int, data: bytes) -> None:
        if address == PORT:
            self.usart.write(4, len(data), int.from_bytes(data, "little"))
        else:
            super().write(address, data)


def test_usart_through_dma_both_ways() -> None:
    bench = Bench(stream=6)
    bench.bus = bench.dma.memory = bus = UsartBus()
    out = bytearray()
    bus.usart = Usart("USART2", clock=bench.clock, tree=ClockTree(), bus="pclk1", irq=IrqLine(), on_byte=out.append)
    connect("USART2_TX", bus.usart.dma_tx, {"DMA1": bench.dma})
    connect("USART2_RX", bus.usart.dma_rx, {"DMA1": bench.dma})
    bus.usart.write(0x08, 4, 16)
    bus.usart.write(0x0C, 4, 0x200C)
    bus.ram.data[:5] = b"hello"
    bench.start(TO_PERIPHERAL | MINC | 4 << 25, 5)
    bench.stream = 5
    bench.start(MINC | 4 << 25, 5, target=RAM + 0x80)
    bus.usart.write(0x14, 4, 0xC0)
    bus.usart.feed(b"world")
    bench.clock.advance(160 * 7)
    assert out == b"hello"
    assert bus.ram.data[0x80:0x85] == b"world"
    assert bench[HISR] & 0x0020_0820 == 0x0020_0800 | (TCIF << 16)
    assert bus.usart.read(0, 4) == 0xD0


def test_bus_error_says_where() -> None:
    with pytest.raises(BusError, match="2 bytes at 0x1fffffff"):
        FlatMemory(RAM, 16).read(RAM - 1, 2)


def test_fixed_addresses_stay() -> None:
    bench = Bench()
    bench.start(0, 2)
    bench.ask(2)
    assert bench.ram[:2] == b"\x12\0"
    bench[LIFCR] = 0x3D
    bench.ram[:8] = b"abcdefgh"
    bench.start(COPY | PINC, 8, source=RAM, target=RAM + 0x10)
    bench.clock.advance(8 * ITEM_CYCLES)
    assert bench.ram[0x10:0x12] == b"h\0"


def test_a_count_of_zero_serves_no_request() -> None:
    bench = Bench()
    bench.dma.request(0, 0).set(True)
    bench.start(MINC, 0)
    bench.clock.advance(100)
    assert (bench.ram[0], bench[LISR], bench[CR] & EN) == (0, 0, EN)


def test_nothing_is_read_beyond_the_last_item() -> None:
    bench = Bench()
    bench.start(TO_PERIPHERAL | MINC, 2, target=RAM + 0xFFE)
    bench.ask(2)
    assert bench[LISR] == HTIF | TCIF


def test_the_reserved_item_size_is_a_word_and_the_firmwares_fault() -> None:
    bench = Bench()
    bench.start(3 << 11 | 3 << 13, 1)
    bench.ask(1)
    assert bench.bus.ram.read(RAM, 8) == bytes((0x11, 0, 0, 0, 0, 0, 0, 0))
    assert bench.ledger.of_kind("illegal")[0].what == "SxCR.PSIZE or MSIZE = 3 (reserved)"


def test_items_lie_at_multiples_of_their_size() -> None:
    """AHB transfers are aligned: the low address bits have no effect."""
    bench = Bench()
    bench.start(2 << 11 | 2 << 13 | MINC, 2, source=PORT + 3, target=RAM + 2)
    bench.ask(2)
    assert bench.bus.ram.read(RAM, 12) == bytes((0x11, 0, 0, 0, 0x12, 0, 0, 0, 0, 0, 0, 0))


@pytest.mark.parametrize("word", [0, EN, COPY | EN, TO_PERIPHERAL | EN])
def test_a_stream_that_overwrites_its_own_control_register(word: int) -> None:
    """The register changes after the item is moved; whatever that means for the stream, it means it once."""
    bench = Bench()
    for n in range(0, 4000, 8):
        bench.bus.ram.write(RAM + n, word.to_bytes(4, "little") + (word ^ EN).to_bytes(4, "little"))
    bench.start(COPY | PINC | 2 << 11 | 2 << 13, 1000, source=RAM, target=OWN + CR, fcr=7)
    bench.clock.advance(100_000)
    assert bench[CR] & ~EN == word & ~EN


def test_a_stream_that_copies_its_own_count() -> None:
    bench = Bench()
    bench.start(COPY | MINC | 2 << 11 | 2 << 13, 3, source=OWN + NDTR, target=RAM, fcr=7)
    bench.clock.advance(3 * ITEM_CYCLES)
    assert bench[LISR] & TCIF
    assert bench.bus.ram.read(RAM, 1) == b"\x03"
