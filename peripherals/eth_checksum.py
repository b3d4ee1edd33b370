# SPDX-License-Identifier: GPL-2.0-or-later
"""The checksum offload engines: insertion on transmission, checks on reception (RM0090 sections 33.5.2 and 33.5.3).

Frames are bytes from the destination address on, without FCS. Sums are RFC 1071's, taken as one large integer modulo
0xFFFF: as 2**16 = 1 (mod 0xFFFF), the number and the one's complement sum of its 16-bit digits are congruent.
"""

from __future__ import annotations

from typing import NamedTuple

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
FIELD = {TCP: 16, UDP: 6, ICMP: 2, ICMPV6: 2}  # where the checksum lies within the payload
SKIPPED_HEADERS = (0, 60)  # IPv6 hop-by-hop and destination options; any other extension bypasses the engine
FIRST_TYPE = 0x600  # a length/type field from here on is a type


def checksum(data: bytes) -> int:
    """The Internet checksum of `data` (RFC 1071): the complement of the one's complement sum."""
    number = int.from_bytes(data, "big") << 8 * (len(data) & 1)
    return 0xFFFF - (number % 0xFFFF or 0xFFFF) if number else 0xFFFF


def good(data: bytes) -> bool:
    """Whether `data`, its checksum included, sums up right."""
    return checksum(data) == 0


class Packet(NamedTuple):
    """Where things lie in a frame that carries IP. `start` to `payload` is the header, `payload` to `end` the payload.

    `protocol` is 0 where the payload's checksum is none of the engine's business: fragments, security and routing
    headers, protocols other than TCP, UDP and ICMP. `end` may lie beyond the frame's own end.
    """

    version: int
    start: int
    payload: int
    end: int
    protocol: int
    pseudo: bytes
    header_error: bool


def network_offset(frame: bytes) -> tuple[int, int]:
    """The length/type field and the offset after it, one VLAN tag skipped."""
    if frame[12:14] == b"\x81\x00":
        return int.from_bytes(frame[16:18], "big"), 18
    return int.from_bytes(frame[12:14], "big"), 14


def parse(frame: bytes) -> Packet | None:
    """The IP packet in a frame; None if its type is neither IPv4's nor IPv6's."""
    kind, start = network_offset(frame)
    if kind == 0x0800:
        return _parse_ipv4(frame, start)
    return _parse_ipv6(frame, start) if kind == 0x86DD else None


def _broken(version: int, start: int) -> Packet:
    return Packet(version, start, start, start, 0, b"", True)


def _parse_ipv4(frame: bytes, start: int) -> Packet:
    header = 4 * (frame[start] & 15) if len(frame) >= start + 20 else 0
    if header < 20 or frame[start] >> 4 != 4 or len(frame) < start + header:
        return _broken(4, start)
    length = int.from_bytes(frame[start + 2 : start + 4], "big")
    fragment = int.from_bytes(frame[start + 6 : start + 8], "big") & 0x3FFF
    protocol = 0 if fragment or frame[start + 9] not in (ICMP, TCP, UDP) else frame[start + 9]
    pseudo = frame[start + 12 : start + 20] + protocol.to_bytes(2, "big") + max(0, length - header).to_bytes(2, "big")
    return Packet(4, start, start + header, start + length, protocol, b"" if protocol == ICMP else pseudo, False)


def _parse_ipv6(frame: bytes, start: int) -> Packet:
    if len(frame) < start + 40 or frame[start] >> 4 != 6:
        return _broken(6, start)
    end = start + 40 + int.from_bytes(frame[start + 4 : start + 6], "big")
    payload, protocol = start + 40, frame[start + 6]
    while protocol in SKIPPED_HEADERS:
        if len(frame) < payload + 8:
            return _broken(6, start)
        protocol, payload = frame[payload], payload + 8 * (frame[payload + 1] + 1)
    protocol = protocol if protocol in (TCP, UDP, ICMPV6) else 0
    pseudo = frame[start + 8 : start + 40] + max(0, end - payload).to_bytes(4, "big") + protocol.to_bytes(4, "big")
    return Packet(6, start, payload, end, protocol, pseudo, False)


class Insertion(NamedTuple):
    """A frame as the transmit engine leaves it, and what TDES0 reports. `stale_icmp`: an ICMP checksum field that
    software did not clear, which makes the engine insert a wrong one (RM0090 section 33.5.2)."""

    frame: bytes
    header_error: bool = False
    payload_error: bool = False
    stale_icmp: bool = False


def insert(frame: bytes, control: int) -> Insertion:
    """What the transmit engine makes of `frame` under TDES0.CIC = `control`: 0 nothing, 1 the IPv4 header's checksum,
    2 also TCP/UDP/ICMP's with the pseudo-header's sum already in the checksum field, 3 with all of it calculated."""
    packet = parse(frame) if control else None
    if packet is None:
        return Insertion(frame)
    if packet.header_error:
        return Insertion(frame, header_error=True)
    data = bytearray(frame)
    if packet.version == 4:
        data[packet.start + 10 : packet.start + 12] = b"\0\0"
        data[packet.start + 10 : packet.start + 12] = _two(checksum(bytes(data[packet.start : packet.payload])))
    if control == 1 or not packet.protocol:
        return Insertion(bytes(data))
    field = packet.payload + FIELD[packet.protocol]
    if len(frame) < packet.end or packet.end < field + 2:
        return Insertion(bytes(data), payload_error=True)
    stale = packet.protocol == ICMP and data[field : field + 2] != b"\0\0"
    if control == 3 and packet.protocol != ICMP:
        data[field : field + 2] = b"\0\0"
    value = checksum((packet.pseudo if control == 3 else b"") + bytes(data[packet.payload : packet.end]))
    data[field : field + 2] = _two(value or (0xFFFF if packet.protocol == UDP else 0))
    return Insertion(bytes(data), stale_icmp=stale)


def _two(value: int) -> bytes:
    return value.to_bytes(2, "big")


class Check(NamedTuple):
    """What the receive engine found. `version` 0: not IP. `bypassed`: the payload was not looked at."""

    version: int = 0
    protocol: int = 0
    header_error: bool = False
    payload_error: bool = False
    bypassed: bool = False


def check(frame: bytes) -> Check:
    """The receive engine's verdict on a frame (RM0090 section 33.5.3, "Receive checksum offload")."""
    packet = parse(frame)
    if packet is None:
        return Check()
    if packet.header_error or (packet.version == 4 and not good(frame[packet.start : packet.payload])):
        return Check(packet.version, header_error=True, bypassed=True)
    if not packet.protocol:
        return Check(packet.version, bypassed=True)
    payload = frame[packet.payload : packet.end]
    field = FIELD[packet.protocol]
    if len(frame) < packet.end or len(payload) < field + 2:
        return Check(packet.version, packet.protocol, payload_error=True)
    unused = packet.protocol == UDP and packet.version == 4 and payload[field : field + 2] == b"\0\0"  # RFC 768
    return Check(packet.version, packet.protocol, payload_error=not unused and not good(packet.pseudo + payload))
