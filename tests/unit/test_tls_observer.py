# SPDX-License-Identifier: GPL-2.0-or-later
"""The observer: what a transcript has of handshakes, gaps, silence and things that are no TLS."""

from __future__ import annotations

import ssl

import pytest

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.cursor import Malformed
from stm32emu.netbridge.tls.messages import ClientHello, EcdheKeyExchange
from stm32emu.netbridge.tls.observer import LONGEST, SECOND, SILENCE, Observer
from stm32emu.netbridge.tls.transcript import LONG, MAX_EVENTS, Alert, End, Moment, Sealed, Side
from tls_samples import Flight, handshake, identity, observe


@pytest.fixture(scope="module")
def flights() -> list[Flight]:
    return handshake(identity())


def kinds(flights: list[Flight]) -> list[str]:
    return [names.HANDSHAKE_TYPES[each.type] for each in observe(flights).handshakes()]


def test_a_handshake_of_tls_1_2(flights: list[Flight]) -> None:
    transcript = observe(flights)
    assert transcript.complete
    assert kinds(flights) == [
        "ClientHello",
        "ServerHello",
        "Certificate",
        "ServerKeyExchange",
        "ServerHelloDone",
        "ClientKeyExchange",
        "NewSessionTicket",
    ]
    data = [event.item for event in transcript.events if isinstance(event.item, Sealed) and event.item.type == 23]
    assert data == [Sealed(23, 1, 28, 28)] * 2


def test_the_hellos_of_tls_1_3() -> None:
    transcript = observe(handshake(identity(), ssl.TLSVersion.TLSv1_3))
    assert transcript.complete
    assert [each.type for each in transcript.handshakes()] == [names.CLIENT_HELLO, names.SERVER_HELLO]
    hello = transcript.message(ClientHello)
    assert hello is not None
    assert names.TLS_1_3 in hello.versions


def test_encrypted_records_in_a_row_are_one_event(flights: list[Flight]) -> None:
    record = bytes.fromhex("17 0303 0010") + bytes(16)
    transcript = observe([*flights, *[(Side.SERVER, record)] * 10_000])
    assert transcript.events[-3].item == Sealed(23, 10_001, 28 + 160_000, 28)


def test_what_is_kept_is_bounded() -> None:
    alert = bytes.fromhex("15 0303 0002 01 5a")
    transcript = observe([(Side.CLIENT, alert * 10_000)])
    assert len(transcript.events) == MAX_EVENTS + 2
    assert transcript.dropped == 10_000 - MAX_EVENTS
    assert [end for _, end in transcript.ends()] == [End.CLOSED, End.CLOSED]


def test_plain_http_is_no_tls() -> None:
    transcript = observe([(Side.CLIENT, b"GET / HTTP/1.0\r\n\r\n")])
    assert not transcript.is_tls
    assert isinstance(transcript.events[0].item, Malformed)


def test_an_alert_in_the_clear() -> None:
    transcript = observe([(Side.CLIENT, bytes.fromhex("15 0303 0002 02 2f"))])
    assert transcript.events[0].item == Alert(names.FATAL, 47)


def test_a_key_exchange_with_a_hole_keeps_its_place(flights: list[Flight]) -> None:
    observer = Observer()
    observer.receive(Side.CLIENT, flights[0][1], Moment(0))
    data = flights[1][1]
    message = observe(flights).message(EcdheKeyExchange)
    assert message is not None
    at = data.index(message.point) + 10
    observer.receive(Side.SERVER, data[:at], Moment(1))
    observer.lose(Side.SERVER, 5, Moment(1))
    observer.receive(Side.SERVER, data[at + 5 :], Moment(1))
    found = observer.transcript.handshake(names.SERVER_KEY_EXCHANGE)
    assert found is not None
    assert found.holes.ranges == ((EcdheKeyExchange.POINT_AT + 10, EcdheKeyExchange.POINT_AT + 15),)
    assert isinstance(found.message, EcdheKeyExchange)
    assert found.message.signature == message.signature
    assert observer.transcript.gaps == 1


def test_a_capture_that_begins_in_mid_connection(flights: list[Flight]) -> None:
    observer = Observer(midway=True)
    data = flights[1][1]
    start = data.index(bytes((names.HANDSHAKE, 3, 3)), 10)  # the second record of the flight
    observer.receive(Side.SERVER, data[start - 7 :], Moment(0))
    assert observer.transcript.message(EcdheKeyExchange) is not None


@pytest.mark.parametrize(("said", "silent"), [(0, Side.CLIENT), (1, Side.SERVER), (2, Side.CLIENT)])
def test_who_is_silent(flights: list[Flight], said: int, silent: Side) -> None:
    observer = Observer()
    for side, data in flights[:said]:
        observer.receive(side, data, Moment(5))
    due = (5 if said else 0) + SILENCE
    assert observer.poll_at() == due
    assert not observer.on_timer(Moment(due - 1))
    assert observer.on_timer(Moment(due))
    assert observer.transcript.ends() == [(silent, End.SILENT)]
    assert observer.poll_at() is None


def test_half_a_message_is_its_senders_turn(flights: list[Flight]) -> None:
    observer = Observer()
    observer.receive(Side.CLIENT, flights[0][1][:50], Moment(0))
    assert observer.on_timer(Moment(SILENCE))
    assert observer.transcript.ends() == [(Side.CLIENT, End.SILENT)]


def test_a_peer_that_dawdles_is_given_up(flights: list[Flight]) -> None:
    observer = Observer()
    now = 0
    for byte in flights[0][1]:
        if observer.on_timer(Moment(now)):
            break
        observer.receive(Side.CLIENT, bytes((byte,)), Moment(now))
        now += 10 * SECOND
    assert observer.transcript.ends() == [(Side.CLIENT, End.SLOW)]
    assert now <= LONGEST + 10 * SECOND


@pytest.mark.parametrize("how", [End.CLOSED, End.RESET])
@pytest.mark.parametrize(("said", "late"), [(1, Side.SERVER), (2, Side.CLIENT)])
def test_who_leaves_was_kept_waiting(flights: list[Flight], said: int, late: Side, how: End) -> None:
    """Or leaves of its own accord, if that is soon, or its own turn."""
    for leaver, now, ends in (
        (late.other, LONG, [(late, End.SILENT), (late.other, how)]),
        (late.other, LONG - 1, [(late.other, how)]),
        (late, LONG, [(late, how)]),
    ):
        observer = Observer()
        for side, data in flights[:said]:
            observer.receive(side, data, Moment(0))
        observer.end(leaver, how, Moment(now))
        assert observer.transcript.ends() == ends


def test_a_half_open_connection_is_given_up(flights: list[Flight]) -> None:
    observer = Observer()
    observer.receive(Side.CLIENT, flights[0][1], Moment(0))
    observer.end(Side.SERVER, End.CLOSED, Moment(1))
    assert not observer.on_timer(Moment(SILENCE))
    assert observer.on_timer(Moment(SILENCE + 1))
    assert observer.transcript.ends() == [(Side.SERVER, End.CLOSED)]
    assert observer.poll_at() is None


def test_nothing_times_out_after_the_handshake(flights: list[Flight]) -> None:
    observer = Observer()
    for side, data in flights:
        observer.receive(side, data, Moment(0))
    assert observer.poll_at() is None
    assert not observer.on_timer(Moment(10 * LONGEST))
