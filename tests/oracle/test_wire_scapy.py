# SPDX-License-Identifier: GPL-2.0-or-later
"""Codecs against scapy, both ways: what we emit scapy reads alike, what scapy builds we read and emit alike."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from stm32emu.netbridge.wire.arp import ArpPacket
from stm32emu.netbridge.wire.dhcp import DhcpMessage, MessageType, Option
from stm32emu.netbridge.wire.ethernet import EthernetFrame, Mac
from stm32emu.netbridge.wire.icmp import IcmpMessage
from stm32emu.netbridge.wire.ipv4 import Ipv4Packet
from stm32emu.netbridge.wire.tcp import TcpSegment
from stm32emu.netbridge.wire.udp import UdpDatagram

u8, u16, u32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))
payloads = st.binary(max_size=50)
macs = st.binary(min_size=6, max_size=6).map(Mac)
addresses = st.integers(1, (1 << 32) - 1).map(IPv4Address)
some = settings(max_examples=50)


def rebuilt(packet: Packet, *layers: type[Packet]) -> bytes:
    """The packet's bytes with every checksum and length of `layers` computed by scapy."""
    for layer in layers:
        for field in ("chksum", "len"):
            if field in packet[layer].fields:
                delattr(packet[layer], field)
    return bytes(packet)


@some
@given(macs, macs, st.integers(0x600, 0xFFFF), payloads)
def test_ethernet(dst: Mac, src: Mac, kind: int, payload: bytes) -> None:
    raw = EthernetFrame(dst, src, kind, payload).emit()
    seen = Ether(raw)
    assert (seen.dst, seen.src, seen.type, bytes(seen.payload)) == (str(dst), str(src), kind, payload)
    built = bytes(Ether(dst=str(dst), src=str(src), type=kind) / Raw(payload))
    assert EthernetFrame.parse(built).emit() == built


@some
@given(st.sampled_from([1, 2]), macs, addresses, macs, addresses)
def test_arp(op: int, sender: Mac, sender_ip: IPv4Address, target: Mac, target_ip: IPv4Address) -> None:
    packet = ArpPacket(op, sender, sender_ip, target, target_ip)
    built = bytes(ARP(op=op, hwsrc=str(sender), psrc=str(sender_ip), hwdst=str(target), pdst=str(target_ip)))
    assert packet.emit() == built
    assert ArpPacket.parse(built) == packet


@some
@given(addresses, addresses, u8, payloads, u16, u8, u8, st.booleans(), st.booleans(), st.integers(0, 8191))
def test_ipv4(
    src: IPv4Address,
    dst: IPv4Address,
    protocol: int,
    payload: bytes,
    ident: int,
    ttl: int,
    tos: int,
    df: bool,
    mf: bool,
    offset: int,
) -> None:
    packet = Ipv4Packet(src, dst, protocol, payload, ident, ttl, tos, df, mf, offset * 8)
    flags = ("DF+" * df + "MF+" * mf).rstrip("+")
    header = IP(src=str(src), dst=str(dst), proto=protocol, id=ident, ttl=ttl, tos=tos, frag=offset, flags=flags or 0)
    built = bytes(header / Raw(payload))
    assert packet.emit() == built
    assert Ipv4Packet.parse(built) == packet


@some
@given(payloads, u16, u16)
def test_icmp_echo(payload: bytes, ident: int, sequence: int) -> None:
    built = bytes(ICMP(type=8, id=ident, seq=sequence) / Raw(payload))
    assert IcmpMessage.echo_request(ident, sequence, payload).emit() == built
    message = IcmpMessage.parse(built)
    assert (message.identifier, message.sequence, message.payload) == (ident, sequence, payload)


@some
@given(addresses, addresses, u16, u16, payloads)
def test_udp(src: IPv4Address, dst: IPv4Address, src_port: int, dst_port: int, payload: bytes) -> None:
    datagram = UdpDatagram(src_port, dst_port, payload)
    ip = IP(src=str(src), dst=str(dst))
    built = bytes(ip / UDP(sport=src_port, dport=dst_port) / Raw(payload))
    assert datagram.emit(src, dst) == built[20:]
    assert UdpDatagram.parse(built[20:], src, dst) == datagram
    ours = Ipv4Packet(src, dst, 17, datagram.emit(src, dst), 1, 64).emit()
    assert rebuilt(IP(ours), IP, UDP) == ours


tcp_fields = (u16, u16, u32, u32, st.integers(0, 0x3F), u16, payloads, st.none() | u16, u16)


@some
@given(addresses, addresses, *tcp_fields)
def test_tcp(
    src: IPv4Address,
    dst: IPv4Address,
    src_port: int,
    dst_port: int,
    seq: int,
    ack: int,
    flags: int,
    window: int,
    payload: bytes,
    mss: int | None,
    urgent: int,
) -> None:
    segment = TcpSegment(src_port, dst_port, seq, ack, flags, window, payload, mss, urgent)
    options = [] if mss is None else [("MSS", mss)]
    fields = {"seq": seq, "ack": ack, "flags": flags, "window": window, "urgptr": urgent, "options": options}
    built = bytes(IP(src=str(src), dst=str(dst)) / TCP(sport=src_port, dport=dst_port, **fields) / Raw(payload))
    assert segment.emit(src, dst) == built[20:]
    assert TcpSegment.parse(built[20:], src, dst) == segment


def test_tcp_options_of_a_linux_syn() -> None:
    options = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)]
    built = bytes(IP(src="10.0.0.1", dst="10.0.0.2") / TCP(flags="S", options=options))[20:]
    assert TcpSegment.parse(built, IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")).mss == 1460


@pytest.mark.parametrize("kind", list(MessageType))
def test_dhcp(kind: MessageType) -> None:
    mac = Mac(bytes.fromhex("0080e1000001"))
    options = [("message-type", int(kind)), ("requested_addr", "10.0.2.15"), ("server_id", "10.0.2.1"), "end"]
    built = bytes(BOOTP(op=1, xid=0x1234, chaddr=bytes(mac), flags=0x8000) / DHCP(options=options))
    message = DhcpMessage.parse(built)
    assert (message.xid, message.client_mac, message.message_type) == (0x1234, mac, kind)
    assert message.address_option(Option.REQUESTED_IP) == IPv4Address("10.0.2.15")
    seen = BOOTP(message.emit())
    assert (seen.xid, seen.chaddr[:6], seen.flags) == (0x1234, bytes(mac), 0x8000)
    assert seen[DHCP].options[:3] == options[:3]
