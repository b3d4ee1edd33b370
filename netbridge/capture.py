# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads captures as tcpdump and Wireshark write them: pcap and pcapng (drafts of the IETF's opsawg group).

A capture that was cut off is good up to its last whole packet.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from stm32emu.netbridge.pcapng import (
    BYTE_ORDER,
    DECRYPTION_SECRETS,
    ENHANCED_PACKET,
    IF_TSOFFSET,
    IF_TSRESOL,
    INTERFACE,
    LINKTYPE_ETHERNET,
    SECTION_HEADER,
    SIMPLE_PACKET,
    TLS_KEY_LOG,
)
from stm32emu.netbridge.transport import Datagram, Segment, ethernet_transport, ip_transport

NULL, RAW, LOOP, LINUX_SLL, IPV4, IPV6, LINUX_SLL2 = 0, 101, 108, 113, 228, 229, 276

_MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
_SECTION = SECTION_HEADER.to_bytes(4, "big")  # the same in both byte orders
_NANO = 1_000_000_000
_ETHERTYPES = {4: 0x0800, 6: 0x86DD}


class CaptureError(ValueError):
    """A file that is no capture, or one of a kind that cannot be read; the text says which."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A frame: its time in nanoseconds, how it begins (link type) and its bytes, which may be fewer than were sent."""

    time: int
    link: int
    data: bytes


def read_capture(data: bytes) -> Iterator[Packet]:
    """The packets of a whole file. Raises CaptureError."""
    if data[:4] in _MAGICS:
        return _read_pcap(data)
    if data[:4] == _SECTION:
        return _read_pcapng(data)
    raise CaptureError("it is neither pcap nor pcapng: capture with Wireshark, tshark or tcpdump -w")


def _read_pcap(data: bytes) -> Iterator[Packet]:
    order, unit = _MAGICS[data[:4]]
    if len(data) < 24:
        return
    link = struct.unpack_from(f"{order}I", data, 20)[0] & 0xFFFF
    at = 24
    while len(data) >= at + 16:
        seconds, fraction, captured, _ = struct.unpack_from(f"{order}IIII", data, at)
        at += 16
        if len(data) < at + captured:
            return
        yield Packet(seconds * _NANO + fraction * unit, link, data[at : at + captured])
        at += captured


@dataclass(frozen=True, slots=True)
class _Interface:
    """An interface of a section: link type, what a tick of its clock is, and from when it counts."""

    link: int
    ticks_per_second: int
    offset: int

    def time(self, ticks: int) -> int:
        return ticks * _NANO // self.ticks_per_second + self.offset * _NANO


def read_secrets(data: bytes) -> bytes:
    """The TLS key logs that a pcapng file carries; of another kind of file, none. Raises CaptureError."""
    if data[:4] != _SECTION:
        return b""
    logs = []
    for kind, body, order in _blocks(data):
        if kind == DECRYPTION_SECRETS and len(body) >= 8:
            what, length = struct.unpack_from(f"{order}II", body)
            logs += [body[8 : 8 + length]] if what == TLS_KEY_LOG else []
    return b"\n".join(logs)


def _read_pcapng(data: bytes) -> Iterator[Packet]:
    interfaces: list[_Interface] = []
    last = 0
    for kind, body, order in _blocks(data):
        if kind == SECTION_HEADER:
            interfaces = []
        if kind == INTERFACE and len(body) >= 8:
            interfaces.append(_interface(body, order))
        packet = _packet(kind, body, order, interfaces, last)
        if packet:
            last = packet.time
            yield packet


def _blocks(data: bytes) -> Iterator[tuple[int, bytes, str]]:
    """Kind, body and byte order of each whole block."""
    at, order = 0, "<"
    while len(data) >= at + 12:
        if data[at : at + 4] == _SECTION:
            order = _byte_order(data, at)
        kind, length = struct.unpack_from(f"{order}II", data, at)
        if length < 12 or length % 4 or len(data) < at + length:
            return
        yield kind, data[at + 8 : at + length - 4], order
        at += length


def _byte_order(data: bytes, at: int) -> str:
    for order in "<>":
        if struct.unpack_from(f"{order}I", data, at + 8)[0] == BYTE_ORDER:
            return order
    raise CaptureError("its section header is damaged: capture again, or repair it with `editcap in out`")


def _interface(body: bytes, order: str) -> _Interface:
    link = struct.unpack_from(f"{order}H", body)[0]
    resolution, offset, at = 6, 0, 8
    while len(body) >= at + 4:
        code, length = struct.unpack_from(f"{order}HH", body, at)
        value = body[at + 4 : at + 4 + length]
        at += 4 + length + -length % 4
        if code == IF_TSRESOL and len(value) == 1:
            resolution = value[0]
        elif code == IF_TSOFFSET and len(value) == 8:
            offset = struct.unpack(f"{order}q", value)[0]
    ticks = 1 << (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    return _Interface(link, ticks, offset)


def _packet(kind: int, body: bytes, order: str, interfaces: list[_Interface], last: int) -> Packet | None:
    """A packet block's; None for other blocks. A simple packet has no time: it takes that of the one before."""
    if kind == ENHANCED_PACKET and len(body) >= 20:
        number, high, low, captured = struct.unpack_from(f"{order}IIII", body)
        if number >= len(interfaces):
            return None
        interface = interfaces[number]
        return Packet(interface.time(high << 32 | low), interface.link, body[20 : 20 + captured])
    if kind == SIMPLE_PACKET and len(body) >= 4 and interfaces:
        return Packet(last, interfaces[0].link, body[4 : 4 + struct.unpack_from(f"{order}I", body)[0]])
    return None


def transport_of(packet: Packet) -> Segment | Datagram | None:
    """The TCP segment or UDP datagram that a packet carries. Raises CaptureError for a link type that is not known."""
    data, link = packet.data, packet.link
    if link == LINKTYPE_ETHERNET:
        return ethernet_transport(data)
    if link in (LINUX_SLL, LINUX_SLL2):
        at, header = (14, 16) if link == LINUX_SLL else (0, 20)
        return ip_transport(data, header, int.from_bytes(data[at : at + 2], "big"))
    if link in (NULL, LOOP, RAW, IPV4, IPV6):
        start = 4 if link in (NULL, LOOP) else 0
        version = data[start] >> 4 if len(data) > start else 0
        return ip_transport(data, start, _ETHERTYPES.get(version, 0))
    raise CaptureError(f"its link type {link} is not known: capture on an Ethernet or loopback interface")
