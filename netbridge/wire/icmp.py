# SPDX-License-Identifier: GPL-2.0-or-later
"""ICMP (RFC 792)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from stm32emu.netbridge.wire.checksum import internet_checksum
from stm32emu.netbridge.wire.errors import ChecksumError, need

ECHO_REPLY = 0
DESTINATION_UNREACHABLE = 3
ECHO_REQUEST = 8

NET_UNREACHABLE = 0
PROTOCOL_UNREACHABLE = 2
PORT_UNREACHABLE = 3

QUOTED = 8
"""Bytes of the offending packet's payload that an error quotes behind its IP header."""


@dataclass(frozen=True, slots=True)
class IcmpMessage:
    """Type, code, the four bytes whose meaning depends on the type, and the rest."""

    type: int
    code: int
    payload: bytes
    rest: int = 0

    @property
    def identifier(self) -> int:
        """Of an echo request or reply."""
        return self.rest >> 16

    @property
    def sequence(self) -> int:
        """Of an echo request or reply."""
        return self.rest & 0xFFFF

    @classmethod
    def echo_request(cls, identifier: int, sequence: int, payload: bytes) -> IcmpMessage:
        """A ping."""
        return cls(ECHO_REQUEST, 0, payload, identifier << 16 | sequence)

    @classmethod
    def parse(cls, data: bytes) -> IcmpMessage:
        """Raises TruncatedError or ChecksumError."""
        need("an ICMP message", data, 8)
        if internet_checksum(data):
            raise ChecksumError("ICMP")
        kind, code, _, rest = struct.unpack_from("!BBHI", data)
        return cls(kind, code, bytes(data[8:]), rest)

    def emit(self) -> bytes:
        """The message with its checksum."""
        rest = self.rest.to_bytes(4, "big") + self.payload
        checksum = internet_checksum(bytes((self.type, self.code, 0, 0)) + rest)
        return struct.pack("!BBH", self.type, self.code, checksum) + rest
