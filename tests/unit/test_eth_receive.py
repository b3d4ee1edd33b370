# SPDX-License-Identifier: GPL-2.0-or-later
"""Reception: rings and chains, suspension, status words, filters, what is dropped and why (RM0090 section 33.6.6)."""

from __future__ import annotations

import pytest

from eth_bench import (
    OWN,
    OWN_MAC,
    PEER_MAC,
    RX_BUFFERS,
    RX_LIST,
    Bench,
    ethernet,
    fcs,
    wire_cycles,
)
from stm32emu.peripherals.eth_receive import CABLE

RS, RBUS, ROS, ERS, NIS, AIS = 1 << 6, 1 << 7, 1 << 4, 1 << 14, 1 << 16, 1 << 15
FIRST, LAST, DE, ES, CE, AFM, SAF, VLAN, FT = (1 << n for n in (9, 8, 14, 15, 1, 30, 13, 10, 5))
DFRF = 1 << 24
FRAME = ethernet(bytes(range(100)))


def arrive(bench: Bench, *frames: bytes) -> None:
    for frame in frames:
        bench.eth.receive(frame)
    bench.advance(sum(map(wire_cycles, frames)) + 10)


def rps(bench: Bench) -> int:
    return bench["DMASR"] >> 17 & 7


@pytest.mark.parametrize("enhanced", [False, True])
@pytest.mark.parametrize("chained", [False, True])
def test_frames_fill_the_list_in_order_and_wrap(enhanced: bool, chained: bool) -> None:
    bench = Bench(enhanced=enhanced)
    bench.rx_ring(3, chained=chained)
    for n in range(7):
        frame = ethernet(bytes([n]) * 80)
        arrive(bench, frame)
        status = bench.rdes(n % 3)[0]
        assert status & ~(FT | 0x81) == (len(frame) + 4) << 16 | FIRST | LAST
        assert bench.stored(n % 3) == frame + fcs(frame)
        bench.put(RX_LIST + n % 3 * bench.size, OWN)


def test_descriptor_skip_length_counts_words() -> None:
    bench = Bench()
    bench["DMABMR"] = 3 << 2
    for n in range(2):
        bench.put(RX_LIST + n * (16 + 12), OWN, 1524 | (n << 15), RX_BUFFERS + n * 2048, 0)
    bench["DMAOMR"] |= 2
    arrive(bench, FRAME, FRAME)
    assert not bench.words(RX_LIST + 28, 1)[0] & OWN


def test_a_frame_takes_its_time_on_the_wire_and_a_burst_keeps_its_order() -> None:
    bench = Bench()
    bench.rx_ring()
    frames = [ethernet(bytes([n]) * (100 * n + 60)) for n in range(3)]
    for frame in frames:
        bench.eth.receive(frame)
    for n, frame in enumerate(frames):
        bench.advance(wire_cycles(frame) - 5)
        assert bench.rdes(n)[0] & OWN
        bench.advance(6)
        assert bench.stored(n) == frame + fcs(frame)


def test_short_frames_are_padded_and_the_length_counts_the_fcs() -> None:
    bench = Bench()
    bench.rx_ring()
    arrive(bench, ethernet(b"x"))
    assert bench.rdes(0)[0] >> 16 == 64
    padded = ethernet(b"x").ljust(60, b"\0")
    assert bench.stored(0) == padded + fcs(padded)


def test_receive_interrupt_is_a_level_that_goes_with_its_flag() -> None:
    bench = Bench()
    bench["DMAIER"] = NIS | RS
    bench.rx_ring()
    arrive(bench, FRAME)
    assert bench.irq.level
    assert bench["DMASR"] & (NIS | RS) == NIS | RS
    bench["DMASR"] = NIS  # the summary bit alone comes back: its source is still there
    assert bench.irq.level
    bench["DMASR"] = RS
    assert not bench.irq.level
    assert not bench["DMASR"] & NIS


def test_masked_sources_do_not_reach_the_summary() -> None:
    bench = Bench()
    bench["DMAIER"] = NIS
    bench.rx_ring()
    arrive(bench, FRAME)
    assert bench["DMASR"] & (NIS | RS) == RS
    assert not bench.irq.level
    bench["DMAIER"] = NIS | RS
    assert bench.irq.level


