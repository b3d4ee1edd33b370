# SPDX-License-Identifier: GPL-2.0-or-later
"""Sees where TCP connections begin in a stream of frames."""

from __future__ import annotations

from stm32emu.netbridge.wire.errors import WireError
from stm32emu.netbridge.wire.ethernet import ETHERTYPE_IPV4, EthernetFrame
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_TCP, Ipv4Packet
from stm32emu.netbridge.wire.tcp import ACK, SYN, TcpSegment


def opens_connection(frame: bytes) -> bool:
    """Whether the frame carries the SYN that asks for a connection."""
    try:
        ethernet = EthernetFrame.parse(frame)
        if ethernet.ethertype != ETHERTYPE_IPV4:
            return False
        packet = Ipv4Packet.parse(ethernet.payload)
        if packet.protocol != PROTOCOL_TCP or packet.is_fragment:
            return False
        flags = TcpSegment.parse(packet.payload, packet.src, packet.dst).flags
    except WireError:
        return False
    return bool(flags & SYN) and not flags & ACK
