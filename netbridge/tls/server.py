# SPDX-License-Identifier: GPL-2.0-or-later
"""A TLS 1.2 server of one connection, free of IO: bytes in, events and bytes out. A test server, the device's twin.

    server = Server(site, os.urandom, int(time.time()))
    events = server.receive(data)
    send(server.take_output())

After a `Closed` nothing more happens: send what `take_output` has, and close.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.cursor import Malformed
from stm32emu.netbridge.tls.handshake import HandshakeReader
from stm32emu.netbridge.tls.records import Record
from stm32emu.netbridge.tls.twin.alerts import (
    AlertReceivedError,
    DecodeError,
    IllegalParameterError,
    TlsError,
    UnexpectedMessageError,
)
from stm32emu.netbridge.tls.twin.handshake import Handshake, State, StoppedError
from stm32emu.netbridge.tls.twin.protection import Random
from stm32emu.netbridge.tls.twin.record_layer import RecordLayer
from stm32emu.netbridge.tls.twin.site import Outcome, Site

CLOSE_NOTIFY, NO_RENEGOTIATION = 0, 100
MAX_WARNINGS = 4
"""A peer that only warns, or only wants to renegotiate, keeps the server busy."""


@dataclass(frozen=True, slots=True)
class HandshakeDone:
    """Both Finished have been verified; application data may be sent."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ApplicationData:
    """What the peer says, one record of it."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning of the peer's, which changes nothing."""

    description: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The end; `error` is None for a connection that was closed properly, by either side."""

    error: TlsError | None = None


Event = HandshakeDone | ApplicationData | Warned | Closed


class Server:
    """One connection.

    Args:
        site: identities, policy and sessions, which connections share.
        random: gives so many random bytes.
        now: seconds since 1970.
    """

    def __init__(self, site: Site, random: Random, now: int) -> None:
        self._site = site
        self._layer = RecordLayer(site.policy.in_limit, site.policy.out_limit)
        self._handshake = Handshake(site, self._layer, site.conduct.source(random), now)
        self._messages = HandshakeReader()
        self._closed = False
        self._borne = 0

    @property
    def state(self) -> State:
        """What it waits for."""
        return self._handshake.state

    @property
    def closed(self) -> bool:
        """Whether it is over; a client may say something and close in one go."""
        return self._closed

    @property
    def outcome(self) -> Outcome | None:
        """What has been negotiated."""
        return self._handshake.outcome

    def receive(self, data: bytes) -> list[Event]:
        """Bytes from the peer. Never raises: what the peer does wrong ends in Closed."""
        if self._closed:
            return []
        self._layer.feed(data)
        events: list[Event] = []
        try:
            events.extend(self._records())
        except StoppedError:
            self._closed = True
            events += [Closed()] if self._site.conduct.hangs_up else []
        except TlsError as error:
            events.append(self._fail(error))
        return events

    def send(self, data: bytes) -> None:
        """Application data, in as many records as it takes; only after HandshakeDone and before Closed."""
        if self._closed or self.state is not State.OPEN:
            raise RuntimeError("application data can be sent between HandshakeDone and Closed only")
        if data:
            self._layer.send(names.APPLICATION_DATA, data)

    def close(self) -> None:
        """Say so, by close_notify."""
        if not self._closed:
            self._alert(names.WARNING, CLOSE_NOTIFY)
            self._closed = True

    def take_output(self) -> bytes:
        """What is to be sent to the peer."""
        return self._layer.take_output()

    # Records

    def _records(self) -> Iterator[Event]:
        while not self._closed and (record := self._layer.next()) is not None:
            if self._messages.pending and record.type != names.HANDSHAKE:
                raise UnexpectedMessageError(f"{names.CONTENT_TYPES[record.type]} in the middle of a handshake message")
            yield from _RECORDS[record.type](self, record)

    def _handshake_record(self, record: Record) -> Iterator[Event]:
        for raw in self._messages.feed(record):
            if isinstance(raw, Malformed):
                raise DecodeError(str(raw))
            before = self.state
            if before is State.OPEN:
                self._refuse_renegotiation(raw.type)
            else:
                self._handshake.receive(raw)
            if before is not State.OPEN and self.outcome and self.state is State.OPEN:
                yield HandshakeDone(self.outcome)

    def _refuse_renegotiation(self, kind: int) -> None:
        if kind != names.CLIENT_HELLO:
            raise UnexpectedMessageError(f"{names.name_of(names.HANDSHAKE_TYPES, kind)} after the handshake")
        self._bear_another("wishes to renegotiate")
        self._alert(names.WARNING, NO_RENEGOTIATION)

    def _change_cipher_spec(self, record: Record) -> Iterator[Event]:
        self._handshake.change_cipher_spec(record.fragment or b"")
        return iter(())

    def _application_data(self, record: Record) -> Iterator[Event]:
        if self.state is not State.OPEN:
            raise UnexpectedMessageError(f"application data, where {self.state.value} is due")
        yield ApplicationData(record.fragment or b"")

    # Alerts

    def _received_alert(self, record: Record) -> Iterator[Event]:
        fragment = record.fragment or b""
        if len(fragment) != 2:
            raise DecodeError(f"an alert of {len(fragment)} bytes")
        level, description = fragment
        if level not in (names.WARNING, names.FATAL):
            raise IllegalParameterError(f"an alert of level {level}")
        if description == CLOSE_NOTIFY:
            self.close()
            yield Closed()
        elif level == names.FATAL:
            raise AlertReceivedError(description)
        else:
            self._bear_another("warnings")
            yield Warned(description)

    def _bear_another(self, what: str) -> None:
        self._borne += 1
        if self._borne > MAX_WARNINGS:
            raise UnexpectedMessageError(f"more than {MAX_WARNINGS} {what}")

    def _fail(self, error: TlsError) -> Closed:
        """Tell the peer, unless it told us; its session is not to be resumed."""
        if not isinstance(error, AlertReceivedError):
            self._alert(names.FATAL, error.description)
        self._site.cache.forget(self._handshake.session_id)
        self._closed = True
        return Closed(error)

    def _alert(self, level: int, description: int) -> None:
        self._layer.send(names.ALERT, bytes((level, description)))


_RECORDS = {
    names.HANDSHAKE: Server._handshake_record,
    names.CHANGE_CIPHER_SPEC: Server._change_cipher_spec,
    names.APPLICATION_DATA: Server._application_data,
    names.ALERT: Server._received_alert,
}
