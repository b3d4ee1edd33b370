# SPDX-License-Identifier: GPL-2.0-or-later
"""Ethernet II frames without preamble and FCS (IEEE 802.3 clause 3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Self

from stm32emu.netbridge.wire.errors import MalformedError, need

ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_ARP = 0x0806

HEADER_SIZE = 14
MIN_FRAME = 60
"""Shortest frame without FCS; senders pad up to it."""
MTU = 1500


class Mac(bytes):
    """A 48-bit address; prints as `02:00:00:00:00:01`."""

    def __new__(cls, octets: bytes) -> Self:
        """Raises MalformedError unless `octets` are six."""
        if len(octets) != 6:
            raise MalformedError(f"a MAC address has 6 bytes, not {len(octets)}")
        return super().__new__(cls, octets)

    @property
    def is_group(self) -> bool:
        """A multicast or the broadcast address, never a sender's."""
        return bool(self[0] & 1)

    def __str__(self) -> str:
        return self.hex(":")

    def __repr__(self) -> str:
        return f"Mac({self})"


BROADCAST = Mac(b"\xff" * 6)
NO_MAC = Mac(bytes(6))


@dataclass(frozen=True, slots=True)
class EthernetFrame:
    """Addresses, type and payload. `emit` does not pad and `parse` keeps padding: the payload knows its own length."""

    dst: Mac
    src: Mac
    ethertype: int
    payload: bytes

    @classmethod
    def parse(cls, data: bytes) -> EthernetFrame:
        """Raises TruncatedError when shorter than the header."""
        need("an Ethernet frame", data, HEADER_SIZE)
        dst, src, ethertype = struct.unpack_from("!6s6sH", data)
        return cls(Mac(dst), Mac(src), ethertype, bytes(data[HEADER_SIZE:]))

    def emit(self) -> bytes:
        """The frame, unpadded."""
        return struct.pack("!6s6sH", self.dst, self.src, self.ethertype) + self.payload
