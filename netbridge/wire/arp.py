# SPDX-License-Identifier: GPL-2.0-or-later
"""Address resolution for IPv4 over Ethernet (RFC 826, RFC 5227)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

from stm32emu.netbridge.wire.errors import MalformedError, need
from stm32emu.netbridge.wire.ethernet import ETHERTYPE_IPV4, Mac

REQUEST = 1
REPLY = 2

_LAYOUT = struct.Struct("!HHBBH6s4s6s4s")
_ETHERNET_IPV4 = (1, ETHERTYPE_IPV4, 6, 4)
_UNSPECIFIED = IPv4Address(0)


@dataclass(frozen=True, slots=True)
class ArpPacket:
    """One request or reply; bytes behind it (padding) are ignored."""

    operation: int
    sender_mac: Mac
    sender_ip: IPv4Address
    target_mac: Mac
    target_ip: IPv4Address

    @property
    def is_probe(self) -> bool:
        """The sender asks whether somebody has the address it is about to use (RFC 5227 section 1.1)."""
        return self.operation == REQUEST and self.sender_ip == _UNSPECIFIED

    @property
    def is_announcement(self) -> bool:
        """The sender tells everybody its own address ("gratuitous ARP")."""
        return self.sender_ip == self.target_ip and self.sender_ip != _UNSPECIFIED

    @classmethod
    def parse(cls, data: bytes) -> ArpPacket:
        """Raises TruncatedError, or MalformedError for anything but IPv4 over Ethernet and for unknown operations."""
        need("an ARP packet", data, _LAYOUT.size)
        *kind, operation, sender_mac, sender_ip, target_mac, target_ip = _LAYOUT.unpack_from(data)
        if tuple(kind) != _ETHERNET_IPV4:
            raise MalformedError(f"ARP is not for IPv4 over Ethernet: {kind}")
        if operation not in (REQUEST, REPLY):
            raise MalformedError(f"ARP operation {operation} is neither request nor reply")
        return cls(operation, Mac(sender_mac), IPv4Address(sender_ip), Mac(target_mac), IPv4Address(target_ip))

    def emit(self) -> bytes:
        """28 bytes."""
        return _LAYOUT.pack(
            *_ETHERNET_IPV4,
            self.operation,
            self.sender_mac,
            self.sender_ip.packed,
            self.target_mac,
            self.target_ip.packed,
        )
