# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP segments and UDP datagrams inside the frames that pass, in a run's cable or in a capture.

Checksums are not looked at: a capture on the sending machine has them before the network card has filled them in.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from stm32emu.netbridge.wire.ethernet import ETHERTYPE_IPV4
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_TCP, PROTOCOL_UDP

ETHERTYPE_IPV6 = 0x86DD
ETHERTYPE_VLAN = 0x8100

_IPV4 = struct.Struct("!BxH2xHxB2x4s4s")
_TCP = struct.Struct("!HHIIBB")
_UDP = struct.Struct("!HHH2x")
_PLAIN = struct.Struct("!12xHBxH2xHxB2x4s4sHHIIBB")
"""Ethernet, IPv4 without options and TCP at once, as nearly every frame has them."""

Address = tuple[bytes, int]
"""IP address and port."""


class Segment(NamedTuple):  # one is made for each frame of a run, so it has to be cheap
    """A TCP segment; `missing` bytes of its payload were not captured."""

    src: Address
    dst: Address
    seq: int
    ack: int
    flags: int
    payload: bytes
    missing: int = 0


class Datagram(NamedTuple):
    """A UDP datagram that was captured whole."""

    src: Address
    dst: Address
    payload: bytes


def ethernet_transport(frame: bytes) -> Segment | Datagram | None:
    """What an Ethernet frame carries, None if it is neither, or not whole."""
    if len(frame) >= _PLAIN.size:
        kind, version, total, fragment, protocol, src, dst, *ports_to_flags = _PLAIN.unpack_from(frame)
        if kind == ETHERTYPE_IPV4 and version == 0x45 and protocol == PROTOCOL_TCP and not fragment & 0x3FFF:
            return _segment(frame, 34, 14 + total, (src, dst), ports_to_flags)
    kind = int.from_bytes(frame[12:14], "big")
    if kind == ETHERTYPE_VLAN:
        return ip_transport(frame, 18, int.from_bytes(frame[16:18], "big"))
    return ip_transport(frame, 14, kind)


def ip_transport(frame: bytes, at: int, ethertype: int) -> Segment | Datagram | None:
    """The same for the IP packet that starts at `at`."""
    if ethertype == ETHERTYPE_IPV4 and len(frame) >= at + 20:
        header, total, fragment, protocol, src, dst = _IPV4.unpack_from(frame, at)
        if fragment & 0x3FFF:
            return None
        return _transport(frame, protocol, at + (header & 0xF) * 4, at + total, (src, dst))
    if ethertype == ETHERTYPE_IPV6 and len(frame) >= at + 40:
        addresses, length = (frame[at + 8 : at + 24], frame[at + 24 : at + 40]), frame[at + 4 : at + 6]
        return _transport(frame, frame[at + 6], at + 40, at + 40 + int.from_bytes(length, "big"), addresses)
    return None


def _transport(
    frame: bytes, protocol: int, at: int, end: int, addresses: tuple[bytes, bytes]
) -> Segment | Datagram | None:
    if protocol == PROTOCOL_TCP and len(frame) >= at + 20:
        return _segment(frame, at, end, addresses, _TCP.unpack_from(frame, at))
    if protocol == PROTOCOL_UDP and len(frame) >= at + _UDP.size:
        src_port, dst_port, length = _UDP.unpack_from(frame, at)
        payload = frame[at + _UDP.size : at + length]
        if len(payload) == length - _UDP.size:
            return Datagram((addresses[0], src_port), (addresses[1], dst_port), payload)
    return None


def _segment(frame: bytes, at: int, end: int, addresses: tuple[bytes, bytes], header: Sequence[int]) -> Segment:
    src_port, dst_port, seq, ack, offset, flags = header
    start = at + (offset >> 4) * 4
    missing = end - len(frame) if end > len(frame) >= start else 0
    return Segment((addresses[0], src_port), (addresses[1], dst_port), seq, ack, flags, frame[start:end], missing)
