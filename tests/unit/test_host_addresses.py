# SPDX-License-Identifier: GPL-2.0-or-later
"""How the host learns who the guest is, and what it says about itself: ARP, DHCP, IPv4 sources."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from fake_guest import GUEST_IP, GUEST_MAC, MS, FakeGuest
from stm32emu.netbridge.host import OUR_MAC, Host
from stm32emu.netbridge.wire import arp, dhcp
from stm32emu.netbridge.wire.arp import ArpPacket
from stm32emu.netbridge.wire.dhcp import BOOTREQUEST, DhcpMessage, MessageType, Option
from stm32emu.netbridge.wire.ethernet import BROADCAST, ETHERTYPE_ARP, NO_MAC, EthernetFrame, Mac
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_UDP, Ipv4Packet
from stm32emu.netbridge.wire.udp import UdpDatagram

NONE = IPv4Address(0)
EVERYBODY = IPv4Address("255.255.255.255")
GATEWAY = IPv4Address("192.168.0.1")


class Pair:
    """A host and a guest, by hand."""

    def __init__(self, guest_ip: str | None = None) -> None:
        self.lines: list[str] = []
        self.host = Host(guest_ip=IPv4Address(guest_ip) if guest_ip else None, log=self.lines.append)
        self.guest = FakeGuest()

    def exchange(self, now: int = 0) -> list[bytes]:
        """Guest to host, then host to guest; what the host sent."""
        for frame in self.guest.take_output(now):
            self.host.receive(frame, now)
        frames = self.host.take_output(now)
        for frame in frames:
            self.guest.receive(frame, now)
        return frames


def test_gratuitous_arp_teaches_and_is_not_answered() -> None:
    pair = Pair()
    pair.guest.announce()
    assert pair.exchange() == []
    assert (pair.host.guest.ip, pair.host.guest.mac, pair.host.guest.our_ip) == (GUEST_IP, GUEST_MAC, GATEWAY)
    assert pair.lines == ["guest: 192.168.0.254 is at 00:80:e1:00:00:00"]


def test_a_gratuitous_reply_teaches_too() -> None:
    pair = Pair()
    pair.guest.arp(arp.REPLY, GUEST_IP, BROADCAST, GUEST_IP)
    assert pair.exchange() == []
    assert pair.host.guest.ip == GUEST_IP


def test_a_probe_is_never_answered_and_settles_nothing() -> None:
    pair = Pair()
    pair.guest.arp(arp.REQUEST, NONE, NO_MAC, GUEST_IP)
    assert pair.exchange() == []
    assert (pair.host.guest.ip, pair.host.guest.known) == (None, False)


@pytest.mark.parametrize("asked", ["192.168.0.1", "192.168.0.77", "172.16.0.1", "8.8.8.8"])
def test_every_other_address_is_ours(asked: str) -> None:
    pair = Pair()
    pair.guest.arp(arp.REQUEST, GUEST_IP, NO_MAC, IPv4Address(asked))
    (frame,) = pair.exchange()
    assert len(frame) == 60
    assert EthernetFrame.parse(frame).dst == GUEST_MAC
    assert pair.guest.arps == [ArpPacket(arp.REPLY, OUR_MAC, IPv4Address(asked), GUEST_MAC, GUEST_IP)]


def test_arp_replies_are_not_answered() -> None:
    pair = Pair()
    pair.guest.arp(arp.REPLY, GUEST_IP, OUR_MAC, GATEWAY)
    assert pair.exchange() == []


def test_our_address_avoids_a_guest_that_is_the_first_of_its_net() -> None:
    pair = Pair()
    pair.guest.ip = IPv4Address("10.1.2.1")
    pair.guest.announce()
    pair.exchange()
    assert pair.host.guest.our_ip == IPv4Address("10.1.2.2")


def test_an_ip_source_teaches_and_the_latest_counts() -> None:
    pair = Pair()
    for address in ("169.254.3.4", "192.168.0.254"):
        pair.guest.ip = IPv4Address(address)
        pair.guest.packet(200, b"", EVERYBODY, BROADCAST)
        pair.exchange()
        assert pair.host.guest.ip == IPv4Address(address)


def test_a_stray_ip_source_does_not_move_a_guest_that_has_answered() -> None:
    """As lwIP's, when an application aborts a connection that it has lost already; an announcement does."""
    pair = Pair()
    pair.guest.announce()
    pair.exchange()
    assert asked_for(pair) == [GUEST_IP]
    pair.guest.ip = IPv4Address("32.6.1.32")
    pair.guest.packet(200, b"", GATEWAY, OUR_MAC)
    pair.exchange()
    assert (pair.host.guest.ip, pair.host.guest.known) == (GUEST_IP, True)
    pair.guest.announce()
    pair.exchange()
    assert pair.host.guest.ip == pair.guest.ip


