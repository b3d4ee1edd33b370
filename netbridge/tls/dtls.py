# SPDX-License-Identifier: GPL-2.0-or-later
"""Watches one DTLS connection (RFC 6347), as the observer of TLS does: datagrams in, a transcript out.

Datagrams get lost, come twice and overtake each other, so each handshake message is taken as soon as all of it is
there, once, whatever is missing before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.cursor import Cursor, Malformed, MalformedError
from stm32emu.netbridge.tls.handshake import MAX_MESSAGE, Context, RawMessage
from stm32emu.netbridge.tls.observer import Observer
from stm32emu.netbridge.tls.records import DtlsRecord, Record, parse_datagram
from stm32emu.netbridge.tls.transcript import START, Alert, Finished, Moment, Side

MOST = 64
"""Messages of one side that are looked at; a handshake has about 10."""


@dataclass
class _Message:
    """A message under way."""

    body: bytearray
    there: bytearray = field(init=False)
    missing: int = field(init=False)
    records: int = 0
    longest: int = 0

    def __post_init__(self) -> None:
        self.missing = len(self.body)
        self.there = bytearray(self.missing)

    def add(self, offset: int, data: bytes, length: int) -> None:
        """A fragment from a record of `length`."""
        end = offset + len(data)
        self.missing -= self.there.count(0, offset, end)
        self.there[offset:end] = b"\1" * len(data)
        self.body[offset:end] = data
        self.records += 1
        self.longest = max(self.longest, length)


class DtlsHandshakeReader:
    """Messages of one direction (RFC 6347 section 4.2.2); memory is bounded by 2 * MAX_MESSAGE."""

    def __init__(self) -> None:
        self._under_way: dict[tuple[int, int], _Message] = {}
        self._done: set[tuple[int, int]] = set()

    @property
    def pending(self) -> int:
        """Bytes of messages that are not complete."""
        return sum(2 * len(each.body) for each in self._under_way.values())

    def feed(self, record: Record) -> Iterator[RawMessage | Malformed]:
        """A handshake record in the clear: the messages that are complete now."""
        cursor = Cursor(record.fragment or b"")
        try:
            while cursor.left:
                yield from self._fragment(cursor, record.length)
        except MalformedError as error:
            yield error.malformed

    def _fragment(self, cursor: Cursor, record: int) -> Iterator[RawMessage]:
        kind, length = cursor.uint(1, "the message's type"), cursor.uint(3, "its length")
        key = kind, cursor.uint(2, "the message's number")
        offset, size = cursor.uint(3, "the fragment's offset"), cursor.uint(3, "the fragment's length")
        if offset + size > length:
            raise cursor.fail(f"bytes {offset} to {offset + size} of a message of {length}")
        data = cursor.take(size, "the fragment")
        message = self._message(key, length, cursor)
        if message is None:
            return
        message.add(offset, data, record)
        if not message.missing:
            del self._under_way[key]
            self._done.add(key)
            yield RawMessage(kind, bytes(message.body), message.records, message.longest)

    def _message(self, key: tuple[int, int], length: int, cursor: Cursor) -> _Message | None:
        """The one that a fragment is of; None if it is complete, or there were too many."""
        if key in self._done or (key not in self._under_way and len(self._done) + len(self._under_way) >= MOST):
            return None
        if key not in self._under_way:
            if self.pending + 2 * length > 2 * MAX_MESSAGE:
                raise cursor.fail(f"messages of more than {MAX_MESSAGE} bytes")
            self._under_way[key] = _Message(bytearray(length))
        message = self._under_way[key]
        if len(message.body) != length:
            raise cursor.fail(f"a fragment of a message of {length} bytes, which had {len(message.body)}")
        return message


class DtlsObserver(Observer):
    """One connection, from its ClientHello on."""

    def __init__(self, number: int = 1, opened: Moment = START) -> None:
        super().__init__(number, opened)
        self._context = Context(dtls=True)
        for direction in self._directions.values():
            direction.handshakes = DtlsHandshakeReader()

    def receive(self, sender: Side, data: bytes, moment: Moment) -> None:
        """A datagram."""
        self._heard(moment)
        for record in parse_datagram(data):
            self._record(sender, self._as_of_tls(sender, record), moment)

    def _as_of_tls(self, sender: Side, record: DtlsRecord | Malformed) -> Record | Malformed:
        if isinstance(record, Malformed):
            return record
        if record.type not in names.CONTENT_TYPES:
            return Malformed(f"no content type: {record.type}", 0)
        self._directions[sender].records.sealed = record.epoch > 0
        return Record(record.type, record.version, len(record.fragment), record.fragment)

    @property
    def over(self) -> bool:
        """UDP has no end: there is nothing more to see after both Finished, or a fatal alert."""
        alerts = (event.item for event in self.transcript.events if isinstance(event.item, Alert))
        return self.transcript.complete or any(alert.level == names.FATAL for alert in alerts)

    def _hash(self, part: bytes | Finished) -> None:
        """Finished covers headers of DTLS's own (section 4.2.6): it is not verified."""
