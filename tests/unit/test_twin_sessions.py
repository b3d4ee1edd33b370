# SPDX-License-Identifier: GPL-2.0-or-later
"""Sessions of the Python TLS server: kept, sealed in tickets, and taken up again, or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.cursor import attempt, vector
from stm32emu.netbridge.tls.listener import describe
from stm32emu.netbridge.tls.messages import ClientHello, ServerHello
from stm32emu.netbridge.tls.printable import printable
from stm32emu.netbridge.tls.server import Closed, Event, Server
from stm32emu.netbridge.tls.twin.drbg import SeededSource
from stm32emu.netbridge.tls.twin.policy import ClientAuth, Policy
from stm32emu.netbridge.tls.twin.resumption import LIFETIME, Session, SessionCache, TicketSealer
from stm32emu.netbridge.tls.twin.site import Site
from twin_flights import HELLO, NOW, identities, make_server, say, server_hello, with_extension

SUITE = 0xC024  # with AES-CBC, where encrypt-then-MAC counts
SESSION = Session(SUITE, bytes(range(48)), True, True, 1024, "localhost", b"", NOW)
ID = bytes(range(32))


def name_of(host: bytes) -> bytes:
    """The data of server_name."""
    return vector(2, b"\0" + vector(2, host))


def second_hello() -> ClientHello:
    """Of a client that wants what SESSION was agreed on."""
    hello = replace(HELLO, session_id=ID, suites=(SUITE, 0xC02B))
    for kind, data in (
        (names.SERVER_NAME, name_of(b"localhost")),
        (names.MAX_FRAGMENT_LENGTH, b"\2"),
        (names.ENCRYPT_THEN_MAC, b""),
        (names.EXTENDED_MASTER_SECRET, b""),
    ):
        hello = with_extension(kind, data, hello)
    return hello


Change = Callable[[ClientHello], ClientHello]


def with_(kind: int, data: bytes) -> Change:
    return lambda hello: with_extension(kind, data, hello)


def without(kind: int) -> Change:
    return lambda hello: replace(hello, extensions=tuple(each for each in hello.extensions if each.type != kind))


@dataclass(frozen=True)
class Visit:
    """The second visit of a client whose session is kept."""

    hello: Change = lambda hello: hello
    session: Session = SESSION
    policy: Policy = field(default_factory=Policy)
    now: int = NOW


def come_again(visit: Visit, ticket: bool, spoil: Callable[[bytes], bytes] = lambda sealed: sealed) -> Seen:
    """By ticket, or by id."""
    source = SeededSource(b"second")
    policy = replace(visit.policy, tickets=ticket, cache=not ticket)
    site = Site(identities(), policy, TicketSealer(source))
    site.cache.put(ID, visit.session)
    hello = visit.hello(second_hello())
    if ticket:
        hello = with_extension(names.SESSION_TICKET, spoil(site.sealer.seal(visit.session, source)), hello)
    server = Server(site, source, visit.now)
    events = server.receive(say(hello))
    return Seen(server, events, server.take_output())


@dataclass(frozen=True)
class Seen:
    """What a server did about a hello."""

    server: Server
    events: list[Event]
    output: bytes

    @property
    def resumed(self) -> bool:
        assert self.server.outcome is not None
        return self.server.outcome.resumed

    @property
    def hello(self) -> ServerHello:
        return server_hello(self.output)


both_ways = pytest.mark.parametrize("ticket", [False, True], ids=["id", "ticket"])


@both_ways
def test_a_session_is_taken_up(ticket: bool) -> None:
    """The id is said again (RFC 5077 section 3.4), the name is not acknowledged (RFC 6066 section 3)."""
    seen = come_again(Visit(now=NOW + LIFETIME), ticket)
    assert seen.resumed
    assert (seen.hello.session_id, seen.hello.suite) == (ID, SUITE)
    kinds = {extension.type for extension in seen.hello.extensions}
    assert kinds == {names.MAX_FRAGMENT_LENGTH, names.ENCRYPT_THEN_MAC, names.EXTENDED_MASTER_SECRET}


NOT_TAKEN_UP: dict[str, Visit] = {
    "it is too old": Visit(now=NOW + LIFETIME + 1),
    "it is not made yet": Visit(now=NOW - 1),
    "the client no longer offers its suite": Visit(lambda hello: replace(hello, suites=(0xC02B,))),
    "the server no longer has its suite": Visit(policy=Policy(suites=(0xC02B,))),
    "another host is wanted": Visit(with_(names.SERVER_NAME, name_of(b"otherhost"))),
    "no host is wanted": Visit(without(names.SERVER_NAME)),
    "another fragment length is wanted": Visit(with_(names.MAX_FRAGMENT_LENGTH, b"\3")),
    "no fragment length is wanted": Visit(without(names.MAX_FRAGMENT_LENGTH)),
    "encrypt-then-MAC is no longer wanted": Visit(without(names.ENCRYPT_THEN_MAC)),
    "it has no extended master secret": Visit(session=replace(SESSION, extended_master_secret=False)),
    "it has no client certificate": Visit(policy=Policy(client_auth=ClientAuth.REQUIRED)),
}


@both_ways
@pytest.mark.parametrize("why", NOT_TAKEN_UP)
def test_a_handshake_begins_anew_if(why: str, ticket: bool) -> None:
    seen = come_again(NOT_TAKEN_UP[why], ticket)
    assert not seen.resumed
    assert seen.hello.session_id != ID
    assert (names.SESSION_TICKET in seen.hello.says) is ticket


@both_ways
def test_a_session_without_its_extended_master_secret_ends_the_handshake(ticket: bool) -> None:
    """RFC 7627 section 5.3."""
    (event,) = come_again(Visit(without(names.EXTENDED_MASTER_SECRET)), ticket).events
    assert isinstance(event, Closed)
    assert event.error is not None
    assert event.error.description == 40


SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "altered": lambda sealed: sealed[:-1] + bytes((sealed[-1] ^ 1,)),
    "cut off": lambda sealed: sealed[:-1],
    "of another key": lambda sealed: TicketSealer(SeededSource(b"other")).seal(SESSION, SeededSource(b"nonce")),
    "empty": lambda sealed: b"",
}


@pytest.mark.parametrize("how", SPOILS)
def test_a_spoilt_ticket_is_no_ticket(how: str) -> None:
    """A new one comes instead (RFC 5077 section 3.4)."""
    seen = come_again(Visit(), ticket=True, spoil=SPOILS[how])
    assert not seen.resumed
    assert names.SESSION_TICKET in seen.hello.says


def test_tickets_open_for_who_sealed_them_only() -> None:
    source = SeededSource(b"tickets")
    sealer, other = TicketSealer(source), TicketSealer(source)
    ticket = sealer.seal(SESSION, source)
    assert sealer.open(ticket) == SESSION
    assert other.open(ticket) is None
    for at in range(len(ticket)):
        assert sealer.open(ticket[:at] + bytes((ticket[at] ^ 1,)) + ticket[at + 1 :]) is None
        assert sealer.open(ticket[:at]) is None


def test_old_sessions_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stm32emu.netbridge.tls.twin.resumption.MAX_SESSIONS", 2)
    cache = SessionCache()
    for name in (b"1", b"2", b"3"):
        cache.put(name, SESSION)
    assert [cache.get(name) is None for name in (b"1", b"2", b"3")] == [True, False, False]


@pytest.mark.parametrize(
    "session",
    [
        SESSION,
        Session(0xC02B, bytes(48), False, False, None, None, b"certificate", NOW),
    ],
)
def test_a_session_survives_its_ticket_whole(session: Session) -> None:
    assert attempt(Session.parse, session.emit(), "a session") == session


def test_a_name_without_end_is_no_trouble() -> None:
    """Its session has no room in a ticket, and what a terminal would act on is not printed."""
    server = make_server()
    server.receive(say(with_extension(names.SERVER_NAME, name_of(b"\x1b[2J" + b"\xff" * 30_000))))
    assert server.outcome is not None
    session = replace(SESSION, server_name=server.outcome.terms.server_name)
    assert attempt(Session.parse, session.emit(), "a session") == session
    assert TicketSealer(SeededSource(b"t")).seal(session, SeededSource(b"n")) == b""
    text = printable(describe(server.outcome))
    assert len(text) < 4000
    assert "\x1b" not in text
