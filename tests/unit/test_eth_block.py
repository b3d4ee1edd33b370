# SPDX-License-Identifier: GPL-2.0-or-later
"""The rest of the Ethernet block: reset, MDIO, counters, time stamps, wake-up."""

from __future__ import annotations

import pytest

from eth_bench import HCLK, OWN_MAC, PEER_MAC, TX_LIST, Bench, ethernet, wire_cycles
from stm32emu.peripherals.eth import Eth

FRAME = ethernet(bytes(range(100)))
MB, MW = 1, 2


def test_the_reset_bit_reads_one_until_the_reset_is_over() -> None:
    bench = Bench(start=False)
    assert bench["DMABMR"] == 0x0002_0101
    bench.advance(1000)
    assert bench["DMABMR"] == 0x0002_0100
    bench["MACCR"] = 0xC
    bench["DMABMR"] |= 1
    assert bench["DMABMR"] & 1
    assert bench["MACCR"] == 0x8000
    bench.advance(1000)
    assert not bench["DMABMR"] & 1


def test_reset_gives_up_what_was_under_way() -> None:
    bench = Bench()
    bench["DMAIER"] = 1 << 16 | 1 << 6
    bench.rx_ring()
    bench.eth.receive(FRAME)
    bench.advance(wire_cycles(FRAME) + 5)
    bench.tx(0, FRAME)
    bench.tx_start()
    bench["MACMIIAR"] = MB
    assert bench.irq.level
    bench.eth.reset()
    assert not bench.irq.level
    bench.advance(ms=1)
    assert bench.sent == []
    assert bench["MACMIIAR"] == 0
    assert bench["DMASR"] == 0


def mdio(bench: Bench, address: int, register: int, value: int | None = None) -> int:
    if value is not None:
        bench["MACMIIDR"] = value
    bench["MACMIIAR"] = address << 11 | register << 6 | 4 << 2 | (0 if value is None else MW) | MB
    while bench["MACMIIAR"] & MB:
        bench.advance(100)
    return bench["MACMIIDR"]


def test_mdio_reads_and_writes_take_64_bits_of_mdc() -> None:
    bench = Bench()
    bench["MACMIIAR"] = 2 << 6 | 4 << 2 | MB
    bench.advance(64 * 102 - 1)
    assert bench["MACMIIAR"] & MB
    bench.advance(1)
    assert not bench["MACMIIAR"] & MB
    assert bench["MACMIIDR"] == 0x0007
    mdio(bench, 0, 4, 0x0061)
    assert mdio(bench, 0, 4) == 0x0061
    assert mdio(bench, 5, 2) == 0xFFFF


@pytest.mark.parametrize(("clock_range", "divider"), [(0, 42), (1, 62), (2, 16), (3, 26), (4, 102)])
def test_mdc_comes_from_hclk(clock_range: int, divider: int) -> None:
    bench = Bench()
    bench["MACMIIAR"] = clock_range << 2 | MB
    bench.advance(64 * divider - 1)
    assert bench["MACMIIAR"] & MB
    bench.advance(1)
    assert not bench["MACMIIAR"] & MB


def test_a_second_mdio_access_at_once_is_the_firmwares_mistake() -> None:
    bench = Bench()
    bench["MACMIIAR"] = 2 << 6 | MB
    bench["MACMIIAR"] = 3 << 6
    assert bench["MACMIIAR"] & MB
    assert "MACMIIAR written" in bench.ledger.of_kind("illegal")[0].what


def test_changing_a_list_under_a_running_dma_is_one_too() -> None:
    bench = Bench()
    bench.tx_start()
    bench.rx_ring()
    bench["DMATDLAR"] = TX_LIST
    bench["DMARDLAR"] = TX_LIST
    assert len(bench.ledger.of_kind("illegal")) == 2


