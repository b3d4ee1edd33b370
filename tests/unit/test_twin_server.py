# SPDX-License-Identifier: GPL-2.0-or-later
"""The Python TLS server, message by message: what it chooses, what it refuses and by which alert."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.algorithms import Scheme
from stm32emu.netbridge.tls.cursor import uints, vector
from stm32emu.netbridge.tls.handshake import RawMessage
from stm32emu.netbridge.tls.messages import ClientHello
from stm32emu.netbridge.tls.server import ApplicationData, Closed, HandshakeDone, Server, Warned
from stm32emu.netbridge.tls.twin import keys
from stm32emu.netbridge.tls.twin.handshake import TABLE, State
from stm32emu.netbridge.tls.twin.policy import Policy
from twin_flights import (
    GROUPS,
    HELLO,
    SCHEMES,
    Client,
    converse,
    identities,
    make_server,
    record,
    say,
    server_hello,
    with_extension,
)


def alert_of(data: bytes, policy: Policy | None = None) -> int:
    """The fatal alert with which a server answers; it is the last thing that it says."""
    server = make_server(policy)
    events = server.receive(data)
    output = server.take_output()
    assert isinstance(events[-1], Closed), events
    assert events[-1].error is not None
    assert output[-7:] == record(names.ALERT, bytes((names.FATAL, events[-1].error.description)))
    return events[-1].error.description


BAD_HELLOS: dict[str, tuple[ClientHello, int]] = {
    "TLS 1.1": (replace(HELLO, version=names.TLS_1_1), 70),
    "a fallback to TLS 1.1": (replace(HELLO, version=names.TLS_1_1, suites=(0xC02B, 0x5600)), 86),
    "no null compression": (replace(HELLO, compressions=b"\1"), 47),
    "no suites": (replace(HELLO, suites=()), 47),
    "no common suite": (replace(HELLO, suites=(0x1301, 0x002F)), 40),
    "no common group": (with_extension(names.SUPPORTED_GROUPS, uints(2, 2, (30,))), 40),
    "no common hash": (with_extension(names.SIGNATURE_ALGORITHMS, uints(2, 2, (0x0203, 0x0201))), 40),
    "RSA-PSS only, and an RSA certificate": (
        replace(with_extension(names.SIGNATURE_ALGORITHMS, uints(2, 2, (0x0804, 0x0805, 0x0809))), suites=(0xC02F,)),
        40,
    ),
    "groups of RFC 7919 only": (with_extension(names.SUPPORTED_GROUPS, uints(2, 2, (256, 257))), 40),
    "no schemes, which means SHA-1": (replace(HELLO, extensions=(GROUPS,)), 40),
    "not the certificate's curve, and no RSA": (
        replace(with_extension(names.SUPPORTED_GROUPS, uints(2, 2, (24,))), suites=(0xC02B,)),
        40,
    ),
    "an extension twice": (replace(HELLO, extensions=(GROUPS, GROUPS, SCHEMES)), 50),
    "a session id of 33 bytes": (replace(HELLO, session_id=bytes(33)), 50),
    "no groups at all": (with_extension(names.SUPPORTED_GROUPS, uints(2, 2, ())), 50),
    "an empty protocol": (with_extension(names.ALPN, vector(2, vector(1, b""))), 50),
    "groups of an odd length": (with_extension(names.SUPPORTED_GROUPS, vector(2, bytes(3))), 50),
    "no such fragment length": (with_extension(names.MAX_FRAGMENT_LENGTH, b"\5"), 47),
    "compressed points only": (with_extension(names.EC_POINT_FORMATS, b"\1\1"), 47),
    "a renegotiation": (with_extension(names.RENEGOTIATION_INFO, vector(1, bytes(12))), 40),
    "an extended_master_secret with contents": (with_extension(names.EXTENDED_MASTER_SECRET, b"\0"), 50),
}


@pytest.mark.parametrize("what", BAD_HELLOS)
def test_hellos_that_are_refused(what: str) -> None:
    hello, alert = BAD_HELLOS[what]
    assert alert_of(say(hello)) == alert


BAD_RECORDS: dict[str, tuple[bytes, int]] = {
    "plain HTTP": (b"GET / HTTP/1.0\r\n\r\n", 10),
    "SSL 2": (b"\x80\x2e\x01\x03\x01", 10),
    "a record of TLS 4": (record(names.HANDSHAKE, b"\1", 0x0404), 70),
    "a record that is too long": (b"\x16\x03\x01\x40\x01", 22),
    "an empty record": (record(names.HANDSHAKE, b""), 10),
    "application data at once": (record(names.APPLICATION_DATA, b"GET"), 10),
    "ChangeCipherSpec at once": (record(names.CHANGE_CIPHER_SPEC, b"\1"), 10),
    "Finished at once": (record(names.HANDSHAKE, RawMessage(names.FINISHED, bytes(12)).emit()), 10),
    "an alert in the middle of a message": (
        record(names.HANDSHAKE, b"\1\0\1\0") + record(names.ALERT, b"\1\0"),
        10,
    ),
    "a message that is too long": (record(names.HANDSHAKE, b"\1\xff\xff\xff"), 50),
    "a hello that ends too early": (record(names.HANDSHAKE, RawMessage(names.CLIENT_HELLO, bytes(20)).emit()), 50),
    "an alert of one byte": (record(names.ALERT, b"\1"), 50),
    "warnings without end": (record(names.ALERT, bytes((names.WARNING, 90))) * 5, 10),
    "an alert of no level": (record(names.ALERT, b"\3\0"), 47),
}


@pytest.mark.parametrize("what", BAD_RECORDS)
def test_records_that_are_refused(what: str) -> None:
    data, alert = BAD_RECORDS[what]
    assert alert_of(data) == alert


def test_every_message_in_every_state_but_its_own_is_unexpected() -> None:
    """The table is all there is: OpenSSL's flight is stopped at each state, and every message tried there."""
    flights = converse(make_server(), Client())
    stops = {State.HELLO: b"", State.KEY_EXCHANGE: flights[0]}
    for state, heard in stops.items():
        for kind in names.HANDSHAKE_TYPES:
            if (state, kind) in TABLE:
                continue
            server = make_server()
            server.receive(heard)
            assert server.state is state
            events = server.receive(record(names.HANDSHAKE, RawMessage(kind, b"").emit()))
            assert isinstance(events[0], Closed)
            assert events[0].error is not None
            assert events[0].error.description == 10


