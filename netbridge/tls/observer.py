# SPDX-License-Identifier: GPL-2.0-or-later
"""Watches one connection from beside the wire: the bytes of both sides and times in, a transcript out.

It never raises on what peers send and changes nothing. Its memory is bounded by one record and one handshake message a
side, and by the transcript's MAX_EVENTS. Peers that stop half-way or dawdle end in the transcript, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.cursor import Malformed
from stm32emu.netbridge.tls.handshake import Context, HandshakeReader, RawMessage, parse_message
from stm32emu.netbridge.tls.messages import ServerHello
from stm32emu.netbridge.tls.records import Record, RecordReader
from stm32emu.netbridge.tls.transcript import (
    LONG,
    START,
    Alert,
    ChangeCipherSpec,
    End,
    Event,
    Finished,
    Handshake,
    Item,
    Moment,
    Sealed,
    Side,
    Transcript,
)

SECOND = 1_000_000_000
SILENCE = 30 * SECOND
"""After so long without a byte a handshake has stopped; one of an emulated device takes up to 10 s."""
LONGEST = 300 * SECOND
"""After so long a handshake that still goes on is slow."""
LAST_OF_FLIGHT = (names.CLIENT_HELLO, names.SERVER_HELLO_DONE, names.HELLO_REQUEST, names.HELLO_VERIFY_REQUEST)
"""Messages after which the other side speaks; Finished is encrypted (RFC 5246 section 7.3)."""


class _Handshakes(Protocol):
    """Puts messages together."""

    @property
    def pending(self) -> int: ...

    def feed(self, record: Record) -> Iterator[RawMessage | Malformed]: ...


class _Direction:
    """The readers of what one side says."""

    def __init__(self, midway: bool) -> None:
        self.records = RecordReader()
        self.records.lost = midway
        self.handshakes: _Handshakes = HandshakeReader()


class Observer:
    """One connection.

    Args:
        number: of the connection, for the transcript.
        opened: when it was opened, or first seen.
        midway: its beginning was not captured.
    """

    def __init__(self, number: int = 1, opened: Moment = START, midway: bool = False) -> None:
        self.transcript = Transcript(number, opened, midway=midway)
        self._directions = {side: _Direction(midway) for side in Side}
        self._context = Context()
        self._last = opened.now
        self._stopped = False

    # What happens on the wire

    def receive(self, sender: Side, data: bytes, moment: Moment) -> None:
        """Bytes that `sender` sent, in order."""
        self._heard(moment)
        reader = self._directions[sender].records
        reader.feed(data)
        while (record := reader.next()) is not None:
            self._record(sender, record, moment)

    def _heard(self, moment: Moment) -> None:
        self._last = moment.now
        self._stopped = False

    def pass_over(self, sender: Side, count: int, now: int) -> bool:
        """Whether `count` bytes of `sender` are inside an encrypted record: then nothing is to be seen in them."""
        if not self._directions[sender].records.pass_over(count):
            return False
        self._last = now
        return True

    def lose(self, sender: Side, count: int, moment: Moment) -> None:
        """`count` bytes that `sender` sent were not captured."""
        self.transcript.gaps += 1
        reader = self._directions[sender].records
        reader.lose(count)
        while (record := reader.next()) is not None:
            self._record(sender, record, moment)

    def end(self, sender: Side, how: End, moment: Moment) -> None:
        """`sender` closes its side of the connection, or resets all of it; perhaps the other kept it waiting."""
        waited = moment.now - self._last >= LONG and self._whose_turn() is sender.other
        if waited and not self.transcript.complete and not self.transcript.ends():
            self._add(sender.other, End.SILENT, moment)
        self._last = moment.now
        self._add(sender, how, moment)

    def cut(self, moment: Moment) -> None:
        """Run or capture end; the connection has not."""
        if not self.transcript.ends():
            self._add(self._whose_turn(), End.CUT, moment)

    @property
    def over(self) -> bool:
        """Whether there is nothing more to see, though nobody has left."""
        return False

    @property
    def kept(self) -> int:
        """Bytes of records and messages that are not complete."""
        return sum(each.records.pending + each.handshakes.pending for each in self._directions.values())

    # Time

    def poll_at(self) -> int | None:
        """When `on_timer` wants to run, in nanoseconds; never once the handshake is through or given up."""
        if self._stopped or self.transcript.complete:
            return None
        return min(self._last + SILENCE, self.transcript.opened.now + LONGEST)

    def on_timer(self, moment: Moment) -> bool:
        """Time has come to this; True when the connection is given up now."""
        due = self.poll_at()
        if due is None or moment.now < due:
            return False
        self._stopped = True
        silent = moment.now >= self._last + SILENCE
        if self.transcript.ends():
            return True  # half-open: one side has left, and the other does not notice
        self._add(self._whose_turn(), End.SILENT if silent else End.SLOW, Moment(due, moment.wall))
        return True

    def _whose_turn(self) -> Side:
        """Who has to speak next: the other side of who spoke last, unless that is in the middle of its flight."""
        for side, direction in self._directions.items():
            if direction.records.pending or direction.handshakes.pending:
                return side
        spoken = [event for event in self.transcript.events if not isinstance(event.item, End)]
        if not spoken:
            return Side.CLIENT
        last = spoken[-1]
        goes_on = isinstance(last.item, ChangeCipherSpec) or (
            isinstance(last.item, Handshake) and last.item.type not in LAST_OF_FLIGHT
        )
        return last.sender if goes_on else last.sender.other

    # Layers

    def _add(self, sender: Side, item: Item, moment: Moment) -> None:
        self.transcript.add(Event(moment, sender, item))

    def _hash(self, part: bytes | Finished) -> None:
        self.transcript.hash(part)

    def _record(self, sender: Side, record: Record | Malformed, moment: Moment) -> None:
        if isinstance(record, Malformed):
            self._add(sender, record, moment)
        elif self._directions[sender].records.sealed or record.type == names.APPLICATION_DATA:
            self._sealed(sender, record, moment)
        elif record.type == names.HANDSHAKE:
            for message in self._directions[sender].handshakes.feed(record):
                self._message(sender, message, moment)
        elif record.type == names.ALERT and record.fragment is not None:
            self._alert(sender, record.fragment, moment)
        else:
            self._directions[sender].records.sealed = self._context.version != names.TLS_1_3
            self._add(sender, ChangeCipherSpec(), moment)

    def _sealed(self, sender: Side, record: Record, moment: Moment) -> None:
        self._directions[sender].records.sealed = True
        if record.type == names.HANDSHAKE and record.fragment and not self.transcript.finished(sender):
            self._hash(Finished(sender, record.fragment))
        self._add(sender, Sealed(record.type, 1, record.length, record.length), moment)

    def _alert(self, sender: Side, fragment: bytes, moment: Moment) -> None:
        if len(fragment) == 2:
            self._add(sender, Alert(fragment[0], fragment[1]), moment)
        elif self.transcript.midway:  # the ChangeCipherSpec before it was not captured
            self._add(sender, Sealed(names.ALERT, 1, len(fragment), len(fragment)), moment)
        else:
            self._add(sender, Malformed(f"an alert of {len(fragment)} bytes", 0), moment)

    def _message(self, sender: Side, raw: RawMessage | Malformed, moment: Moment) -> None:
        if isinstance(raw, Malformed):
            self._add(sender, raw, moment)
            return
        if raw.type != names.HELLO_REQUEST:  # RFC 5246 section 7.4.1.1
            self._hash(raw.emit())
        message = parse_message(raw.type, raw.body, self._context)
        if isinstance(message, ServerHello):
            self._context = replace(self._context, version=message.chosen_version, suite=message.suite)
        item = Handshake(raw.type, message, len(raw.body), raw.records, raw.longest, raw.holes)
        self._add(sender, item, moment)
