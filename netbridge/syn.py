# SPDX-License-Identifier: GPL-2.0-or-later
"""Sees where TCP connections begin in a stream of frames."""

from __future__ import annotations

from stm32emu.netbridge.wire.errors import WireError
from stm32emu.netbridge.wire.ethernet import ETHERTYPE_IPV4, EthernetFrame
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_TCP, Ipv4Packet
from stm32emu.netbridge.wire.tcp import ACK, SYN, TcpSegment


def tcp_segment(frame: bytes) -> TcpSegment | None:
    """The TCP segment that the frame carries whole; None if it carries none."""
    try:
        ethernet = EthernetFrame.parse(frame)
        if ethernet.ethertype != ETHERTYPE_IPV4:
            return None
        packet = Ipv4Packet.parse(ethernet.payload)
        if packet.protocol != PROTOCOL_TCP or packet.is_fragment:
            return None
        return TcpSegment.parse(packet.payload, packet.src, packet.dst)
    except WireError:
        return None


def opens_connection(frame: bytes) -> bool:
    """Whether the frame carries the SYN that asks for a connection."""
    segment = tcp_segment(frame)
    return segment is not None and bool(segment.flags & SYN) and not segment.flags & ACK
