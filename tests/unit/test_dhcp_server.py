# SPDX-License-Identifier: GPL-2.0-or-later
"""The DHCP server message by message (RFC 2131 section 4.3)."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from stm32emu.netbridge.dhcp_server import DhcpServer
from stm32emu.netbridge.wire.dhcp import BOOTREPLY, BOOTREQUEST, DhcpMessage, MessageType, Option
from stm32emu.netbridge.wire.ethernet import Mac

MAC = Mac(bytes.fromhex("0080e1000001"))
LEASE, SERVER = IPv4Address("10.0.2.15"), IPv4Address("10.0.2.1")
NONE = IPv4Address(0)


@pytest.fixture
def server() -> DhcpServer:
    return DhcpServer(LEASE, SERVER)


def message(kind: MessageType, *options: tuple[int, bytes], client_ip: IPv4Address = NONE) -> DhcpMessage:
    return DhcpMessage(BOOTREQUEST, 99, MAC, ((Option.MESSAGE_TYPE, bytes([kind])), *options), client_ip, flags=0x8000)


def test_discover_is_offered_the_lease(server: DhcpServer) -> None:
    offer = server.reply(message(MessageType.DISCOVER))
    assert offer is not None
    assert (offer.op, offer.xid, offer.client_mac, offer.flags) == (BOOTREPLY, 99, MAC, 0x8000)
    assert (offer.message_type, offer.your_ip) == (MessageType.OFFER, LEASE)
    expected = {
        Option.SERVER_ID: SERVER,
        Option.ROUTER: SERVER,
        Option.DNS: SERVER,
        Option.SUBNET_MASK: IPv4Address("255.255.255.0"),
    }
    assert {option: offer.address_option(option) for option in expected} == expected
    times = [int.from_bytes(offer.option(code) or b"", "big") for code in (58, 59, 51)]
    assert times == [43200, 75600, 86400]
    assert not server.leased


def test_the_wire_form_parses_back(server: DhcpServer) -> None:
    offer = server.reply(message(MessageType.DISCOVER))
    assert offer is not None
    assert DhcpMessage.parse(offer.emit()) == offer


@pytest.mark.parametrize(
    "request_",
    [
        message(MessageType.REQUEST, (Option.REQUESTED_IP, LEASE.packed), (Option.SERVER_ID, SERVER.packed)),
        message(MessageType.REQUEST, (Option.REQUESTED_IP, LEASE.packed)),
        message(MessageType.REQUEST, client_ip=LEASE),
    ],
    ids=["selecting", "init-reboot", "renewing"],
)
def test_request_for_the_lease_is_acknowledged(server: DhcpServer, request_: DhcpMessage) -> None:
    ack = server.reply(request_)
    assert ack is not None
    assert (ack.message_type, ack.your_ip, ack.client_ip) == (MessageType.ACK, LEASE, request_.client_ip)
    assert server.leased


def test_request_for_another_address_is_refused(server: DhcpServer) -> None:
    nak = server.reply(message(MessageType.REQUEST, (Option.REQUESTED_IP, IPv4Address("192.168.1.5").packed)))
    assert nak is not None
    assert (nak.message_type, nak.your_ip, nak.option(Option.LEASE_TIME)) == (MessageType.NAK, NONE, None)
    assert not server.leased


def test_request_to_another_server_is_not_ours(server: DhcpServer) -> None:
    other = (Option.SERVER_ID, IPv4Address("10.0.2.9").packed)
    assert server.reply(message(MessageType.REQUEST, (Option.REQUESTED_IP, LEASE.packed), other)) is None
    assert not server.leased


def test_inform_gets_options_without_a_lease(server: DhcpServer) -> None:
    ack = server.reply(message(MessageType.INFORM, client_ip=IPv4Address("10.0.2.77")))
    assert ack is not None
    assert (ack.message_type, ack.your_ip, ack.option(Option.LEASE_TIME)) == (MessageType.ACK, NONE, None)
    assert ack.address_option(Option.ROUTER) == SERVER


@pytest.mark.parametrize("kind", [MessageType.RELEASE, MessageType.DECLINE])
def test_release_and_decline_end_the_lease_silently(server: DhcpServer, kind: MessageType) -> None:
    server.reply(message(MessageType.REQUEST, client_ip=LEASE))
    assert server.reply(message(kind, client_ip=LEASE)) is None
    assert not server.leased


def test_replies_and_bootp_are_ignored(server: DhcpServer) -> None:
    assert server.reply(DhcpMessage(BOOTREPLY, 1, MAC, ((Option.MESSAGE_TYPE, b"\1"),))) is None
    assert server.reply(DhcpMessage(BOOTREQUEST, 1, MAC, ())) is None
