# SPDX-License-Identifier: GPL-2.0-or-later
"""Handshake messages put together from the fragments of records (RFC 5246 section 7.4), and taken apart in context."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from stm32emu.netbridge.tls import messages, names
from stm32emu.netbridge.tls.cursor import Cursor, Malformed, attempt, vector
from stm32emu.netbridge.tls.holes import NO_HOLES, Holes
from stm32emu.netbridge.tls.messages import Message
from stm32emu.netbridge.tls.records import Record
from stm32emu.netbridge.tls.suites import SUITES

HEADER_SIZE = 4
MAX_MESSAGE = (1 << 17) + 1024
"""Bytes of a message that are kept; suites and extensions of a ClientHello can be 2^16 each."""


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A message as it came: type and body, the number of records it was spread over, and the longest of those."""

    type: int
    body: bytes
    records: int = 1
    longest: int = 0
    holes: Holes = NO_HOLES

    def emit(self) -> bytes:
        """With its header."""
        return bytes((self.type,)) + vector(3, self.body)


class HandshakeReader:
    """Messages of one direction; memory is bounded by MAX_MESSAGE and a record."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._holes = NO_HOLES
        self._records = self._longest = 0  # of the message at the start of _buffer
        self._deaf = False

    @property
    def pending(self) -> int:
        """Bytes of a message that is not complete."""
        return len(self._buffer)

    def feed(self, record: Record) -> Iterator[RawMessage | Malformed]:
        """A handshake record in the clear: the messages that are complete now."""
        if self._deaf or record.fragment is None:
            return
        self._holes += record.holes.shifted(len(self._buffer))
        self._buffer += record.fragment
        self._records, self._longest = self._records + 1, max(self._longest, record.length)
        while len(self._buffer) >= HEADER_SIZE:
            size = HEADER_SIZE + int.from_bytes(self._buffer[1:HEADER_SIZE], "big")
            if size > MAX_MESSAGE:
                self._deaf = True
                yield Malformed(f"a handshake message of {size} bytes, more than {MAX_MESSAGE}", 0)
                return
            if len(self._buffer) < size:
                return
            yield self._take(size)
            # What is left is all of this record.
            self._records, self._longest = (1, record.length) if self._buffer else (0, 0)

    def _take(self, size: int) -> RawMessage:
        body, holes = bytes(self._buffer[HEADER_SIZE:size]), self._holes.part(HEADER_SIZE, size)
        message = RawMessage(self._buffer[0], body, self._records, self._longest, holes)
        del self._buffer[:size]
        self._holes = self._holes.part(size, None)
        return message


@dataclass(frozen=True, slots=True)
class Context:
    """What decides how a message reads: what the server chose, as far as that has been seen."""

    version: int | None = None
    suite: int | None = None
    dtls: bool = False


def parse_message(kind: int, body: bytes, context: Context = Context()) -> Message | Malformed:
    """A message's body."""
    newer = context.version is None or context.version in (names.TLS_1_2, names.TLS_1_3, names.DTLS_1_2)
    parsers: dict[int, Callable[[Cursor], Message]] = {
        names.CLIENT_HELLO: partial(messages.ClientHello.parse, dtls=context.dtls),
        names.SERVER_HELLO: messages.ServerHello.parse,
        names.HELLO_VERIFY_REQUEST: messages.HelloVerifyRequest.parse,
        names.NEW_SESSION_TICKET: messages.NewSessionTicket.parse,
        names.CERTIFICATE: messages.Certificate.parse,
        names.SERVER_KEY_EXCHANGE: partial(_server_key_exchange, context=context, with_scheme=newer),
        names.CERTIFICATE_REQUEST: partial(messages.CertificateRequest.parse, with_schemes=newer),
        names.CLIENT_KEY_EXCHANGE: partial(_client_key_exchange, context=context),
        names.CERTIFICATE_VERIFY: partial(messages.CertificateVerify.parse, with_scheme=newer),
    }
    return attempt(parsers.get(kind, messages.Opaque.parse), body, f"the {names.name_of(names.HANDSHAKE_TYPES, kind)}")


def _server_key_exchange(cursor: Cursor, context: Context, with_scheme: bool) -> Message:
    """Its form depends on the suite; where that was not seen it is taken for one with a point and a signature."""
    suite = SUITES.get(context.suite or 0)
    if suite is None or suite.exchange in ("ECDHE_ECDSA", "ECDHE_RSA", "ECDH_anon"):
        return messages.EcdheKeyExchange.parse(cursor, suite is None or suite.signed, with_scheme)
    if suite.exchange in ("DHE_RSA", "DH_anon"):
        return messages.DheKeyExchange.parse(cursor, suite.signed, with_scheme)
    return messages.Opaque.parse(cursor)


def _client_key_exchange(cursor: Cursor, context: Context) -> Message:
    suite = SUITES.get(context.suite or 0)
    if suite is None or suite.exchange in ("ECDHE_ECDSA", "ECDHE_RSA", "ECDH_anon", "ECDH_ECDSA", "ECDH_RSA"):
        return messages.ClientKeyExchange.parse(cursor, 1)
    if suite.exchange in ("DHE_RSA", "DH_anon", "RSA"):
        return messages.ClientKeyExchange.parse(cursor, 2)
    return messages.Opaque.parse(cursor)