def test_an_exhausted_ring_suspends_at_once_and_loses_the_next_frames() -> None:
    bench = Bench()
    bench["DMAIER"] = AIS | RBUS
    bench.rx_ring(2)
    arrive(bench, FRAME)
    assert not bench["DMASR"] & RBUS
    arrive(bench, FRAME)
    assert bench["DMASR"] & RBUS
    assert rps(bench) == 4
    assert bench.irq.level
    bench["DMASR"] = RBUS
    arrive(bench, FRAME, FRAME)
    assert not bench["DMASR"] & RBUS  # set only when the previous descriptor was the DMA's
    assert bench["DMAMFBOCR"] == 2
    assert bench["DMAMFBOCR"] == 0
    assert bench.eth.dropped == {"no receive descriptor": 2}


def test_poll_demand_resumes() -> None:
    bench = Bench()
    bench.rx_ring(1)
    arrive(bench, FRAME)
    bench.put(RX_LIST, OWN)
    assert rps(bench) == 4
    bench["DMARPDR"] = 0
    assert rps(bench) == 3
    arrive(bench, FRAME)
    assert not bench.rdes(0)[0] & OWN


def test_the_next_frame_resumes_without_a_poll_demand() -> None:
    bench = Bench()
    bench.rx_ring(1)
    arrive(bench, FRAME)
    bench.put(RX_LIST, OWN)
    bench["DMASR"] = RBUS
    arrive(bench, FRAME)
    assert not bench.rdes(0)[0] & OWN
    assert bench.eth.dropped == {}
    assert bench["DMASR"] & RBUS  # and is out of descriptors once more


def test_without_flushing_frames_wait_in_the_fifo_until_it_is_full() -> None:
    bench = Bench()
    bench["DMAOMR"] |= DFRF
    bench.rx_ring(1)
    long = ethernet(bytes(900))
    arrive(bench, FRAME, long, long, long)
    assert bench.eth.dropped == {"receive FIFO full": 1}
    assert bench["DMASR"] & ROS
    assert bench["DMAMFBOCR"] == 1 << 17
    for _ in range(2):
        bench.put(RX_LIST, OWN)
        bench["DMARPDR"] = 0
        assert bench.stored(0) == long + fcs(long)
    bench.put(RX_LIST, OWN)
    bench["DMARPDR"] = 0
    assert bench.rdes(0)[0] == OWN


@pytest.mark.parametrize("enhanced", [False, True])
def test_a_long_frame_spans_descriptors_with_two_buffers_each(enhanced: bool) -> None:
    bench = Bench(enhanced=enhanced)
    for n in range(3):
        last, buffer = (n == 2) << 15, RX_BUFFERS + n * 256
        bench.put(RX_LIST + n * bench.size, OWN, 64 << 16 | last | 128, buffer, buffer + 128)
    bench["DMAOMR"] |= 2
    frame = ethernet(bytes(range(250)) * 2)
    arrive(bench, frame)
    whole = frame + fcs(frame)
    flags = [bench.rdes(n)[0] & (OWN | FIRST | LAST) for n in range(3)]
    assert flags == [FIRST, 0, LAST]
    assert [bench.rdes(n)[0] >> 16 for n in range(3)] == [192, 384, len(whole)]
    parts = [bench.ram.read(RX_BUFFERS + n * 256, 192) for n in range(3)]
    assert b"".join(parts)[: len(whole)] == whole
    assert not bench["DMASR"] & ERS  # cleared by RS


def test_a_frame_is_cut_short_when_the_next_descriptor_is_not_there() -> None:
    bench = Bench()
    bench.rx_ring(2, size=64)
    bench.put(RX_LIST + 16, 0)
    arrive(bench, FRAME)
    assert bench.rdes(0)[0] & (OWN | FIRST | LAST | DE | ES) == FIRST | LAST | DE | ES
    assert bench["DMASR"] & RBUS


def test_without_flushing_a_long_frame_goes_on_after_the_poll_demand() -> None:
    bench = Bench()
    bench["DMAOMR"] |= DFRF
    bench.rx_ring(1, size=64)
    arrive(bench, FRAME)
    assert bench.rdes(0)[0] & (OWN | FIRST | LAST | DE) == FIRST
    assert bench["DMASR"] & (ERS | RS) == ERS
    bench["DMAIER"] = NIS | RS
    head = bench.ram.read(RX_BUFFERS, 64)
    bench.put(RX_LIST, OWN)
    bench["DMARPDR"] = 0
    assert bench.irq.level
    assert bench.rdes(0)[0] & (OWN | FIRST | LAST | DE) == LAST
    assert head + bench.ram.read(RX_BUFFERS, len(FRAME) + 4 - 64) == FRAME + fcs(FRAME)


