# SPDX-License-Identifier: GPL-2.0-or-later
"""pcapng captures (draft-ietf-opsawg-pcapng) in virtual time, written as the frames pass."""

from __future__ import annotations

import struct
from typing import Protocol

SECTION_HEADER = 0x0A0D0D0A
BYTE_ORDER = 0x1A2B3C4D
INTERFACE = 1
SIMPLE_PACKET = 3
ENHANCED_PACKET = 6
DECRYPTION_SECRETS = 10

LINKTYPE_ETHERNET = 1
TLS_KEY_LOG = int.from_bytes(b"TLSK", "big")
IF_TSRESOL = 9
IF_TSOFFSET = 14
_UNKNOWN_LENGTH = 0xFFFF_FFFF_FFFF_FFFF

_OPT_COMMENT = 1
_SHB_USERAPPL = 4
_IF_NAME = 2
_EPB_FLAGS = 2
_INBOUND = 1
_OUTBOUND = 2


class Stream(Protocol):
    """Takes bytes, as files do."""

    def write(self, data: bytes, /) -> object:
        """All of `data`."""


class Correctable(Stream, Protocol):
    """A file whose bytes can be replaced."""

    def write_at(self, offset: int, data: bytes, /) -> object:
        """All of `data`, in place of what is there."""


class PcapngWriter:
    """One Ethernet interface, timestamps in virtual nanoseconds since reset. The stream is the caller's to close.

    Little-endian on every host, so that equal runs give equal files.

    Args:
        stream: empty.
    """

    def __init__(self, stream: Stream, *, interface: str = "guest", application: str = "stm32emu") -> None:
        self._stream = stream
        self._written = 0
        self._room = 0  # bytes left of what is reserved for secrets, which ends at _room_end
        self._room_end = 0
        self._reserved: Correctable | None = None
        section = struct.pack("<IHHQ", BYTE_ORDER, 1, 0, _UNKNOWN_LENGTH)
        self._block(SECTION_HEADER, section + _options((_SHB_USERAPPL, application.encode())))
        options = _options((_IF_NAME, interface.encode()), (IF_TSRESOL, b"\x09"))
        self._block(INTERFACE, struct.pack("<HHI", LINKTYPE_ETHERNET, 0, 0) + options)

    def packet(self, frame: bytes, now_ns: int, inbound: bool, comment: str = "") -> None:
        """A frame without FCS that the guest received (`inbound`) or sent at `now_ns`."""
        fields = (0, now_ns >> 32, now_ns & 0xFFFFFFFF, len(frame), len(frame))
        flags = struct.pack("<I", _INBOUND if inbound else _OUTBOUND)
        options = [(_EPB_FLAGS, flags)] + ([(_OPT_COMMENT, comment.encode())] if comment else [])
        self._block(ENHANCED_PACKET, struct.pack("<IIIII", *fields) + _padded(frame) + _options(*options))

    def reserve_secrets(self, stream: Correctable, room: int) -> None:
        """Keep `room` bytes, empty lines for now, before all packets, which secrets that come later are put into.

        Args:
            stream: what the writer writes to.
            room: a multiple of 4.
        """
        self._block(DECRYPTION_SECRETS, struct.pack("<II", TLS_KEY_LOG, room) + b"\n" * room)
        self._reserved, self._room, self._room_end = stream, room, self._written - 4

    def secrets(self, data: bytes) -> None:
        """TLS secrets, lines of a key log file. Wireshark wants them before the packets that they decrypt: they are put
        into what is reserved, and only when that is full behind what is there."""
        if self._reserved is not None and len(data) <= self._room:
            self._reserved.write_at(self._room_end - self._room, data)
            self._room -= len(data)
            return
        self._block(DECRYPTION_SECRETS, struct.pack("<II", TLS_KEY_LOG, len(data)) + _padded(data))

    def _block(self, kind: int, body: bytes) -> None:
        length = len(body) + 12
        self._stream.write(struct.pack("<II", kind, length) + body + struct.pack("<I", length))
        self._written += length


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _options(*options: tuple[int, bytes]) -> bytes:
    """Options and their terminator."""
    parts = [struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options]
    return b"".join(parts) + bytes(4)