def test_a_message_in_tiny_records_takes_no_more_memory() -> None:
    """RFC 5246 section 6.2.1 lets a client cut its hello into records of one byte."""
    whole = RawMessage(names.CLIENT_HELLO, bytes(20_000)).emit()
    server = make_server()
    tracemalloc.start()
    for octet in whole[:-1]:
        assert server.receive(record(names.HANDSHAKE, bytes((octet,)))) == []
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 4 * len(whole)


def test_an_alert_of_the_peers_is_not_answered() -> None:
    server = make_server()
    (event,) = server.receive(record(names.ALERT, bytes((names.FATAL, 48))))
    assert isinstance(event, Closed)
    assert str(event.error) == "48 unknown_ca: sent by the peer"
    assert server.take_output() == b""


def test_a_warning_changes_nothing() -> None:
    server = make_server()
    assert server.receive(record(names.ALERT, bytes((names.WARNING, 112)))) == [Warned(112)]
    assert server.state is State.HELLO


def open_connection() -> tuple[Server, Client]:
    server, client = make_server(), Client()
    converse(server, client)
    client.flight(server.take_output())
    return server, client


def test_both_sides_close() -> None:
    server, client = open_connection()
    server.close()
    assert client.hear(server.take_output()) == b""
    other, client = open_connection()
    assert other.receive(client.goodbye()) == [Closed(None)]


def test_what_is_sent_arrives_in_records_of_the_limit() -> None:
    server, client = open_connection()
    text = bytes(range(256)) * 200
    server.send(text)
    assert client.hear(server.take_output()) == text


def test_nothing_is_sent_before_the_handshake_or_after_the_end() -> None:
    with pytest.raises(RuntimeError):
        make_server().send(b"early")
    server, _ = open_connection()
    server.close()
    with pytest.raises(RuntimeError):
        server.send(b"late")


def test_the_client_order_counts_if_the_policy_says_so() -> None:
    chosen = []
    for client_order in (False, True):
        server = make_server(Policy(suites=(0xC02C, 0xC02B), client_order=client_order))
        server.receive(say(replace(HELLO, suites=(0xC02B, 0xC02C))))
        assert server.outcome is not None
        chosen.append(server.outcome.suite)
    assert chosen == [0xC02C, 0xC02B]


def test_the_hash_is_the_first_of_the_clients_that_the_policy_has() -> None:
    server = make_server()
    server.receive(say(with_extension(names.SIGNATURE_ALGORITHMS, uints(2, 2, (0x0203, 0x0603, 0x0403)))))
    assert server.outcome is not None
    assert server.outcome.choice is not None
    assert server.outcome.choice.scheme == Scheme(0x0603)


def test_what_it_does_not_have_is_passed_over() -> None:
    """GREASE, x448, which only devices have, RSA-PSS and record_size_limit, all before what it has."""
    hello = with_extension(names.SUPPORTED_GROUPS, uints(2, 2, (0x3A3A, 30, 23)))
    hello = with_extension(names.SIGNATURE_ALGORITHMS, uints(2, 2, (0x3A3A, 0x0804, 0x0807, 0x0403)), hello)
    for kind, data in ((0x3A3A, b"grease"), (names.RECORD_SIZE_LIMIT, b"\x02\0"), (names.MAX_FRAGMENT_LENGTH, b"\2")):
        hello = with_extension(kind, data, hello)
    server = make_server()
    server.receive(say(replace(hello, suites=(0x3A3A, 0x1301, 0xC02B))))
    assert server.outcome is not None
    choice = server.outcome.choice
    assert choice is not None
    assert (choice.suite, choice.group, choice.scheme) == (0xC02B, 23, Scheme(0x0403))
    assert [extension.type for extension in server_hello(server.take_output()).extensions] == [
        names.MAX_FRAGMENT_LENGTH
    ]


def test_the_same_seed_gives_the_same_flight() -> None:
    outputs = []
    for seed in (b"one", b"one", b"two"):
        server = make_server(seed=seed)
        server.receive(say(HELLO))
        outputs.append(server.take_output())
    assert outputs[0] == outputs[1] != outputs[2]


def test_prf() -> None:
    """The vector that is in circulation for SHA-256; its first bytes."""
    secret = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
    seed = bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
    expected = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
    assert keys.prf("sha256", secret, b"test label", seed, 32).hex() == expected


def test_done_tells_what_was_negotiated() -> None:
    server, client = make_server(Policy(protocols=("http/1.1",))), Client(lambda c: c.set_alpn_protocols(["http/1.1"]))
    first = client.flight(b"")
    server.receive(first)
    events = server.receive(client.flight(server.take_output()))
    assert isinstance(events[0], HandshakeDone)
    outcome = events[0].outcome
    assert outcome.terms.protocol == "http/1.1"
    assert outcome.terms.server_name == "localhost"
    assert outcome.choice is not None
    assert outcome.choice.identity in identities()
    client.flight(server.take_output())
    assert server.receive(client.say(b"x")) == [ApplicationData(b"x")]