def test_descriptors_without_interrupt_leave_it_to_the_watchdog() -> None:
    bench = Bench()
    bench["DMARSWTR"] = 100
    bench["DMAIER"] = NIS | RS
    bench.rx_ring(flags=1 << 31)
    arrive(bench, FRAME)
    assert not bench["DMASR"] & RS
    bench.advance(25600 - 20)
    assert not bench.irq.level
    bench.advance(20)
    assert bench.irq.level


def test_reset_stops_the_watchdog() -> None:
    bench = Bench()
    bench["DMARSWTR"] = 100
    bench.rx_ring(flags=1 << 31)
    arrive(bench, FRAME)
    bench["DMABMR"] = 1
    bench.advance(30000)
    assert bench["DMASR"] == 0


def test_frames_for_a_receiver_that_is_off_are_lost_and_a_stopped_dma_leaves_them_in_the_fifo() -> None:
    bench = Bench()
    bench["MACCR"] &= ~4
    arrive(bench, FRAME)
    assert bench.eth.dropped == {"receiver off (MACCR.RE)": 1}
    bench["MACCR"] |= 4
    arrive(bench, FRAME)
    bench.rx_ring()
    assert bench.stored(0) == FRAME + fcs(FRAME)


def test_stopping_reports_itself() -> None:
    bench = Bench()
    bench.rx_ring()
    bench["DMAOMR"] &= ~2
    assert rps(bench) == 0
    assert bench["DMASR"] & 1 << 8
    arrive(bench, FRAME)
    assert bench.rdes(0)[0] == OWN


def test_link_down_loses_frames() -> None:
    bench = Bench()
    bench.rx_ring()
    bench.phy.set_link(False)
    bench.eth.receive(FRAME)
    assert bench.eth.dropped == {"received without a link": 1}


def test_a_bad_fcs_is_dropped_or_forwarded_with_its_error() -> None:
    bench = Bench()
    bench.rx_ring()
    bench.eth.receive(FRAME, bad_fcs=True)
    bench.advance(ms=1)
    assert bench.eth.dropped == {"bad FCS": 1}
    assert bench["MMCRFCECR"] == 1
    bench["DMAOMR"] |= 1 << 7
    bench.eth.receive(FRAME, bad_fcs=True)
    bench.advance(ms=1)
    assert bench.rdes(0)[0] & (CE | ES) == CE | ES
    assert bench.stored(0)[:-4] == FRAME
    assert bench.stored(0)[-4:] != fcs(FRAME)


def test_pad_and_fcs_are_stripped_by_length_or_by_type() -> None:
    bench = Bench()
    bench.rx_ring()
    bench["MACCR"] |= 1 << 7
    arrive(bench, ethernet(b"abc", kind=3), FRAME)
    assert bench.stored(0) == ethernet(b"abc", kind=3)
    assert bench.stored(1) == FRAME + fcs(FRAME)
    bench["MACCR"] |= 1 << 25
    arrive(bench, FRAME)
    assert bench.stored(2) == FRAME


def test_wrong_length_field_and_vlan_tags_are_reported() -> None:
    bench = Bench()
    bench.rx_ring()
    arrive(bench, ethernet(bytes(100), kind=90), ethernet(b"\x00\x07" + bytes(80), kind=0x8100))
    arrive(bench, ethernet(bytes(100), kind=100))
    assert bench.rdes(0)[0] & (1 << 12 | FT) == 1 << 12
    assert bench.rdes(1)[0] & VLAN
    assert bench.rdes(2)[0] & (1 << 12 | FT | VLAN) == 0
    bench["MACVLANTR"] = 8
    arrive(bench, ethernet(b"\x00\x07" + bytes(80), kind=0x8100))
    assert not bench.rdes(3)[0] & VLAN


@pytest.mark.parametrize(("kind", "is_type"), [(0x5FF, False), (0x600, True)])
def test_where_length_ends_and_type_begins(kind: int, is_type: bool) -> None:
    bench = Bench()
    bench["MACCR"] = bench["MACCR"] & ~(1 << 10) | 1 << 25
    bench.rx_ring()
    arrive(bench, ethernet(bytes(100), kind=kind))
    assert bool(bench.rdes(0)[0] & FT) is is_type
    assert (len(bench.stored(0)) == 114) is is_type  # CSTF strips


def test_a_flood_is_held_back_by_the_cable() -> None:
    bench = Bench()
    for _ in range(CABLE + 3):
        bench.eth.receive(FRAME)
    assert len(bench.eth._cable) == CABLE
    assert bench.eth.dropped == {"too many at once for the cable": 3}
    bench.advance(ms=1)
    bench.eth.receive(FRAME)
    assert bench.eth.dropped["too many at once for the cable"] == 3