def test_counters_count_freeze_and_reset() -> None:
    bench = Bench()
    bench.rx_ring(8)
    for _ in range(2):
        bench.eth.receive(FRAME)
    bench["MACFFR"] = 1 << 4  # all multicast
    bench.eth.receive(ethernet(bytes(60), destination=bytes.fromhex("01005e000001")))
    bench.advance(ms=1)
    assert bench["MMCRGUFCR"] == 2
    bench["MMCCR"] = 1 << 3
    bench.eth.receive(FRAME)
    bench.advance(ms=1)
    assert bench["MMCRGUFCR"] == 2
    bench["MMCCR"] = 1
    assert bench["MMCRGUFCR"] == 0
    assert bench["MMCCR"] == 0


def test_a_counter_half_full_interrupts_until_read() -> None:
    bench = Bench()
    bench.rx_ring(4)
    bench["MMCCR"] = 1 << 4
    assert bench["MMCRGUFCR"] == 0x7FFF_FFF0
    for n in range(16):
        assert not bench.irq.level
        bench.put(0x2000_2000 + n % 4 * 16, 1 << 31)
        bench.eth.receive(FRAME)
        bench.advance(ms=1)
    assert bench.irq.level
    assert bench["DMASR"] & 1 << 27
    assert bench["MACSR"] == 1 << 4 | 1 << 5
    bench["MMCRIMR"] = 1 << 17
    assert not bench.irq.level
    bench["MMCRIMR"] = 0
    assert bench["MMCRIR"] == 1 << 17
    assert not bench.irq.level
    assert bench["MACSR"] == 0


@pytest.mark.parametrize(("stop", "end"), [(0, 0), (1 << 1, 0xFFFF_FFFF)])
def test_a_full_counter_rolls_over_or_stops(stop: int, end: int) -> None:
    bench = Bench()
    bench["MMCCR"] = 1 << 4 | 1 << 5 | stop
    assert bench["MMCRGUFCR"] == 0xFFFF_FFF0
    for _ in range(16):
        bench.eth.receive(FRAME)
    bench.advance(ms=2)
    assert bench["MMCRGUFCR"] == end


def test_magic_packet_wakes() -> None:
    bench = Bench()
    bench.rx_ring()
    bench["MACPMTCSR"] = 1 | 2
    bench.eth.receive(FRAME)
    bench.advance(ms=1)
    assert not bench.wkup.level
    bench.eth.receive(ethernet(b"\xff" * 6 + OWN_MAC * 16))
    bench.advance(ms=1)
    assert bench.wkup.level
    assert bench.irq.level
    assert bench["MACPMTCSR"] == 2 | 1 << 5
    assert not bench.wkup.level
    assert not bench.irq.level
    assert bench.eth.dropped == {"power-down (MACPMTCSR.PD)": 2}


def test_a_global_unicast_frame_wakes() -> None:
    bench = Bench()
    bench["MACIMR"] = 1 << 3
    bench["MACPMTCSR"] = 1 | 4 | 1 << 9
    bench.eth.receive(ethernet(bytes(60), destination=b"\xff" * 6))
    bench.advance(ms=1)
    assert not bench.wkup.level
    bench.eth.receive(FRAME)
    bench.advance(ms=1)
    assert bench.wkup.level
    assert not bench.irq.level
    assert bench["MACPMTCSR"] & 1 << 6


def seconds(bench: Bench) -> float:
    return bench["PTPTSHR"] + bench["PTPTSLR"] / 1_000_000_000


def time_at(bench: Bench, *, addend: int = 0) -> None:
    """Fine correction: 20 ns steps from an accumulator that overflows at 50 MHz; digital rollover; starts at 1000 s."""
    bench["PTPTSCR"] = 1
    bench["PTPSSIR"] = 20
    bench["PTPTSAR"] = addend or round(2**32 * 50_000_000 / HCLK)
    bench["PTPTSCR"] = 1 | 1 << 9 | 1 << 5
    bench["PTPTSHUR"], bench["PTPTSLUR"] = 1000, 0
    bench["PTPTSCR"] = 1 | 1 << 1 | 1 << 2 | 1 << 9
    assert bench["PTPTSCR"] == 1 | 1 << 1 | 1 << 9


