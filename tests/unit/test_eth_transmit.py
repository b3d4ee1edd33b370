# SPDX-License-Identifier: GPL-2.0-or-later
"""Transmission: descriptors, suspension and poll demand, padding and FCS, flushing, bus errors (section 33.6.5)."""

from __future__ import annotations

import pytest

from eth_bench import OWN, OWN_MAC, PEER_MAC, TX_BUFFERS, TX_LIST, Bench, fcs, wire_cycles

TS, TPSS, TBUS, ETS, FBES, NIS, AIS = 1, 2, 4, 1 << 10, 1 << 13, 1 << 16, 1 << 15
IC, LAST, FIRST, DC, DP, ES, FF = 1 << 30, 1 << 29, 1 << 28, 1 << 27, 1 << 26, 1 << 15, 1 << 13
FRAME = PEER_MAC + OWN_MAC + b"\x88\xb5" + bytes(range(100))
CCM = 0x1000_0000


def tps(bench: Bench) -> int:
    return bench["DMASR"] >> 20 & 7


@pytest.mark.parametrize("enhanced", [False, True])
def test_a_frame_leaves_after_its_wire_time(enhanced: bool) -> None:
    bench = Bench(enhanced=enhanced)
    bench["DMAIER"] = NIS | TS
    bench.tx(0, FRAME, flags=IC | LAST | FIRST | ES | FF | 0x7F)  # with the status of an earlier round
    bench.tx_start()
    assert tps(bench) == 2
    bench.advance(wire_cycles(FRAME) - 1)
    assert (bench.sent, bench.irq.level) == ([], False)
    bench.advance(2)
    assert bench.sent == [FRAME]
    assert bench.irq.level
    assert bench.tdes(0)[0] == IC | LAST | FIRST | 1 << 20
    assert bench["DMASR"] & (TS | TBUS | NIS | ETS) == TS | TBUS | NIS | ETS
    assert bench["MMCTGFCR"] == 1


def test_ten_megabit_takes_ten_times_as_long() -> None:
    bench = Bench()
    bench["MACCR"] &= ~(1 << 14)
    bench.tx(0, FRAME)
    bench.tx_start()
    bench.advance(wire_cycles(FRAME, 10) - 1)
    assert bench.sent == []
    bench.advance(2)
    assert bench.sent == [FRAME]
    assert [entry.what for entry in bench.ledger.of_kind("illegal")] == ["MACCR.FES does not fit the link's 100 Mbit/s"]


def test_without_interrupt_on_completion_ts_stays_clear() -> None:
    bench = Bench()
    bench.tx(0, FRAME)
    bench.tx_start()
    bench.advance(ms=1)
    assert bench.sent == [FRAME]
    assert not bench["DMASR"] & TS


def test_an_empty_list_suspends_until_the_poll_demand() -> None:
    bench = Bench()
    bench.tx_start()
    assert bench["DMASR"] & TBUS
    assert tps(bench) == 6
    bench["DMASR"] = TBUS
    bench.tx(0, FRAME)
    bench.advance(ms=1)
    assert bench.sent == []
    bench["DMATPDR"] = 0
    bench.advance(ms=1)
    assert bench.sent == [FRAME]
    assert bench["DMASR"] & TBUS


def test_frames_queued_while_one_is_on_the_wire_follow_without_a_poll_demand() -> None:
    bench = Bench()
    bench.tx(0, FRAME)
    bench.tx_start()
    others = [FRAME + bytes([n]) for n in range(3)]
    for n, frame in enumerate(others):
        bench.tx(n + 1, frame)
    bench.advance(ms=1)
    assert bench.sent == [FRAME, *others]
    assert bench["DMACHTDR"] == TX_LIST


