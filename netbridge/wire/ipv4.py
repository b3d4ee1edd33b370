# SPDX-License-Identifier: GPL-2.0-or-later
"""IPv4 (RFC 791)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from stm32emu.netbridge.wire.checksum import internet_checksum
from stm32emu.netbridge.wire.errors import ChecksumError, MalformedError, TruncatedError, need
from stm32emu.netbridge.wire.ethernet import MTU

PROTOCOL_ICMP = 1
PROTOCOL_TCP = 6
PROTOCOL_UDP = 17

HEADER_SIZE = 20
_LAYOUT = struct.Struct("!BBHHHBBH4s4s")
_DONT_FRAGMENT = 0x4000
_MORE_FRAGMENTS = 0x2000
_OFFSET = 0x1FFF


@dataclass(frozen=True, slots=True)
class Ipv4Packet:
    """A packet or fragment. `fragment_offset` is in bytes, a multiple of 8; `options` are 0, 4 ... 40 bytes long."""

    src: IPv4Address
    dst: IPv4Address
    protocol: int
    payload: bytes
    identification: int = 0
    ttl: int = 64
    tos: int = 0
    dont_fragment: bool = False
    more_fragments: bool = False
    fragment_offset: int = 0
    options: bytes = b""

    @property
    def is_fragment(self) -> bool:
        """Part of a larger packet."""
        return self.more_fragments or self.fragment_offset > 0

    @classmethod
    def parse(cls, data: bytes) -> Ipv4Packet:
        """Ignores bytes behind the total length (Ethernet padding). Raises WireError."""
        need("an IPv4 header", data, HEADER_SIZE)
        version_ihl, tos, total, ident, fragment, ttl, protocol, _, src, dst = _LAYOUT.unpack_from(data)
        header = (version_ihl & 0xF) * 4
        _check_header(data, version_ihl >> 4, header, total)
        return cls(
            IPv4Address(src),
            IPv4Address(dst),
            protocol,
            bytes(data[header:total]),
            ident,
            ttl,
            tos,
            bool(fragment & _DONT_FRAGMENT),
            bool(fragment & _MORE_FRAGMENTS),
            (fragment & _OFFSET) * 8,
            bytes(data[HEADER_SIZE:header]),
        )

    def emit(self) -> bytes:
        """The packet with its header checksum."""
        size = HEADER_SIZE + len(self.options)
        fragment = self.dont_fragment * _DONT_FRAGMENT | self.more_fragments * _MORE_FRAGMENTS
        header = _LAYOUT.pack(
            0x40 | size // 4,
            self.tos,
            size + len(self.payload),
            self.identification,
            fragment | self.fragment_offset // 8,
            self.ttl,
            self.protocol,
            0,
            self.src.packed,
            self.dst.packed,
        )
        checksum = internet_checksum(header + self.options).to_bytes(2, "big")
        return header[:10] + checksum + header[12:] + self.options + self.payload

    def fragments(self, mtu: int = MTU) -> list[Ipv4Packet]:
        """The packet itself when it fits, else its fragments in order (RFC 791 section 3.2)."""
        room = mtu - HEADER_SIZE - len(self.options)
        if len(self.payload) <= room:
            return [self]
        step = room & ~7
        return [
            replace(
                self,
                payload=self.payload[at : at + step],
                fragment_offset=self.fragment_offset + at,
                more_fragments=self.more_fragments or at + step < len(self.payload),
            )
            for at in range(0, len(self.payload), step)
        ]


def _check_header(data: bytes, version: int, header: int, total: int) -> None:
    if version != 4:
        raise MalformedError(f"IP version {version} in an IPv4 packet")
    if header < HEADER_SIZE:
        raise MalformedError(f"IPv4 header length {header} is below {HEADER_SIZE}")
    if total < header:
        raise MalformedError(f"IPv4 total length {total} is shorter than its header of {header} bytes")
    if total > len(data):
        raise TruncatedError("an IPv4 packet", total, len(data))
    if internet_checksum(data[:header]):
        raise ChecksumError("IPv4 header")