def test_time_stamp_counter_runs_with_the_clock() -> None:
    bench = Bench()
    time_at(bench)
    bench.advance(ms=1500)
    assert seconds(bench) == pytest.approx(1001.5, abs=1e-6)
    bench["PTPTSHUR"], bench["PTPTSLUR"] = 1, 1 << 31 | 500_000_000
    bench["PTPTSCR"] |= 1 << 3
    assert seconds(bench) == pytest.approx(1000, abs=1e-6)
    bench["PTPTSCR"] &= ~1
    bench.advance(ms=1)
    assert seconds(bench) == pytest.approx(1000, abs=1e-6)


def test_a_new_addend_changes_the_rate_from_then_on() -> None:
    bench = Bench()
    time_at(bench)
    bench.advance(ms=100)
    bench["PTPTSAR"] = round(2**32 * 25_000_000 / HCLK)
    bench.advance(ms=100)
    bench["PTPTSCR"] |= 1 << 5
    bench.advance(ms=100)
    assert seconds(bench) == pytest.approx(1000.25, abs=1e-6)


def test_target_time_interrupts_once() -> None:
    bench = Bench()
    time_at(bench)
    bench["PTPTTHR"], bench["PTPTTLR"] = 1000, 250_000_000
    bench["PTPTSCR"] |= 1 << 4
    bench.advance(ms=249)
    assert not bench.irq.level
    bench.advance(ms=2)
    assert bench.irq.level
    assert bench["MACSR"] == 1 << 9
    assert bench["PTPTSSR"] == 2
    assert not bench.irq.level


def test_coarse_time_has_binary_rollover() -> None:
    bench = Bench()
    bench["PTPSSIR"] = 13
    bench["PTPTSCR"] = 1
    bench.advance(HCLK)
    assert bench["PTPTSHR"] == HCLK * 13 >> 31


@pytest.mark.parametrize("enhanced", [False, True])
def test_frames_carry_their_time(enhanced: bool) -> None:
    bench = Bench(enhanced=enhanced)
    time_at(bench)
    bench["PTPTSCR"] |= 1 << 8
    bench.rx_ring()
    bench.eth.receive(FRAME)
    bench.tx(0, PEER_MAC + FRAME[6:], flags=0b11 << 28 | 1 << 25)
    bench.tx_start()
    bench.advance(ms=1)
    at = 6 if enhanced else 2
    assert bench.rdes(0)[at + 1] == 1000
    assert bench.tdes(0)[at + 1] == 1000
    assert bench.rdes(0)[at] in range(8_000, 12_000)
    assert bench.tdes(0)[0] & 1 << 17


@pytest.mark.parametrize(("running", "asked"), [(0, 1 << 25), (1, 0)])
def test_no_time_without_asking_or_without_a_clock(running: int, asked: int) -> None:
    bench = Bench(enhanced=True)
    bench["PTPTSCR"] = running
    bench.tx(0, PEER_MAC + FRAME[6:], flags=0b11 << 28 | asked)
    bench.tx_start()
    bench.advance(ms=1)
    assert not bench.tdes(0)[0] & 1 << 17
    assert bench.tdes(0)[6:] == (0, 0)


def test_debug_register_shows_the_fifos() -> None:
    bench = Bench()
    assert bench["MACDBGR"] == 0
    bench.eth.receive(FRAME)
    bench.tx(0, FRAME)
    bench.tx_start()
    assert bench["MACDBGR"] & (1 << 24 | 1 << 16) == 1 << 24 | 1 << 16
    bench.advance(ms=1)
    assert bench["MACDBGR"] == 2 << 8


def test_polling_reads_are_plain() -> None:
    plain = Eth.plain_reads()
    for name in ("MACMIIAR", "DMASR", "DMABMR"):
        offset = next(register.offset for register in Eth.REGISTERS if register.name == name)
        assert plain[offset >> 2]