def test_the_longest_frame_fills_the_fifo_exactly() -> None:
    bench = Bench()
    bench["DMAOMR"] |= DFRF
    longest = ethernet(bytes(2030))
    arrive(bench, longest + b"x", longest, FRAME)
    assert bench.eth.dropped == {"longer than 2048 bytes": 1, "receive FIFO full": 1}
    bench.rx_ring(size=2048)
    assert bench.stored(0) == longest + fcs(longest)


MULTICAST = bytes.fromhex("01005e000001")
OTHER = bytes.fromhex("0080e1000002")


@pytest.mark.parametrize(
    ("macffr", "destination", "passes"),
    [
        (0, OWN_MAC, True),
        (0, OTHER, False),
        (0, b"\xff" * 6, True),
        (1 << 5, b"\xff" * 6, False),  # BFD
        (1, OTHER, True),  # PM
        (0, MULTICAST, False),
        (1 << 4, MULTICAST, True),  # PAM
        (1 << 3, OTHER, True),  # DAIF
        (1 << 3, OWN_MAC, False),
    ],
)
def test_destination_filter(macffr: int, destination: bytes, passes: bool) -> None:
    bench = Bench()
    bench.rx_ring()
    bench["MACFFR"] = macffr
    arrive(bench, ethernet(bytes(80), destination=destination))
    assert bool(bench.rdes(0)[0] & OWN) is not passes
    assert bench.eth.dropped == ({} if passes else {"address filter": 1})


def test_receive_all_marks_what_the_filter_would_drop() -> None:
    bench = Bench()
    bench.rx_ring()
    bench["MACFFR"] = 1 << 31
    arrive(bench, ethernet(bytes(80), destination=OTHER), FRAME)
    assert bench.rdes(0)[0] & AFM
    assert not bench.rdes(1)[0] & AFM


@pytest.mark.parametrize(("address", "index"), [("1f52419cb6af", 0x2C), ("a00a98000045", 0x07)])
def test_hash_filter_with_the_manuals_examples(address: str, index: int) -> None:
    bench = Bench()
    bench.rx_ring()
    bench["MACFFR"] = 1 << 1 | 1 << 2  # HU, HM
    bench["MACHTHR" if index >> 5 else "MACHTLR"] = 1 << (index & 31)
    arrive(bench, ethernet(bytes(80), destination=bytes.fromhex(address)), FRAME)
    assert not bench.rdes(0)[0] & OWN
    assert bench.rdes(1)[0] & OWN  # not even its own address, unless ...
    bench["MACFFR"] |= 1 << 10  # HPF
    arrive(bench, FRAME)
    assert not bench.rdes(1)[0] & OWN


def test_further_addresses_with_masked_octets() -> None:
    bench = Bench()
    bench.rx_ring()
    bench["MACA2LR"] = int.from_bytes(MULTICAST[:4], "little")
    bench["MACA2HR"] = 1 << 31 | 0b110000 << 24 | int.from_bytes(MULTICAST[4:], "little")
    arrive(bench, ethernet(bytes(80), destination=MULTICAST[:4] + b"\x12\x34"), ethernet(bytes(80), destination=OTHER))
    assert not bench.rdes(0)[0] & OWN
    assert bench.eth.dropped == {"address filter": 1}


@pytest.mark.parametrize(("inverse", "passes"), [(0, True), (1 << 8, False)])
def test_source_filter(inverse: int, passes: bool) -> None:
    bench = Bench()
    bench.rx_ring()
    bench["MACA1LR"] = int.from_bytes(PEER_MAC[:4], "little")
    bench["MACA1HR"] = 1 << 31 | 1 << 30 | int.from_bytes(PEER_MAC[4:], "little")
    bench["MACFFR"] = inverse
    arrive(bench, FRAME)
    assert bool(bench.rdes(0)[0] & SAF) is not passes  # without SAF only reported
    bench["MACFFR"] = inverse | 1 << 9
    arrive(bench, FRAME)
    assert bool(bench.rdes(1)[0] & OWN) is not passes


@pytest.mark.parametrize(("pcf", "stored"), [(0, 0), (1, 1), (2, 2), (3, 0)])
def test_control_frames(pcf: int, stored: int) -> None:
    bench = Bench()
    bench.rx_ring()
    bench["MACFFR"] = pcf << 6
    pause = bytes.fromhex("0180c2000001") + PEER_MAC + b"\x88\x08\x00\x01" + bytes(60)
    arrive(bench, pause, pause[:15] + b"\x02" + pause[16:])
    assert sum(not bench.rdes(n)[0] & OWN for n in range(4)) == stored