def test_a_frame_of_several_descriptors_with_two_buffers_each() -> None:
    bench = Bench()
    data = FRAME + bytes(300)
    bench.ram.write(TX_BUFFERS, data)
    parts = [(FIRST, 60, 40), (0, 10, 0), (LAST | IC | 1 << 21, 100, len(data) - 210)]
    at = TX_BUFFERS
    for n, (flags, one, two) in enumerate(parts):
        bench.put(TX_LIST + n * 16, OWN | flags, two << 16 | one, at, at + one)
        at += one + two
    bench.tx_start()
    assert [bench.tdes(n)[0] & OWN for n in range(3)] == [0, 0, OWN]  # read ones are closed, the last waits for status
    bench.advance(ms=1)
    assert bench.sent == [data]
    assert bench["DMASR"] & TS
    assert bench["DMACHTDR"] == TX_LIST  # end of ring


def test_a_frame_whose_rest_comes_later() -> None:
    bench = Bench()
    bench.tx(0, FRAME[:50], flags=FIRST)
    bench.tx_start()
    assert bench["DMASR"] & TBUS
    bench.tx(1, FRAME[50:], flags=LAST)
    bench["DMATPDR"] = 1
    bench.advance(ms=1)
    assert bench.sent == [FRAME]


def test_short_frames_are_padded() -> None:
    bench = Bench()
    bench.tx(0, FRAME[:20])
    bench.tx(1, FRAME[:20], flags=FIRST | LAST | DP)
    bench.tx_start()
    bench.advance(ms=1)
    assert bench.sent == [FRAME[:20] + bytes(40)]
    assert bench.eth.dropped == {"sent shorter than 64 bytes": 1}


def test_jabber_is_cut_off() -> None:
    bench = Bench()
    bench.tx(0, FRAME.ljust(2045, b"x"))
    bench.tx(2, FRAME.ljust(2044, b"x"))
    bench.put(TX_LIST + 12, TX_LIST + 32)
    bench.tx_start()
    bench.advance(ms=1)
    assert bench.sent == [FRAME.ljust(2044, b"x")]
    assert bench.eth.dropped == {"sent longer than 2048 bytes": 1}


@pytest.mark.parametrize("flags", [FIRST, 0])
def test_a_frame_that_never_ends_takes_no_more_memory(flags: int) -> None:
    """Descriptors without TDES0.LS, given to the DMA again and again; the frame is cut off as any that is too long."""
    bench = Bench()
    bench.tx_start()
    for n in range(100):
        bench.tx(0, bytes(1500), flags=flags if n == 0 else 0, count=1)
        bench["DMATPDR"] = 0
    assert len(bench.eth._tx._frame) == 2049
    bench.tx(0, bytes(1500), flags=LAST, count=1)
    bench["DMATPDR"] = 0
    bench.advance(ms=1)
    assert bench.sent == []
    assert bench.eth.dropped == ({"sent longer than 2048 bytes": 1} if flags else {})
    assert bench.tdes(0)[0] >> 31 == 0


def test_software_may_bring_its_own_fcs() -> None:
    bench = Bench()
    bench.tx(0, FRAME + fcs(FRAME), flags=FIRST | LAST | DC)
    bench.tx(1, FRAME + b"oops", flags=FIRST | LAST | DC)
    bench.tx_start()
    bench.advance(ms=1)
    assert bench.sent == [FRAME]
    assert bench.eth.dropped == {"sent with a bad FCS": 1}


def test_nothing_leaves_while_the_transmitter_is_off() -> None:
    bench = Bench()
    bench["MACCR"] &= ~8
    bench.tx(0, FRAME)
    bench.tx_start()
    bench.advance(ms=1)
    assert bench.sent == []
    bench["MACCR"] |= 8
    bench.advance(ms=1)
    assert bench.sent == [FRAME]


def test_flush_gives_up_the_frame_and_clears_itself() -> None:
    bench = Bench()
    bench.tx(0, FRAME, flags=FIRST | LAST | IC)
    bench.tx_start()
    bench["DMAOMR"] |= 1 << 20
    assert not bench["DMAOMR"] & 1 << 20
    bench.advance(ms=1)
    assert bench.sent == []
    assert bench.tdes(0)[0] & (OWN | FF | ES) == FF | ES


