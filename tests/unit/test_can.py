# SPDX-License-Identifier: GPL-2.0-or-later
"""bxCAN bus scripts: modes, loop-back, filters, FIFOs, priorities, a bus without other nodes (RM0090 chapter 32)."""

from __future__ import annotations

from functools import partial

import pytest

from bus import Bus
from stm32emu.peripherals.can import Can, CanWithFilters
from stm32emu.peripherals.can_filter import Bank, Frame, accept, frame_of
from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import Ledger

INRQ, SLEEP, TXFP, RFLM, NART, RESET = 1, 2, 4, 8, 16, 1 << 15
INAK, SLAK, ERRI, SLAKI = 1, 2, 4, 16
LBKM, SILM, TIMING = 1 << 30, 1 << 31, 2 << 20 | 11 << 16 | 1  # 16 quanta of 2 cycles: 500 kbit/s at 16 MHz
BIT = 32
TME, ALL_EMPTY = 1 << 26, 7 << 26
FMPIE0, FFIE0, FOVIE0, FMPIE1, TMEIE = 2, 4, 8, 16, 1
EWGIE, EPVIE, LECIE, ERRIE, SLKIE = 1 << 8, 1 << 9, 1 << 11, 1 << 15, 1 << 17
STANDARD, EXTENDED = 0x123 << 21, 0x1234_5678 << 3 | 4
TXRQ, RTR = 1, 2


class Bench(Bus):
    """CAN1 and CAN2 at 16 MHz, and what a driver does to bring CAN1 up."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.ledger = Ledger()
        self.irqs = {name: IrqLine() for name in ("tx_irq", "rx0_irq", "rx1_irq", "sce_irq")}
        self.can = CanWithFilters("CAN1", clock=self.clock, tree=ClockTree(), ledger=self.ledger, **self.irqs)
        self.can.banks = partial(self.can.banks_of, False)
        super().__init__(self.can)

    @property
    def active(self) -> set[str]:
        return {name.removesuffix("_irq") for name, line in self.irqs.items() if line.level}

    def start(self, mode: int = LBKM, options: int = 0) -> Bench:
        """HAL_CAN_Init, one filter that lets everything into FIFO 0, HAL_CAN_Start."""
        self.clear("MCR", SLEEP)
        self.clock.advance(11 * BIT * 100)
        assert not self["MSR"] & SLAK
        self.set("MCR", INRQ)
        assert self["MSR"] & INAK
        self["BTR"] = mode | TIMING
        self.set("MCR", options)
        self.set("FS1R", 1)
        self.set("FA1R", 1)
        self.clear("FMR", 1)
        self.clear("MCR", INRQ)
        self.clock.advance(11 * BIT)
        assert not self["MSR"] & INAK
        return self

    def send(self, n: int, word: int, data: bytes = b"") -> None:
        padded = data.ljust(8, b"\0")
        self[f"TDT{n}R"] = len(data)
        self[f"TDL{n}R"], self[f"TDH{n}R"] = (int.from_bytes(padded[k : k + 4], "little") for k in (0, 4))
        self[f"TI{n}R"] = word | TXRQ

    def received(self, fifo: int = 0) -> tuple[int, int, bytes]:
        """(RIxR, filter match index, data), and the message is released."""
        dtr = self[f"RDT{fifo}R"]
        data = self[f"RDL{fifo}R"].to_bytes(4, "little") + self[f"RDH{fifo}R"].to_bytes(4, "little")
        message = self[f"RI{fifo}R"], dtr >> 8 & 0xFF, data[: dtr & 15]
        self[f"RF{fifo}R"] = 0x20
        return message


def test_asleep_out_of_reset_and_again_after_a_master_reset() -> None:
    bench = Bench()
    assert bench["MSR"] & 3 == SLAK
    bench.start()
    bench["MCR"] = RESET
    assert (bench["MCR"], bench["MSR"], bench["BTR"]) == (0x1_0002, 0xC02, 0x0123_0000)


def test_modes_are_acknowledged() -> None:
    """Normal mode after eleven bits; sleep at once on an idle bus, with its interrupt."""
    bench = Bench()
    bench.set("MCR", INRQ)
    assert bench["MSR"] & 3 == SLAK  # both requests
    bench.clear("MCR", SLEEP)
    assert bench["MSR"] & 3 == INAK
    bench["BTR"] = TIMING
    bench["MCR"] = 0
    bench.clock.advance(11 * BIT - 1)
    assert bench["MSR"] & 3 == INAK
    bench.clock.advance(1)
    assert bench["MSR"] & 3 == 0
    bench["IER"] = SLKIE
    bench["MCR"] = SLEEP
    assert bench["MSR"] & 0x1F == SLAK | SLAKI
    assert bench.active == {"sce"}
    bench["MSR"] = SLAKI
    assert bench.active == set()


def test_timing_is_set_in_initialisation_mode_only() -> None:
    bench = Bench().start()
    bench["BTR"] = 0
    assert bench["BTR"] == LBKM | TIMING
    assert [each.what for each in bench.ledger.of_kind("illegal")] == [
        "CAN_BTR written outside the initialisation mode"
    ]


@pytest.mark.parametrize("mode", [LBKM, LBKM | SILM])
@pytest.mark.parametrize(("word", "overhead"), [(STANDARD, 47), (EXTENDED, 67), (STANDARD | RTR, 47)])
def test_loop_back(mode: int, word: int, overhead: int) -> None:
    """A frame takes its bits, then is complete and received at once; a remote frame has no data on the wire."""
    bench = Bench().start(mode)
    bench["IER"] = TMEIE | FMPIE0
    data = b"" if word & RTR else b"\x01\x02\x03\x04\x05\x06\x07"
    bench.send(0, word, data)
    assert bench["TSR"] & ALL_EMPTY == ALL_EMPTY & ~TME
    bench.clock.advance((overhead + 8 * len(data)) * BIT - 1)
    assert bench.active == set()
    bench.clock.advance(1)
    assert bench["TSR"] & (ALL_EMPTY | 0xFF) == ALL_EMPTY | 3
    assert bench.active == {"tx", "rx0"}
    assert bench["RF0R"] == 1
    assert bench.received() == (word, 0, data)
    assert (bench["RF0R"], bench["TI0R"]) == (0, word)
    bench["TSR"] = 1
    assert bench["TSR"] & 0xFF == 0
    assert bench.active == set()


def test_a_silent_node_sends_nothing() -> None:
    bench = Bench().start(SILM)
    bench.send(0, STANDARD)
    bench.clock.advance(1000 * BIT)
    assert bench["TSR"] & (TME | 0xFF) == 0


def test_fifo_overrun() -> None:
    """Three messages fit; then the last is overwritten, or with RFLM the new one lost (section 32.7.3)."""
    for options, last in ((0, b"\x04"), (RFLM, b"\x02")):
        bench = Bench().start(options=options)
        bench["IER"] = FFIE0 | FOVIE0
        for n in range(5):
            bench.send(0, STANDARD, bytes([n]))
            bench.clock.advance(100 * BIT)
            assert bench["RF0R"] == (1, 2, 3 | 8, 3 | 8 | 16, 3 | 8 | 16)[n]
            assert bench.active == ({"rx0"} if n >= 2 else set())
        bench["RF0R"] = 8 | 16
        assert bench.active == set()
        assert [bench.received()[2] for _ in range(3)] == [b"\0", b"\x01", last]
        assert bench["RF0R"] == 0
        bench["RF0R"] = 0x20
        assert bench["RF0R"] == 0


@pytest.mark.parametrize(
    ("options", "order"), [(0, [EXTENDED, 0x100 << 21, 0x700 << 21]), (TXFP, [0x700 << 21, EXTENDED, 0x100 << 21])]
)
def test_priority_of_mailboxes(options: int, order: list[int]) -> None:
    """By identifier, where 0x1234_5678's first 11 bits are 0x48D, or in order of requests. One is on its way."""
    bench = Bench().start(options=options)
    bench.send(0, 0)
    bench.send(1, 0x700 << 21)
    bench.send(2, EXTENDED)
    assert bench["TSR"] & ALL_EMPTY == 0
    bench.clock.advance(47 * BIT)
    bench.received()
    bench.send(0, 0x100 << 21)
    lowest = 0 if options else 1
    assert bench["TSR"] >> 24 & 0xE3 == lowest | 0x20 << lowest
    bench.clock.advance(300 * BIT)
    assert bench["TSR"] >> 24 == 0x1C
    assert [bench.received()[0] for _ in range(3)] == order


