# SPDX-License-Identifier: GPL-2.0-or-later
"""The checksum engines and the FCS against scapy: frames it builds right, built wrong and put right by insertion."""

from __future__ import annotations

import random
import sys
import zlib
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet, Raw

from stm32emu.peripherals.eth_block import frame_check_sequence
from stm32emu.peripherals.eth_checksum import Check, check, insert

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))
from eth_bench import Bench, fcs

LINK = Ether(dst="00:80:e1:00:00:01", src="02:00:00:00:00:01")
V4 = IP(src="192.168.0.1", dst="192.168.0.254")
V6 = IPv6(src="fe80::1", dst="fe80::254")

NETWORKS = {
    "ipv4": V4,
    "options": IP(src="10.0.0.1", dst="10.0.0.2", options=[IPOption_NOP()] * 4),
    "vlan": Dot1Q(vlan=7) / V4,
    "ipv6": V6,
    "extension": V6 / IPv6ExtHdrDestOpt(),
}
PAYLOADS = {
    "tcp": TCP(sport=4433, dport=50000, flags="PA", seq=0xFFFF_FFF0, ack=77),
    "udp": UDP(sport=53, dport=1234),
}
LENGTHS = (0, 1, 2, 7, 536, 1400, 1401)


def data(length: int) -> Raw:
    return Raw(random.Random(length).randbytes(length))


def cases() -> list[tuple[str, Packet]]:
    """Correct packets of each kind and several lengths, by name."""
    found = [
        (f"{network}-{payload}-{length}", LINK / NETWORKS[network] / PAYLOADS[payload] / data(length))
        for network in NETWORKS
        for payload in PAYLOADS
        for length in LENGTHS
    ]
    found += [(f"ipv4-icmp-{length}", LINK / V4 / ICMP(id=1, seq=2) / data(length)) for length in LENGTHS]
    return found + [(f"ipv6-icmp-{length}", LINK / V6 / ICMPv6EchoRequest() / data(length)) for length in LENGTHS]


UDP4 = LINK / V4 / UDP() / data(100)
CASES = [pytest.param(packet, id=name) for name, packet in cases()]
TRANSPORT = (TCP, UDP, ICMP, ICMPv6EchoRequest)


def without_checksums(packet: Packet, transport: int = 0) -> bytes:
    """The frame with IPv4's checksum wrong and the transport's as given."""
    copy = packet.copy()
    if IP in copy:
        copy[IP].chksum = 0xDEAD
    layer = next(layer for layer in TRANSPORT if layer in copy)
    if layer is ICMPv6EchoRequest:
        copy[layer].cksum = transport
    else:
        copy[layer].chksum = transport
    return bytes(copy)


@pytest.mark.parametrize("packet", CASES)
def test_full_insertion_makes_the_frame_scapy_builds(packet: Packet) -> None:
    stale = 0 if ICMP in packet else 0xBEEF  # in full mode the field is ignored, except in ICMP
    result = insert(without_checksums(packet, stale), 3)
    assert result == (bytes(packet), False, False, False)


@pytest.mark.parametrize("packet", CASES)
def test_partial_insertion_with_the_pseudo_headers_sum_in_the_field(packet: Packet) -> None:
    right = bytes(packet)
    zeroed = insert(without_checksums(packet, 0), 2).frame  # what the payload alone sums up to
    layer = next(layer for layer in TRANSPORT if layer in packet)
    start = len(right) - len(bytes(packet[layer]))
    field = start + {TCP: 16, UDP: 6}.get(layer, 2)
    alone = 0xFFFF ^ int.from_bytes(zeroed[field : field + 2], "big")
    wanted = 0xFFFF ^ int.from_bytes(right[field : field + 2], "big")
    pseudo = (wanted - alone) % 0xFFFF
    result = insert(without_checksums(packet, pseudo), 2).frame
    assert check(result) == check(right)
    assert result[:field] + result[field + 2 :] == right[:field] + right[field + 2 :]


@pytest.mark.parametrize("packet", CASES)
def test_header_only_insertion_leaves_the_payload_alone(packet: Packet) -> None:
    result = insert(without_checksums(packet, 0x1234), 1).frame
    expected = packet.copy()
    layer = next(layer for layer in TRANSPORT if layer in expected)
    setattr(expected[layer], "cksum" if layer is ICMPv6EchoRequest else "chksum", 0x1234)
    assert result == bytes(expected)


@pytest.mark.parametrize("packet", CASES)
def test_right_frames_pass_and_any_flipped_bit_is_noticed(packet: Packet) -> None:
    frame = bytes(packet)
    verdict = check(frame)
    assert (verdict.header_error, verdict.payload_error, verdict.bypassed) == (False, False, False)
    assert verdict.version == (4 if IP in packet else 6)
    layer = next(layer for layer in TRANSPORT if layer in packet)
    start = len(frame) - len(bytes(packet[layer]))
    chance = random.Random(len(frame))
    for _ in range(8):
        damaged = bytearray(frame)
        where = chance.randrange(start, len(frame))
        damaged[where] ^= 1 << chance.randrange(8)
        if layer is UDP and damaged[start + 6 : start + 8] == b"\0\0":
            continue
        assert check(bytes(damaged)).payload_error
    if IP in packet:
        damaged = bytearray(frame)
        damaged[-len(bytes(packet[IP])) + 8] ^= 1  # TTL
        assert check(bytes(damaged)).header_error


