# SPDX-License-Identifier: GPL-2.0-or-later
"""The Internet checksum (RFC 1071)."""

from __future__ import annotations

from ipaddress import IPv4Address


def internet_checksum(data: bytes) -> int:
    """The ones' complement of the ones' complement sum of `data` as big-endian 16-bit words, padded with a zero byte.

    Over data that contains its own correct checksum the result is 0. Since 2**16 is 1 modulo 0xFFFF, the whole
    buffer taken as one number leaves the same remainder as the sum of its words: no loop in Python.
    """
    number = int.from_bytes(data, "big") << (8 if len(data) & 1 else 0)
    if not number:
        return 0xFFFF
    return 0xFFFF - (number % 0xFFFF or 0xFFFF)


def pseudo_header(src: IPv4Address, dst: IPv4Address, protocol: int, length: int) -> bytes:
    """What TCP and UDP checksums cover in front of the segment (RFC 9293 section 3.1)."""
    return src.packed + dst.packed + bytes((0, protocol)) + length.to_bytes(2, "big")