def test_abort() -> None:
    """A waiting mailbox is emptied at once; a frame on its way ends first (section 32.7.1)."""
    bench = Bench().start()
    bench.send(0, STANDARD)
    bench.send(1, STANDARD)
    bench["TSR"] = 0x80 | 0x8000
    assert bench["TSR"] & 0xFFFF == 0x0180
    bench.clock.advance(47 * BIT)
    assert bench["TSR"] & 0xFFFF == 0x0103
    assert bench["RF0R"] == 1


def test_nobody_acknowledges() -> None:
    """The transmitter tries again until it is error passive, and does not stop (ISO 11898-1)."""
    bench = Bench().start(0)
    bench["IER"] = ERRIE | EPVIE | EWGIE
    bench.send(0, STANDARD)
    bench.clock.advance(47 * BIT)
    assert bench["ESR"] == 8 << 16 | 3 << 4
    assert bench.active == set()
    bench.clock.advance(11 * 47 * BIT)
    assert bench["ESR"] == 96 << 16 | 3 << 4 | 1
    assert (bench["MSR"] & ERRI, bench.active) == (ERRI, {"sce"})
    bench.clock.advance(100 * 47 * BIT)
    assert bench["ESR"] == 128 << 16 | 3 << 4 | 3
    assert bench["TSR"] & (TME | 0xFF) == 0
    bench["TSR"] = 0x80
    assert bench["TSR"] & (TME | 0xFF) == TME | 1