def test_stop_lets_the_frame_end_and_start_goes_on_behind_it() -> None:
    bench = Bench()
    bench.tx(0, FRAME)
    bench.tx(1, FRAME + b"2")
    bench.tx_start()
    bench["DMAOMR"] &= ~(1 << 13)
    assert not bench["DMASR"] & TPSS
    bench.advance(ms=1)
    assert bench.sent == [FRAME]
    assert bench["DMASR"] & TPSS
    assert tps(bench) == 0
    bench.tx_start()
    bench.advance(ms=1)
    assert bench.sent == [FRAME, FRAME + b"2"]


def test_loopback_comes_back_and_does_not_leave() -> None:
    bench = Bench()
    bench["MACCR"] |= 1 << 12
    bench["MACFFR"] = 1
    bench.rx_ring()
    bench.tx(0, FRAME)
    bench.tx_start()
    bench.advance(ms=1)
    assert bench.sent == []
    assert bench.stored(0) == FRAME + fcs(FRAME)


def test_no_link_no_frame_yet_the_descriptor_is_closed() -> None:
    bench = Bench()
    bench.phy.set_link(False)
    bench.tx(0, FRAME)
    bench.tx_start()
    bench.advance(ms=1)
    assert bench.eth.dropped == {"sent without a link": 1}
    assert not bench.tdes(0)[0] & OWN


def test_descriptors_out_of_reach_are_a_fatal_bus_error() -> None:
    bench = Bench()
    bench["DMAIER"] = AIS | FBES
    bench.rx_ring()
    bench["DMATDLAR"] = CCM
    bench.tx_start()
    assert bench["DMASR"] & (FBES | AIS | 7 << 23) == FBES | AIS | 7 << 23  # descriptor, read, transmit
    assert bench.irq.level
    bench.eth.receive(OWN_MAC + FRAME[6:])
    bench.advance(ms=1)
    assert bench.rdes(0)[0] == OWN  # reception is dead, too
    bench["DMASR"] = FBES | AIS
    bench["DMATDLAR"] = TX_LIST
    bench.tx(0, FRAME)
    bench["DMAOMR"] &= ~(1 << 13)
    bench.tx_start()
    bench.advance(ms=1)
    assert bench.sent == []  # dead until reset
    assert bench.ledger.of_kind("illegal")[0].what == "the Ethernet DMA cannot reach 0x10000000"
    bench.start()
    bench.tx_start()
    bench.advance(ms=1)
    assert bench.sent == [FRAME]


@pytest.mark.parametrize(("direction", "ebs"), [("tx", 0b011), ("rx", 0b000), ("rx descriptor", 0b110)])
def test_other_accesses_out_of_reach_are_one_too(direction: str, ebs: int) -> None:
    bench = Bench()
    if direction == "tx":
        bench.put(TX_LIST, OWN | FIRST | LAST, 100, CCM, 0)
        bench.tx_start()
    elif direction == "rx descriptor":
        bench["DMARDLAR"] = CCM
        bench["DMAOMR"] |= 2
    else:
        bench.rx_ring()
        bench.put(bench["DMARDLAR"] + 8, CCM)
        bench.eth.receive(OWN_MAC + FRAME[6:])
        bench.advance(ms=1)
    assert bench["DMASR"] & FBES
    assert bench["DMASR"] >> 23 & 7 == ebs


def test_a_frame_without_a_first_segment_is_an_error_of_the_firmware() -> None:
    bench = Bench()
    bench.tx(0, FRAME, flags=LAST)
    bench.tx(1, FRAME)
    bench.tx_start()
    bench.advance(ms=1)
    assert bench.sent == [FRAME]
    assert bench.ledger.of_kind("illegal")[0].what == "transmit frame without TDES0.FS"


def test_checksums_need_store_and_forward() -> None:
    bench = Bench()
    bench["DMAOMR"] = 0
    bench.tx(0, FRAME, flags=FIRST | LAST | 3 << 22)
    bench.tx_start()
    bench.advance(ms=1)
    assert bench.sent == [FRAME]
    assert "store-and-forward" in bench.ledger.of_kind("illegal")[0].what
