# SPDX-License-Identifier: GPL-2.0-or-later
"""Both directions of a connection as records (RFC 5246 section 6.2): cut, limited, encrypted."""

from __future__ import annotations

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.records import HEADER_SIZE, MAX_FRAGMENT, MAX_PLAINTEXT, Record
from stm32emu.netbridge.tls.twin.alerts import ProtocolVersionError, RecordOverflowError, UnexpectedMessageError
from stm32emu.netbridge.tls.twin.protection import Protection

_EXPANSION = MAX_FRAGMENT - MAX_PLAINTEXT


class RecordLayer:
    """Strict, unlike `records.RecordReader`, which looks on. Memory is bounded by what is fed at once, and a record.

    Attributes:
        in_limit, out_limit: bytes of plaintext in a record.
        version_known: the version is negotiated, and every record but an alert must have it.
        reading, writing: what protects each direction; None while it is in the clear.
    """

    def __init__(self, in_limit: int, out_limit: int) -> None:
        self.in_limit = in_limit
        self.out_limit = out_limit
        self.version_known = False
        self.reading: Protection | None = None
        self.writing: Protection | None = None
        self._input = bytearray()
        self._output = bytearray()

    def feed(self, data: bytes) -> None:
        """Bytes from the peer."""
        self._input += data

    def next(self) -> Record | None:
        """The next record, decrypted; None when more bytes are needed. Raises PeerError."""
        if len(self._input) < HEADER_SIZE:
            return None
        kind, version = self._input[0], int.from_bytes(self._input[1:3], "big")
        length = int.from_bytes(self._input[3:HEADER_SIZE], "big")
        self._check_header(kind, version, length)
        if len(self._input) < HEADER_SIZE + length:
            return None
        fragment = bytes(self._input[HEADER_SIZE : HEADER_SIZE + length])
        del self._input[: HEADER_SIZE + length]
        plaintext = self.reading.open(kind, fragment) if self.reading else fragment
        if len(plaintext) > self.in_limit:
            raise RecordOverflowError(f"a record of {len(plaintext)} bytes, more than {self.in_limit}")
        if not plaintext and kind != names.APPLICATION_DATA:
            raise UnexpectedMessageError("an empty record that is no application data")
        return Record(kind, version, len(plaintext), plaintext)

    def _check_header(self, kind: int, version: int, length: int) -> None:
        if kind not in names.CONTENT_TYPES:
            raise UnexpectedMessageError(f"no TLS record: its type is {kind}")
        known = self.version_known and kind != names.ALERT  # which may be about the version
        if version >> 8 != names.TLS_1_2 >> 8 or (known and version != names.TLS_1_2):
            raise ProtocolVersionError(f"a record of {names.version_name(version)}")
        if length > self.in_limit + (_EXPANSION if self.reading else 0):
            raise RecordOverflowError(f"a record of {length} bytes, more than {self.in_limit}")

    def send(self, kind: int, data: bytes) -> None:
        """In as many records as the limit makes necessary; nothing is one empty record."""
        for at in range(0, len(data) or 1, self.out_limit):
            part = data[at : at + self.out_limit]
            fragment = self.writing.seal(kind, part) if self.writing else part
            self._output += Record(kind, names.TLS_1_2, len(fragment), fragment).emit()

    def take_output(self) -> bytes:
        """What is to be sent."""
        output = bytes(self._output)
        self._output.clear()
        return output
