# SPDX-License-Identifier: GPL-2.0-or-later
"""A DHCP server (RFC 2131) with one lease for the one guest on the cable."""

from __future__ import annotations

from ipaddress import IPv4Address

from stm32emu.netbridge.wire.dhcp import BOOTREPLY, BOOTREQUEST, DhcpMessage, MessageType, Option

LEASE_SECONDS = 86400
NETMASK = IPv4Address("255.255.255.0")
_NONE = IPv4Address(0)


class DhcpServer:
    """Gives `address` to whoever asks; `server` is the server's own address, router and DNS server."""

    def __init__(self, address: IPv4Address, server: IPv4Address) -> None:
        self.address = address
        self.server = server
        self.leased = False

    def reply(self, request: DhcpMessage) -> DhcpMessage | None:
        """The answer to a client's message; None when it calls for none."""
        if request.op != BOOTREQUEST:
            return None
        match request.message_type:
            case MessageType.DISCOVER:
                return self._answer(request, MessageType.OFFER)
            case MessageType.REQUEST:
                return self._request(request)
            case MessageType.INFORM:
                return self._answer(request, MessageType.ACK)
            case MessageType.RELEASE | MessageType.DECLINE:
                self.leased = False
        return None

    def _request(self, request: DhcpMessage) -> DhcpMessage | None:
        """Section 4.3.2: SELECTING, INIT-REBOOT, RENEWING and REBINDING differ only in where the address stands."""
        chosen = request.address_option(Option.SERVER_ID)
        if chosen is not None and chosen != self.server:
            return None
        wanted = request.address_option(Option.REQUESTED_IP) or request.client_ip
        if wanted != self.address:
            return self._answer(request, MessageType.NAK)
        self.leased = True
        return self._answer(request, MessageType.ACK)

    def _answer(self, request: DhcpMessage, kind: MessageType) -> DhcpMessage:
        """Section 4.3.1, table 3."""
        inform = request.message_type == MessageType.INFORM
        nak = kind == MessageType.NAK
        options = [(Option.MESSAGE_TYPE, bytes((kind,))), (Option.SERVER_ID, self.server.packed)]
        if not nak and not inform:
            options += self._lease_options()
        if not nak:
            options += [
                (Option.SUBNET_MASK, NETMASK.packed),
                (Option.ROUTER, self.server.packed),
                (Option.DNS, self.server.packed),
            ]
        return DhcpMessage(
            BOOTREPLY,
            request.xid,
            request.client_mac,
            tuple((int(code), value) for code, value in options),
            client_ip=_NONE if nak else request.client_ip,
            your_ip=_NONE if nak or inform else self.address,
            relay_ip=request.relay_ip,
            flags=request.flags,
        )

    def _lease_options(self) -> list[tuple[Option, bytes]]:
        times = ((Option.LEASE_TIME, 8), (Option.RENEWAL_TIME, 4), (Option.REBINDING_TIME, 7))
        return [(code, (LEASE_SECONDS * eighths // 8).to_bytes(4, "big")) for code, eighths in times]