def test_without_retransmission_the_error_is_reported() -> None:
    bench = Bench().start(0, NART)
    bench["IER"] = ERRIE | LECIE
    bench.send(2, STANDARD)
    bench.clock.advance(47 * BIT)
    assert bench["TSR"] == ALL_EMPTY | 9 << 16
    assert bench.active == {"sce"}


def test_initialisation_waits_for_the_frame_on_its_way() -> None:
    bench = Bench().start()
    bench.send(0, STANDARD)
    bench.send(1, STANDARD)
    bench.set("MCR", INRQ)
    assert not bench["MSR"] & INAK
    bench.clock.advance(47 * BIT)
    assert bench["MSR"] & INAK
    bench.clock.advance(1000 * BIT)
    assert bench["RF0R"] == 1
    bench.clear("MCR", INRQ)
    bench.clock.advance((11 + 47) * BIT)
    assert bench["RF0R"] == 2


FRAME = Frame(0x123, 2, b"ab")
LONG = Frame(0x1234_5678, 0, extended=True)


@pytest.mark.parametrize(
    ("bank", "frame", "match"),
    [
        (Bank(True, True, 0, True, (0, 0x123 << 21)), FRAME, 1),
        (Bank(True, True, 0, True, (LONG.word(), 0)), LONG, 0),
        (Bank(True, True, 0, True, (0x124 << 21, 0)), FRAME, None),
        (Bank(True, False, 0, True, (0x120 << 21, 0x7F0 << 21)), FRAME, 0),
        (Bank(True, False, 0, True, (0x120 << 21, 0x7F0 << 21 | 4)), LONG, None),
        (Bank(False, True, 0, True, (0, 0x123 << 5 << 16)), FRAME, 3),
        (Bank(False, True, 0, True, (0x123 << 5, 0)), FRAME, 0),
        (Bank(False, False, 0, True, (0xFFFF_0000, 0xFFE0_0000 | 0x122 << 5)), FRAME, None),
        (Bank(False, False, 0, True, (0xFFE0_0000, 0xFFE0_0000 | 0x123 << 5)), FRAME, 1),
        (Bank(False, True, 0, True, (0x1234_5678 >> 18 << 5 | 8 | 0x1234_5678 >> 15 & 7, 0)), LONG, 0),
    ],
)
def test_filters(bank: Bank, frame: Frame, match: int | None) -> None:
    """Lists and masks, 32 and 16 bits wide (section 32.7.4)."""
    assert bank.match(frame) == match


def test_filter_numbers_and_priorities() -> None:
    """Numbers count within each FIFO, inactive banks included; wide before narrow, list
    before mask."""
    catch_all = Bank(False, False, 0, True, (0, 0))
    inactive = Bank(False, True, 0, False, (0, 0))
    other = Bank(True, True, 1, True, (0, 0))
    wide_mask = Bank(True, False, 0, True, (0, 0))
    wide_list = Bank(True, True, 0, True, (0, FRAME.word()))
    assert accept(FRAME, [catch_all, inactive, other, wide_mask, wide_list]) == (0, 8)
    assert accept(FRAME, [catch_all, inactive, other, wide_mask]) == (0, 6)
    assert accept(FRAME, [catch_all, inactive, other]) == (0, 0)
    assert accept(FRAME, [inactive, other]) is None
    assert accept(Frame(0, 0), [inactive, other, catch_all]) == (1, 0)


@pytest.mark.parametrize("frame", [FRAME, LONG, Frame(0x7FF, 8, bytes(range(8))), Frame(5, 3, remote=True)])
def test_frames_and_mailboxes(frame: Frame) -> None:
    assert frame_of(frame.word(), frame.length, frame.data.ljust(8, b"\xee")) == frame


def test_can2_uses_the_banks_from_can2sb_on() -> None:
    bench = Bench()
    bench["FMR"] = 26 << 8
    bench["FA1R"] = 1 << 25 | 1 << 27
    bench["F27R2"] = 0xABCD
    assert [bank.active for bank in bench.can.banks_of(False)] == [False] * 25 + [True]
    second = bench.can.banks_of(True)
    assert [bank.active for bank in second] == [False, True]
    assert second[1].registers == (0, 0xABCD)
    bench["FMR"] = 26 << 8 | 1
    assert not any(bank.active for bank in bench.can.banks_of(True))


def test_can2_receives_through_them() -> None:
    bench = Bench()
    irqs = {name: IrqLine() for name in bench.irqs}
    can = Can("CAN2", clock=bench.clock, tree=ClockTree(), banks=partial(bench.can.banks_of, True), **irqs)
    bench["FS1R"] = bench["FA1R"] = bench["FFA1R"] = 1 << 14
    bench["FMR"] = 14 << 8
    bus = Bus(can)
    bus["MCR"] = INRQ
    bus["BTR"] = LBKM | TIMING
    bus["IER"] = FMPIE1
    bus["MCR"] = 0
    bus["TI0R"] = STANDARD | TXRQ
    bench.clock.advance((11 + 47) * BIT)
    assert (bus["RF1R"], irqs["rx1_irq"].level) == (1, True)
