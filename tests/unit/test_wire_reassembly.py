# SPDX-License-Identifier: GPL-2.0-or-later
"""Fragments: bounds, time-out, overlaps, and messages about broken packets."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from stm32emu.netbridge.reassembly import MAX_PACKETS, TIMEOUT, Reassembler
from stm32emu.netbridge.wire.arp import ArpPacket
from stm32emu.netbridge.wire.dhcp import DhcpMessage
from stm32emu.netbridge.wire.errors import ChecksumError, MalformedError, TruncatedError, WireError
from stm32emu.netbridge.wire.ethernet import EthernetFrame, Mac
from stm32emu.netbridge.wire.icmp import IcmpMessage
from stm32emu.netbridge.wire.ipv4 import Ipv4Packet
from stm32emu.netbridge.wire.tcp import TcpSegment
from stm32emu.netbridge.wire.udp import UdpDatagram

SRC, DST = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")
PACKET = Ipv4Packet(SRC, DST, 17, bytes(range(100)), 7)
FIRST, SECOND, THIRD = PACKET.fragments(60)


def test_a_whole_packet_passes() -> None:
    assert Reassembler().receive(PACKET, 0) is PACKET


def test_packets_do_not_mix() -> None:
    reassembler = Reassembler()
    other = replace(PACKET, identification=8, payload=bytes(100)).fragments(60)
    for piece in (FIRST, other[0], SECOND, other[1], other[2]):
        result = reassembler.receive(piece, 0)
    assert result is not None
    assert result.payload == bytes(100)
    assert reassembler.receive(THIRD, 0) == PACKET


def test_a_late_fragment_completes_nothing() -> None:
    reassembler = Reassembler()
    reassembler.receive(FIRST, 0)
    reassembler.receive(SECOND, 0)
    assert reassembler.receive(THIRD, TIMEOUT) is None
    reassembler = Reassembler()
    reassembler.receive(FIRST, 0)
    reassembler.receive(SECOND, 0)
    assert reassembler.receive(THIRD, TIMEOUT - 1) == PACKET


@pytest.mark.parametrize(
    "bad",
    [
        replace(SECOND, fragment_offset=SECOND.fragment_offset - 8),
        replace(SECOND, payload=SECOND.payload[:-1]),
        replace(SECOND, payload=b""),
        replace(SECOND, payload=bytes(len(FIRST.payload)), fragment_offset=0),
        replace(THIRD, fragment_offset=65528),
    ],
    ids=["overlap", "not a multiple of 8", "empty", "another first one", "beyond 65535"],
)
def test_a_fragment_that_cannot_be_spoils_the_packet(bad: Ipv4Packet) -> None:
    reassembler = Reassembler()
    assert [reassembler.receive(piece, 0) for piece in (FIRST, bad, SECOND, THIRD)] == [None] * 4
    assert reassembler.receive(FIRST, 0) == PACKET, "what came before the bad one is forgotten"


def test_bytes_behind_the_end_do_not_fill_a_hole() -> None:
    """The sum of what came equals the length, but bytes 8 to 15 never came."""
    reassembler = Reassembler()
    for offset, size, more in ((0, 8, True), (24, 8, True), (16, 0, False)):
        piece = replace(PACKET, payload=bytes(size), fragment_offset=offset, more_fragments=more)
        assert reassembler.receive(piece, 0) is None


@pytest.mark.parametrize(("size", "fits"), [(65475, True), (65476, False)])
@pytest.mark.parametrize("backwards", [False, True])
def test_header_and_payload_together_are_at_most_65535_bytes(size: int, fits: bool, backwards: bool) -> None:
    reassembler = Reassembler()
    packet = replace(PACKET, payload=bytes(65472), options=bytes(40))
    *pieces, last = packet.fragments()
    pieces.append(replace(last, more_fragments=True))
    pieces.append(replace(last, payload=bytes(size - 65472), fragment_offset=65472))
    whole = [reassembler.receive(piece, 0) for piece in (reversed(pieces) if backwards else pieces)]
    assert [each is not None for each in whole] == [False] * (len(pieces) - 1) + [fits]


def test_the_oldest_goes_when_there_are_too_many() -> None:
    reassembler = Reassembler()
    for ident in range(MAX_PACKETS + 1):
        reassembler.receive(replace(FIRST, identification=ident), 0)
    for ident, whole in ((1, True), (0, False)):
        reassembler.receive(replace(SECOND, identification=ident), 0)
        assert (reassembler.receive(replace(THIRD, identification=ident), 0) is not None) == whole


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: EthernetFrame.parse(bytes(13)), TruncatedError, "an Ethernet frame needs 14 bytes, 13 are there"),
        (lambda: Mac(bytes(5)), MalformedError, "a MAC address has 6 bytes, not 5"),
        (lambda: ArpPacket.parse(bytes(28)), MalformedError, "ARP is not for IPv4 over Ethernet: [0, 0, 0, 0]"),
        (lambda: Ipv4Packet.parse(b"\x65" + bytes(19)), MalformedError, "IP version 6 in an IPv4 packet"),
        (lambda: Ipv4Packet.parse(b"\x44" + bytes(19)), MalformedError, "IPv4 header length 16 is below 20"),
        (lambda: Ipv4Packet.parse(PACKET.emit()[:-1]), TruncatedError, "an IPv4 packet needs 120 bytes, 119 are there"),
        (lambda: Ipv4Packet.parse(b"\x45\1" + PACKET.emit()[2:]), ChecksumError, "IPv4 header checksum is wrong"),
        (lambda: IcmpMessage.parse(bytes(8)), ChecksumError, "ICMP checksum is wrong"),
        (lambda: UdpDatagram.parse(bytes(8), SRC, DST), MalformedError, "UDP length 0 is below 8"),
        (lambda: TcpSegment.parse(bytes(20), SRC, DST), MalformedError, "TCP data offset 0 is below 20"),
        (lambda: DhcpMessage.parse(bytes(239)), TruncatedError, "a DHCP message needs 240 bytes, 239 are there"),
    ],
)
def test_errors_say_what_is_wrong(make: object, error: type[WireError], text: str) -> None:
    assert callable(make)
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == text


def test_udp_without_a_checksum_is_accepted() -> None:
    raw = UdpDatagram(1, 2, b"x").emit(SRC, DST)
    assert UdpDatagram.parse(raw[:6] + b"\0\0" + raw[8:], SRC, DST).payload == b"x"


def test_a_udp_checksum_of_zero_travels_as_all_ones() -> None:
    found = [raw for port in range(65536) if (raw := UdpDatagram(port, 0, b"").emit(SRC, DST))[6:8] == b"\xff\xff"]
    assert len(found) == 1
    assert UdpDatagram.parse(found[0], SRC, DST).dst_port == 0


def test_dhcp_options_may_lie_in_the_unused_fields() -> None:
    """Option overload (RFC 2132 section 9.3), and pieces of one option joined (RFC 3396)."""
    raw = bytearray(DhcpMessage(1, 7, Mac(bytes(6)), ((52, b"\3"), (53, b"\1"))).emit()[:240])
    raw[44:47], raw[108:112] = b"\x0c\x01s", b"\x38\x02fi"
    raw += b"\x34\1\3\x35\1\1\x0f\1a\x0f\1b\xff"
    message = DhcpMessage.parse(bytes(raw))
    assert dict(message.options) == {53: b"\1", 15: b"ab", 12: b"s", 56: b"fi"}


def test_text_of_addresses_and_segments() -> None:
    mac = Mac(bytes.fromhex("0080e1000001"))
    assert (str(mac), repr(mac)) == ("00:80:e1:00:00:01", "Mac(00:80:e1:00:00:01)")
    assert str(TcpSegment(1, 2, 3, 4, 0x12, 5, b"abc")) == "1 -> 2 [SYN ACK] seq=3 ack=4 win=5 len=3"