@pytest.mark.parametrize("source", ["0.0.0.0", "224.0.0.1", "255.255.255.255", "127.0.0.1"])
def test_sources_that_nobody_has_teach_nothing(source: str) -> None:
    pair = Pair()
    pair.guest.ip = IPv4Address(source)
    pair.guest.packet(200, b"", GATEWAY, OUR_MAC)
    assert pair.exchange() == []
    assert pair.host.guest.ip is None


@pytest.mark.parametrize("mac", [BROADCAST, NO_MAC, OUR_MAC, Mac(b"\x01" + bytes(5))])
def test_senders_that_cannot_be_are_ignored(mac: Mac) -> None:
    pair = Pair()
    pair.guest.mac = mac
    pair.guest.announce()
    assert pair.exchange() == []
    assert pair.host.guest.mac is None


def test_a_given_address_is_asked_for_until_answered() -> None:
    pair = Pair("192.168.0.254")
    times = []
    for _ in range(6):
        due = pair.host.poll_at()
        assert due is not None
        pair.host.on_timer(due)
        (frame,) = pair.host.take_output(due)
        question = ArpPacket.parse(EthernetFrame.parse(frame).payload)
        assert question == ArpPacket(arp.REQUEST, OUR_MAC, GATEWAY, NO_MAC, GUEST_IP)
        times.append(due // MS)
    assert times == [0, 100, 300, 700, 1500, 2500]
    pair.guest.receive(frame, due)
    pair.exchange(due)
    assert (pair.host.guest.mac, pair.host.poll_at()) == (GUEST_MAC, None)


def asked_for(pair: Pair) -> list[IPv4Address]:
    """Whom the host asks for now; its questions have reached the guest, and the answers the host."""
    pair.host.on_timer(0)
    frames = [EthernetFrame.parse(frame) for frame in pair.exchange()]
    pair.exchange()
    return [ArpPacket.parse(frame.payload).target_ip for frame in frames if frame.dst == BROADCAST]


def test_the_guest_hears_of_us_before_the_first_packet() -> None:
    """As from any machine on a real network: the question teaches the guest our address."""
    pair = Pair()
    pair.host.probe(80)
    pair.guest.announce()
    pair.exchange()
    assert (pair.host.guest.mac, pair.host.guest.known, pair.host.poll_at()) == (GUEST_MAC, False, 0)
    assert asked_for(pair) == [GUEST_IP]
    assert (pair.guest.packets, pair.host.guest.known) == ([], True)
    assert asked_for(pair) == []
    assert len(pair.guest.packets) == 1


def test_a_guest_that_asks_for_us_knows_us() -> None:
    pair = Pair()
    pair.guest.arp(arp.REQUEST, GUEST_IP, NO_MAC, GATEWAY)
    pair.exchange()
    assert (pair.host.guest.known, asked_for(pair)) == (True, [])


def test_a_guest_that_moves_is_asked_for_again() -> None:
    pair = Pair()
    for address in ("169.254.3.4", "192.168.0.254"):
        pair.guest.ip = IPv4Address(address)
        pair.guest.announce()
        pair.exchange()
        assert (pair.host.guest.known, asked_for(pair)) == (False, [pair.guest.ip])
        assert pair.host.guest.known


def test_a_given_address_stays_and_a_contradiction_is_told_once() -> None:
    pair = Pair("192.168.0.10")
    pair.guest.announce()
    pair.guest.announce()
    pair.exchange()
    assert pair.host.guest.ip == IPv4Address("192.168.0.10")
    assert [line for line in pair.lines if "192.168.0.254" in line] == [
        "guest: it uses 192.168.0.254, but its address was given as 192.168.0.10; forwarding to the latter"
    ]


def dhcp_message(guest: FakeGuest, kind: MessageType, *options: tuple[int, bytes]) -> None:
    """From a client without an address."""
    message = DhcpMessage(BOOTREQUEST, 5, guest.mac, ((Option.MESSAGE_TYPE, bytes([kind])), *options))
    datagram = UdpDatagram(dhcp.CLIENT_PORT, dhcp.SERVER_PORT, message.emit()).emit(NONE, EVERYBODY)
    guest.ip = NONE
    guest.packet(PROTOCOL_UDP, datagram, EVERYBODY, BROADCAST)


@pytest.mark.parametrize(("given", "lease"), [(None, "10.0.2.15"), ("192.168.7.20", "192.168.7.20")])
def test_dhcp_from_discover_to_a_known_guest(given: str | None, lease: str) -> None:
    pair = Pair(given)
    dhcp_message(pair.guest, MessageType.DISCOVER)
    (offer,) = pair.exchange()
    frame = EthernetFrame.parse(offer)
    packet = Ipv4Packet.parse(frame.payload)
    assert (frame.dst, packet.dst, packet.src) == (BROADCAST, EVERYBODY, IPv4Address(lease[:-2] + "1"))
    dhcp_message(pair.guest, MessageType.REQUEST, (Option.REQUESTED_IP, IPv4Address(lease).packed))
    pair.exchange()
    reply = DhcpMessage.parse(pair.guest.datagrams[-1].payload)
    assert (reply.message_type, reply.your_ip) == (MessageType.ACK, IPv4Address(lease))
    assert pair.host.guest.ip == IPv4Address(lease)
    pair.guest.ip = IPv4Address(lease)
    pair.host.on_timer(0)
    pair.exchange()
    pair.exchange()
    assert (pair.host.guest.known, pair.host.guest.our_ip) == (True, packet.src)


def test_dhcp_renewal_is_answered_to_the_guest_itself() -> None:
    pair = Pair()
    pair.guest.ip = IPv4Address("10.0.2.15")
    options = ((int(Option.MESSAGE_TYPE), bytes([MessageType.REQUEST])),)
    renewal = DhcpMessage(BOOTREQUEST, 5, pair.guest.mac, options, pair.guest.ip)
    server = IPv4Address("10.0.2.1")
    datagram = UdpDatagram(dhcp.CLIENT_PORT, dhcp.SERVER_PORT, renewal.emit()).emit(pair.guest.ip, server)
    pair.guest.packet(PROTOCOL_UDP, datagram, server, OUR_MAC)
    (ack,) = pair.exchange()
    frame = EthernetFrame.parse(ack)
    assert (frame.dst, Ipv4Packet.parse(frame.payload).dst) == (GUEST_MAC, pair.guest.ip)


def test_bad_frames_are_counted_and_told_a_few_times() -> None:
    pair = Pair()
    for _ in range(10):
        pair.guest.frame(OUR_MAC, ETHERTYPE_ARP, bytes(46))
    assert pair.exchange() == []
    assert pair.host.malformed == 10
    assert pair.lines == ["guest: it sent a bad frame: ARP is not for IPv4 over Ethernet: [0, 0, 0, 0]"] * 5
