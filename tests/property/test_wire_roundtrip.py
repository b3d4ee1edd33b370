# SPDX-License-Identifier: GPL-2.0-or-later
"""Every codec: parse(emit(x)) == x, and arbitrary or damaged bytes either parse or raise WireError."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stm32emu.netbridge.wire.arp import ArpPacket
from stm32emu.netbridge.wire.checksum import internet_checksum
from stm32emu.netbridge.wire.dhcp import DhcpMessage, Option
from stm32emu.netbridge.wire.errors import ChecksumError, WireError
from stm32emu.netbridge.wire.ethernet import EthernetFrame, Mac
from stm32emu.netbridge.wire.icmp import IcmpMessage
from stm32emu.netbridge.wire.ipv4 import Ipv4Packet
from stm32emu.netbridge.wire.tcp import TcpSegment
from stm32emu.netbridge.wire.udp import UdpDatagram

SRC = IPv4Address("192.168.0.1")
DST = IPv4Address("192.168.0.254")

u8, u16, u32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))
payloads = st.binary(max_size=64)
macs = st.binary(min_size=6, max_size=6).map(Mac)
addresses = u32.map(IPv4Address)

frames = st.builds(EthernetFrame, macs, macs, u16, payloads)
arps = st.builds(ArpPacket, st.sampled_from([1, 2]), macs, addresses, macs, addresses)
packets = st.builds(
    Ipv4Packet,
    addresses,
    addresses,
    u8,
    payloads,
    u16,
    u8,
    u8,
    st.booleans(),
    st.booleans(),
    st.integers(0, 0x1FFF).map(lambda units: units * 8),
    st.integers(0, 10).flatmap(lambda words: st.binary(min_size=4 * words, max_size=4 * words)),
)
icmps = st.builds(IcmpMessage, u8, u8, payloads, u32)
datagrams = st.builds(UdpDatagram, u16, u16, payloads)
segments = st.builds(TcpSegment, u16, u16, u32, u32, u8, u16, payloads, st.none() | u16, u16)
option_codes = st.integers(1, 254).filter(lambda code: code != Option.OVERLOAD)
dhcps = st.builds(
    DhcpMessage,
    st.sampled_from([1, 2]),
    u32,
    macs,
    st.dictionaries(option_codes, st.binary(max_size=600), max_size=4).map(lambda d: tuple(d.items())),
    addresses,
    addresses,
    addresses,
    addresses,
    u16,
    u16,
    u8,
)

PARSERS: dict[str, Callable[[bytes], object]] = {
    "ethernet": EthernetFrame.parse,
    "arp": ArpPacket.parse,
    "ipv4": Ipv4Packet.parse,
    "icmp": IcmpMessage.parse,
    "udp": lambda data: UdpDatagram.parse(data, SRC, DST),
    "tcp": lambda data: TcpSegment.parse(data, SRC, DST),
    "dhcp": DhcpMessage.parse,
}


def sealed(data: bytes, at: int, start: bytes = b"") -> bytes:
    """`data` with a right checksum at `at`, so that damage gets past it."""
    if len(data) < at + 2:
        return data
    blank = data[:at] + b"\0\0" + data[at + 2 :]
    return data[:at] + internet_checksum(start + blank).to_bytes(2, "big") + data[at + 2 :]


@given(frames)
def test_ethernet_round_trip(frame: EthernetFrame) -> None:
    assert EthernetFrame.parse(frame.emit()) == frame


@given(arps, payloads)
def test_arp_round_trip_ignores_padding(packet: ArpPacket, padding: bytes) -> None:
    assert ArpPacket.parse(packet.emit() + padding) == packet


@given(packets, payloads)
def test_ipv4_round_trip_ignores_padding(packet: Ipv4Packet, padding: bytes) -> None:
    assert Ipv4Packet.parse(packet.emit() + padding) == packet


@given(icmps)
def test_icmp_round_trip(message: IcmpMessage) -> None:
    assert IcmpMessage.parse(message.emit()) == message


@given(datagrams, addresses, addresses, payloads)
def test_udp_round_trip_ignores_padding(
    datagram: UdpDatagram, src: IPv4Address, dst: IPv4Address, padding: bytes
) -> None:
    assert UdpDatagram.parse(datagram.emit(src, dst) + padding, src, dst) == datagram


@given(segments, addresses, addresses)
def test_tcp_round_trip(segment: TcpSegment, src: IPv4Address, dst: IPv4Address) -> None:
    assert TcpSegment.parse(segment.emit(src, dst), src, dst) == segment


@given(dhcps)
def test_dhcp_round_trip(message: DhcpMessage) -> None:
    assert DhcpMessage.parse(message.emit()) == message


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
@given(data=st.binary(max_size=400))
def test_arbitrary_bytes_parse_or_raise_wire_error(parse: Callable[[bytes], object], data: bytes) -> None:
    with suppress(WireError):
        parse(data)


@given(packets, st.data())
def test_damaged_ipv4_header_is_noticed_or_harmless(packet: Ipv4Packet, data: st.DataObject) -> None:
    """Damage under a right checksum reaches the length checks."""
    raw = bytearray(packet.emit())
    size = 20 + len(packet.options)
    raw[data.draw(st.integers(0, size - 1))] = data.draw(u8)
    try:
        parsed = Ipv4Packet.parse(sealed(bytes(raw[:size]), 10) + raw[size:])
    except WireError:
        return
    assert len(parsed.payload) + 20 + len(parsed.options) <= len(raw)


@given(st.binary(min_size=20, max_size=60))
def test_tcp_headers_under_a_right_checksum(data: bytes) -> None:
    raw = sealed(data, 16, SRC.packed + DST.packed + b"\0\x06" + len(data).to_bytes(2, "big"))
    try:
        segment = TcpSegment.parse(raw, SRC, DST)
    except ChecksumError:
        raise AssertionError("the checksum was right") from None
    except WireError:
        return
    assert len(segment.payload) <= len(raw) - 20


@given(st.binary(max_size=200))
def test_dhcp_options_parse_or_raise_wire_error(options: bytes) -> None:
    raw = DhcpMessage(1, 7, Mac(bytes(6)), ()).emit()[:240]
    try:
        message = DhcpMessage.parse(raw + options)
    except WireError:
        return
    assert all(0 < code < 255 for code, _ in message.options)


@given(segments, st.data())
def test_a_flipped_bit_of_a_segment_is_noticed(segment: TcpSegment, data: st.DataObject) -> None:
    raw = bytearray(segment.emit(SRC, DST))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(WireError):
        TcpSegment.parse(bytes(raw), SRC, DST)


def folded(data: bytes) -> int:
    """RFC 1071 word by word."""
    total = 0
    for at in range(0, len(data), 2):
        total += int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big")
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@given(st.binary(max_size=300) | st.integers(0, 40).map(bytes) | st.integers(0, 40).map(lambda n: b"\xff" * n))
def test_the_checksum_is_that_of_rfc_1071(data: bytes) -> None:
    assert internet_checksum(data) == folded(data)


@given(st.binary(min_size=1, max_size=5000), st.integers(68, 1500), st.integers(0, 2))
def test_fragments_cover_the_packet(payload: bytes, mtu: int, words: int) -> None:
    packet = Ipv4Packet(SRC, DST, 17, payload, 99, options=bytes(4 * words))
    pieces = packet.fragments(mtu)
    assert b"".join(piece.payload for piece in pieces) == payload
    assert all(len(piece.emit()) <= mtu for piece in pieces)
    assert [piece.more_fragments for piece in pieces] == [True] * (len(pieces) - 1) + [False]
    offsets = [sum(len(before.payload) for before in pieces[:at]) for at in range(len(pieces))]
    assert [piece.fragment_offset for piece in pieces] == offsets
