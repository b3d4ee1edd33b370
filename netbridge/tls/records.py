# SPDX-License-Identifier: GPL-2.0-or-later
"""The record layer (RFC 5246 section 6.2.1; RFC 6347 section 4.1 for DTLS): a stream of bytes cut into records."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stm32emu.netbridge.tls.cursor import Cursor, Malformed, MalformedError
from stm32emu.netbridge.tls.holes import NO_HOLES, Holes
from stm32emu.netbridge.tls.names import CLIENT_HELLO, CONTENT_TYPES, DTLS_1_0, DTLS_1_2, HANDSHAKE

HEADER_SIZE = 5
MAX_PLAINTEXT = 1 << 14
MAX_FRAGMENT = MAX_PLAINTEXT + 2048
"""What a record may have at most, encrypted (RFC 5246 section 6.2.3)."""
LONGEST_FINISHED = 128
"""Bytes of an encrypted handshake record that is kept: Finished has 40 with AES-GCM, and up to 96 with CBC."""
_HEADER = re.compile(rb"[\x14-\x17]\x03[\x00-\x04][\x00-\x47]")


@dataclass(frozen=True, slots=True)
class Record:
    """A record: `length` of its fragment, and the fragment, None for one that is encrypted and not kept.

    `holes` are the parts of the fragment that a capture lacks; they read as zeros.
    """

    type: int
    version: int
    length: int
    fragment: bytes | None
    holes: Holes = NO_HOLES

    def emit(self) -> bytes:
        """Header and fragment."""
        header = bytes((self.type,)) + self.version.to_bytes(2, "big") + self.length.to_bytes(2, "big")
        return header + (self.fragment or b"")


class TooLong(Malformed):
    """A record that would be one but for its length."""


class RecordReader:
    """Records of one direction. Feed it, then call `next` until it has none; memory is bounded by one record.

    Once `sealed` is set no fragments but Finished's are kept: a record is returned as soon as its header is there.
    """

    def __init__(self) -> None:
        self.sealed = False
        self.lost = False
        self._buffer = bytearray()
        self._holes = NO_HOLES
        self._skip = 0
        self._offset = 0  # of _buffer[0] in the stream

    @property
    def pending(self) -> int:
        """Bytes of a record that is not complete."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Bytes that follow."""
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        if skipped < len(data):
            self._buffer += data[skipped:] if skipped else data
        self._offset += skipped
        if self.lost:
            self._synchronize()

    def pass_over(self, count: int) -> bool:
        """Whether `count` bytes that follow are inside an encrypted record: then they are passed over."""
        if count > self._skip:
            return False
        self._skip -= count
        self._offset += count
        return True

    def lose(self, count: int) -> None:
        """`count` bytes are missing here: inside a record they become a hole, beyond its end the place is lost."""
        inside = min(self._skip, count)
        self._skip -= inside
        self._offset += inside
        missing = count - inside
        if not missing:
            return
        if self._buffer_lacks() >= missing:
            self._holes = self._holes.add(len(self._buffer), len(self._buffer) + missing)
            self._buffer += bytes(missing)
        else:
            self._lose_place(missing)

    def next(self) -> Record | Malformed | None:
        """The next record, what is no record, or None when more bytes are needed."""
        if self.lost or len(self._buffer) < HEADER_SIZE:
            return None
        kind, version = self._buffer[0], int.from_bytes(self._buffer[1:3], "big")
        length = int.from_bytes(self._buffer[3:5], "big")
        wrong = _wrong(kind, version, length, self._offset)
        if wrong:
            self._drop(1)
            self.lost = True
            self._synchronize()
            return wrong
        if self.sealed and (kind != HANDSHAKE or length > LONGEST_FINISHED):
            return self._seal(Record(kind, version, length, None))
        if len(self._buffer) < HEADER_SIZE + length:
            return None
        fragment = bytes(self._buffer[HEADER_SIZE : HEADER_SIZE + length])
        holes = self._holes.part(HEADER_SIZE, HEADER_SIZE + length)
        self._drop(HEADER_SIZE + length)
        return Record(kind, version, length, fragment, holes)

    def _seal(self, record: Record) -> Record:
        whole = HEADER_SIZE + record.length
        self._skip = max(0, whole - len(self._buffer))
        self._drop(min(whole, len(self._buffer)))
        return record

    def _buffer_lacks(self) -> int:
        """Bytes that the record under way still needs; 0 when its header is not there."""
        if self.lost or len(self._buffer) < HEADER_SIZE:
            return 0
        return HEADER_SIZE + int.from_bytes(self._buffer[3:5], "big") - len(self._buffer)

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._holes = self._holes.part(count, None)
        self._offset += count

    def _lose_place(self, missing: int) -> None:
        self._drop(len(self._buffer))
        self._offset += missing
        self.lost = True

    def _synchronize(self) -> None:
        """Go on where a record may begin."""
        found = _HEADER.search(self._buffer)
        if found:
            self._drop(found.start())
            self.lost = False
        elif len(self._buffer) > HEADER_SIZE:
            self._drop(len(self._buffer) - HEADER_SIZE)


def _wrong(kind: int, version: int, length: int, offset: int) -> Malformed | None:
    """What keeps this from being a record's header."""
    if kind not in CONTENT_TYPES or version >> 8 != 3:
        return Malformed(f"no TLS record: it starts with {kind:02x} {version >> 8:02x} {version & 0xFF:02x}", offset)
    if length > MAX_FRAGMENT:
        return TooLong(f"a record of {length} bytes, more than {MAX_FRAGMENT}", offset)
    return None


@dataclass(frozen=True, slots=True)
class DtlsRecord:
    """A record of DTLS, several of which may share a datagram."""

    type: int
    version: int
    epoch: int
    sequence: int
    fragment: bytes

    def emit(self) -> bytes:
        """Header and fragment."""
        head = bytes((self.type,)) + self.version.to_bytes(2, "big") + self.epoch.to_bytes(2, "big")
        return head + self.sequence.to_bytes(6, "big") + len(self.fragment).to_bytes(2, "big") + self.fragment


def parse_datagram(datagram: bytes) -> list[DtlsRecord | Malformed]:
    """The records of a datagram; one that is malformed is the last."""
    cursor = Cursor(datagram)
    found: list[DtlsRecord | Malformed] = []
    while cursor.left:
        try:
            kind, version = cursor.uint(1, "the content type"), cursor.uint(2, "the version")
            if version >> 8 != 0xFE:
                raise cursor.fail(f"no DTLS record: its version is 0x{version:04x}")
            epoch, sequence = cursor.uint(2, "the epoch"), cursor.uint(6, "the sequence number")
            found.append(DtlsRecord(kind, version, epoch, sequence, cursor.vector(2, "the fragment")))
        except MalformedError as error:
            return [*found, error.malformed]
    return found


def begins_dtls(datagram: bytes) -> bool:
    """Whether a connection begins with it: a handshake record of epoch 0 with the first fragment of a ClientHello."""
    return (
        len(datagram) > 13
        and datagram[0] == HANDSHAKE
        and int.from_bytes(datagram[1:3], "big") in (DTLS_1_0, DTLS_1_2)
        and datagram[3:5] == b"\0\0"
        and datagram[13] == CLIENT_HELLO
    )
