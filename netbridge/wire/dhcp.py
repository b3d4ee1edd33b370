# SPDX-License-Identifier: GPL-2.0-or-later
"""DHCP messages (RFC 2131) and their options (RFC 2132)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address

from stm32emu.netbridge.wire.errors import MalformedError, TruncatedError, need
from stm32emu.netbridge.wire.ethernet import Mac

SERVER_PORT = 67
CLIENT_PORT = 68
BOOTREQUEST = 1
BOOTREPLY = 2
FLAG_BROADCAST = 0x8000

_LAYOUT = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s")
_COOKIE = bytes((99, 130, 83, 99))
_MIN_SIZE = 300
"""BOOTP's size; some clients drop anything shorter."""


class Option(IntEnum):
    """Option codes this project reads or writes (RFC 2132)."""

    PAD = 0
    SUBNET_MASK = 1
    ROUTER = 3
    DNS = 6
    REQUESTED_IP = 50
    LEASE_TIME = 51
    OVERLOAD = 52
    MESSAGE_TYPE = 53
    SERVER_ID = 54
    MESSAGE = 56
    RENEWAL_TIME = 58
    REBINDING_TIME = 59
    END = 255


class MessageType(IntEnum):
    """Values of option 53 (RFC 2132 section 9.6)."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8


_NONE = IPv4Address(0)


@dataclass(frozen=True, slots=True)
class DhcpMessage:
    """A message over Ethernet; `options` are (code, value) in order, each code once, without PAD, END and OVERLOAD."""

    op: int
    xid: int
    client_mac: Mac
    options: tuple[tuple[int, bytes], ...]
    client_ip: IPv4Address = _NONE
    your_ip: IPv4Address = _NONE
    server_ip: IPv4Address = _NONE
    relay_ip: IPv4Address = _NONE
    flags: int = 0
    secs: int = 0
    hops: int = 0

    def option(self, code: int) -> bytes | None:
        """The value of an option."""
        return dict(self.options).get(code)

    def address_option(self, code: int) -> IPv4Address | None:
        """The value of an option that is one address; None when absent or of another length."""
        value = self.option(code)
        return IPv4Address(value) if value is not None and len(value) == 4 else None

    @property
    def message_type(self) -> int:
        """Option 53; 0 for a BOOTP message without it."""
        value = self.option(Option.MESSAGE_TYPE)
        return value[0] if value else 0

    @classmethod
    def parse(cls, data: bytes) -> DhcpMessage:
        """Raises WireError."""
        need("a DHCP message", data, _LAYOUT.size + len(_COOKIE))
        op, htype, hlen, hops, xid, secs, flags, ci, yi, si, gi, chaddr, sname, file = _LAYOUT.unpack_from(data)
        if op not in (BOOTREQUEST, BOOTREPLY) or (htype, hlen) != (1, 6):
            raise MalformedError(
                f"DHCP op {op}, hardware type {htype}, address length {hlen} is not DHCP over Ethernet"
            )
        if data[_LAYOUT.size : _LAYOUT.size + 4] != _COOKIE:
            raise MalformedError("DHCP magic cookie is missing")
        options = _parse_options(data[_LAYOUT.size + 4 :])
        overload = options.pop(Option.OVERLOAD, b"\0")[:1]
        for mask, field in ((1, file), (2, sname)):
            if overload and overload[0] & mask:
                options = _parse_options(field) | options
        client, yours, server, relay = (IPv4Address(field) for field in (ci, yi, si, gi))
        mac = Mac(chaddr[:6])
        return cls(op, xid, mac, tuple(options.items()), client, yours, server, relay, flags, secs, hops)

    def emit(self) -> bytes:
        """The message, padded to BOOTP's size; values beyond 255 bytes are split (RFC 3396)."""
        addresses = (self.client_ip, self.your_ip, self.server_ip, self.relay_ip)
        fixed = (self.op, 1, 6, self.hops, self.xid, self.secs, self.flags, *(each.packed for each in addresses))
        parts = [_LAYOUT.pack(*fixed, self.client_mac, b"", b""), _COOKIE]
        for code, value in self.options:
            for at in range(0, max(1, len(value)), 255):
                piece = value[at : at + 255]
                parts.append(bytes((code, len(piece))) + piece)
        return (b"".join(parts) + bytes((Option.END,))).ljust(_MIN_SIZE, b"\0")


def _parse_options(data: bytes) -> dict[int, bytes]:
    """Codes to values; a repeated code continues the value (RFC 3396). A missing END is forgiven."""
    options: dict[int, bytes] = {}
    at = 0
    while at < len(data) and data[at] != Option.END:
        code = data[at]
        if code == Option.PAD:
            at += 1
            continue
        if at + 1 >= len(data) or at + 2 + data[at + 1] > len(data):
            raise TruncatedError(f"DHCP option {code}", at + 2 + (data[at + 1] if at + 1 < len(data) else 0), len(data))
        value = data[at + 2 : at + 2 + data[at + 1]]
        options[code] = options.get(code, b"") + bytes(value)
        at += 2 + len(value)
    return options