def test_zero_in_udp_means_no_checksum_and_is_never_made() -> None:
    assert check(bytes(LINK / V4 / UDP(chksum=0) / b"x")) == Check(4, 17)
    zeros = insert(bytes(LINK / V4 / UDP(sport=1, dport=2) / b"\0\0"), 3).frame
    complement = zeros[40:42]  # as payload it makes the sum 0xFFFF, so the checksum would be 0
    right = bytes(LINK / V4 / UDP(sport=1, dport=2) / complement)
    assert right[40:42] == b"\xff\xff"
    assert insert(right[:40] + b"\0\0" + complement, 3).frame == right


def test_stale_icmp_checksums_come_out_as_zero() -> None:
    """What users of this silicon report: a checksum that software had filled in rightly leaves as 0x0000."""
    result = insert(bytes(LINK / V4 / ICMP() / b"ping"), 3)
    assert result.stale_icmp
    assert Ether(result.frame)[ICMP].chksum == 0


@pytest.mark.parametrize(
    "packet",
    [
        LINK / IP(flags="MF") / UDP() / b"12345678",
        LINK / IP(frag=3, proto=17) / b"12345678",
        LINK / IP(proto=47) / b"gre",
        LINK / V6 / IPv6ExtHdrRouting(addresses=["fe80::2"]) / UDP() / b"x",
    ],
    ids=["first-fragment", "fragment", "gre", "routing"],
)
def test_payloads_beyond_the_engine_are_bypassed(packet: Packet) -> None:
    frame = bytes(packet)
    assert check(frame).bypassed
    assert insert(frame, 3).frame == frame


@pytest.mark.parametrize("control", [0, 1, 2, 3])
def test_other_frames_pass_untouched(control: int) -> None:
    frame = bytes(LINK / ARP())
    assert insert(frame, control).frame == frame
    assert check(frame) == Check()


def test_broken_headers_and_lengths_are_reported() -> None:
    good = bytes(LINK / V4 / UDP() / b"12345678")
    for broken in (good[:14] + b"\x65" + good[15:], good[:14] + b"\x44" + good[15:], good[:30]):
        assert check(broken).header_error
        assert insert(broken, 3).header_error
    assert check(good[:34]) == Check(4, 17, payload_error=True)  # the header is just complete
    assert check(good[:33]).header_error
    assert check(good[:-3]).payload_error
    assert insert(good[:-3], 3).payload_error
    stub = bytes(LINK / IP(proto=17) / b"1234") + bytes(40)  # an IP length too small for UDP's header
    assert check(stub).payload_error
    assert insert(stub, 3).payload_error
    extended = bytes(LINK / V6 / IPv6ExtHdrDestOpt() / UDP() / b"x")
    assert check(extended[:61]).header_error
    assert not check(extended[:62]).header_error


def test_fcs_leaves_the_residue_that_receivers_look_for() -> None:
    frame = bytes(UDP4)
    assert frame_check_sequence(frame) == fcs(frame)
    assert zlib.crc32(frame + frame_check_sequence(frame)) == 0x2144_DF1C  # IEEE 802.3 section 3.2.9


@pytest.mark.parametrize("packet", CASES)
def test_frames_through_the_block_both_ways(packet: Packet) -> None:
    """As sent by lwIP with all checksums left to the hardware; and received, with status in both descriptor formats."""
    frame = bytes(packet)
    for enhanced in (False, True):
        bench = Bench(enhanced=enhanced)
        bench.rx_ring()
        bench.tx(0, without_checksums(packet), flags=0b11 << 28 | 3 << 22)
        bench.tx_start()
        bench.eth.receive(frame)
        bench.advance(ms=1)
        padded = frame.ljust(60, b"\0")
        assert bench.sent == [padded]
        assert bench.stored(0) == padded + fcs(padded)
        status = bench.rdes(0)[0] & 0xA1
        if enhanced:
            protocol = 1 if UDP in packet else 2 if TCP in packet else 3
            assert status == 0x21
            assert bench.rdes(0)[4] == (0x40 if IP in packet else 0x80) | protocol
        else:
            assert status == 0x20


def received(frame: bytes, *, enhanced: bool, forward: bool = True) -> Bench:
    bench = Bench(enhanced=enhanced)
    bench["DMAOMR"] |= forward << 26
    bench.rx_ring()
    bench.eth.receive(frame)
    bench.advance(ms=1)
    return bench


def damaged(packet: Packet, at: int) -> bytes:
    frame = bytearray(bytes(packet))
    frame[at] ^= 1
    return bytes(frame)


STATUSES = [
    pytest.param(damaged(UDP4, -1), 0x21, 0x40 | 0x10 | 1, id="payload"),
    pytest.param(damaged(UDP4, 22), 0xA0, 0x40 | 0x20 | 0x08, id="header"),
    pytest.param(bytes(LINK / ARP()), 0x81, 0, id="not-ip"),
    pytest.param(bytes(LINK / IP(proto=47) / data(100)), 0x01, 0x40 | 0x20, id="unsupported"),
]


@pytest.mark.parametrize(("frame", "normal", "extended"), STATUSES)
def test_receive_checksum_status(frame: bytes, normal: int, extended: int) -> None:
    """RM0090's table of frame statuses (bits 7, 5, 0) and RDES4."""
    assert received(frame, enhanced=False).rdes(0)[0] & 0xA1 == normal
    assert received(frame, enhanced=True).rdes(0)[4] == extended


def test_checksum_errors_are_dropped_unless_forwarding_is_asked_for() -> None:
    bench = received(damaged(UDP4, -1), enhanced=True, forward=False)
    assert bench.rdes(0)[0] >> 31
    assert bench.eth.dropped == {"bad IP, TCP, UDP or ICMP checksum": 1}
