# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP segments (RFC 9293 section 3.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

from stm32emu.netbridge.wire.checksum import internet_checksum, pseudo_header
from stm32emu.netbridge.wire.errors import ChecksumError, MalformedError, TruncatedError, need
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_TCP

FIN = 0x01
SYN = 0x02
RST = 0x04
PSH = 0x08
ACK = 0x10
URG = 0x20

HEADER_SIZE = 20
_LAYOUT = struct.Struct("!HHIIBBHHH")
_OPTION_END = 0
_OPTION_NOP = 1
_OPTION_MSS = 2
_FLAG_NAMES = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (PSH, "PSH"), (URG, "URG"), (ACK, "ACK"))


@dataclass(frozen=True, slots=True)
class TcpSegment:
    """A segment; `seq` and `ack` are the 32-bit numbers on the wire. Options other than MSS are checked and dropped."""

    src_port: int
    dst_port: int
    seq: int
    ack: int
    flags: int
    window: int
    payload: bytes = b""
    mss: int | None = None
    urgent: int = 0

    @property
    def length(self) -> int:
        """SEG.LEN: the sequence numbers it takes, SYN and FIN included."""
        return len(self.payload) + bool(self.flags & SYN) + bool(self.flags & FIN)

    @classmethod
    def parse(cls, data: bytes, src: IPv4Address, dst: IPv4Address) -> TcpSegment:
        """Raises WireError."""
        need("a TCP header", data, HEADER_SIZE)
        src_port, dst_port, seq, ack, offset, flags, window, _, urgent = _LAYOUT.unpack_from(data)
        header = (offset >> 4) * 4
        if header < HEADER_SIZE:
            raise MalformedError(f"TCP data offset {header} is below {HEADER_SIZE}")
        if header > len(data):
            raise TruncatedError("a TCP header with options", header, len(data))
        if internet_checksum(pseudo_header(src, dst, PROTOCOL_TCP, len(data)) + data):
            raise ChecksumError("TCP")
        mss = _parse_mss(data[HEADER_SIZE:header]) if header > HEADER_SIZE else None
        return cls(src_port, dst_port, seq, ack, flags, window, bytes(data[header:]), mss, urgent)

    def emit(self, src: IPv4Address, dst: IPv4Address) -> bytes:
        """The segment with its checksum."""
        options = b"" if self.mss is None else struct.pack("!BBH", _OPTION_MSS, 4, self.mss)
        offset = (HEADER_SIZE + len(options)) << 2
        ports = (self.src_port, self.dst_port)
        head = _LAYOUT.pack(*ports, self.seq, self.ack, offset, self.flags, self.window, 0, self.urgent) + options
        covered = pseudo_header(src, dst, PROTOCOL_TCP, len(head) + len(self.payload)) + head + self.payload
        return head[:16] + internet_checksum(covered).to_bytes(2, "big") + head[18:] + self.payload

    def __str__(self) -> str:
        flags = " ".join(name for bit, name in _FLAG_NAMES if self.flags & bit)
        ports = f"{self.src_port} -> {self.dst_port}"
        return f"{ports} [{flags}] seq={self.seq} ack={self.ack} win={self.window} len={len(self.payload)}"


def _parse_mss(options: bytes) -> int | None:
    """The MSS option's value; walks the whole list so that a broken one is noticed."""
    mss = None
    at = 0
    while at < len(options) and options[at] != _OPTION_END:
        if options[at] == _OPTION_NOP:
            at += 1
            continue
        length = options[at + 1] if at + 1 < len(options) else 0
        if length < 2 or at + length > len(options):
            raise MalformedError(f"TCP option {options[at]} has a length that does not fit")
        if options[at] == _OPTION_MSS:
            if length != 4:
                raise MalformedError(f"TCP MSS option has length {length}")
            mss = int.from_bytes(options[at + 2 : at + 4], "big")
        at += length
    return mss
