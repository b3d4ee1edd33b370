# SPDX-License-Identifier: GPL-2.0-or-later
"""UDP (RFC 768)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

from stm32emu.netbridge.wire.checksum import internet_checksum, pseudo_header
from stm32emu.netbridge.wire.errors import ChecksumError, MalformedError, TruncatedError, need
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_UDP

HEADER_SIZE = 8
MAX_PAYLOAD = 65535 - 20 - HEADER_SIZE


@dataclass(frozen=True, slots=True)
class UdpDatagram:
    """Ports and payload; the checksum needs the addresses of the IP header around it."""

    src_port: int
    dst_port: int
    payload: bytes

    @classmethod
    def parse(cls, data: bytes, src: IPv4Address, dst: IPv4Address) -> UdpDatagram:
        """A zero checksum means that the sender computed none. Raises WireError."""
        need("a UDP header", data, HEADER_SIZE)
        src_port, dst_port, length, checksum = struct.unpack_from("!HHHH", data)
        if length < HEADER_SIZE:
            raise MalformedError(f"UDP length {length} is below {HEADER_SIZE}")
        if length > len(data):
            raise TruncatedError("a UDP datagram", length, len(data))
        datagram = bytes(data[:length])
        if checksum and internet_checksum(pseudo_header(src, dst, PROTOCOL_UDP, length) + datagram):
            raise ChecksumError("UDP")
        return cls(src_port, dst_port, datagram[HEADER_SIZE:])

    def emit(self, src: IPv4Address, dst: IPv4Address) -> bytes:
        """The datagram with its checksum; a computed 0 travels as 0xFFFF."""
        length = HEADER_SIZE + len(self.payload)
        head = struct.pack("!HHH", self.src_port, self.dst_port, length)
        covered = pseudo_header(src, dst, PROTOCOL_UDP, length) + head + b"\0\0" + self.payload
        checksum = internet_checksum(covered) or 0xFFFF
        return head + checksum.to_bytes(2, "big") + self.payload
