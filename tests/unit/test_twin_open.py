# SPDX-License-Identifier: GPL-2.0-or-later
"""What a peer may say to the Python TLS server when the handshake is over, and what it may not."""

from __future__ import annotations

import pytest

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.handshake import RawMessage
from stm32emu.netbridge.tls.server import MAX_WARNINGS, ApplicationData, Closed, Server
from stm32emu.netbridge.tls.suites import SUITES
from stm32emu.netbridge.tls.twin import keys
from stm32emu.netbridge.tls.twin.ciphers import CIPHERS
from stm32emu.netbridge.tls.twin.drbg import SeededSource
from stm32emu.netbridge.tls.twin.policy import Policy
from stm32emu.netbridge.tls.twin.protection import protection
from twin_flights import HELLO, Client, converse, make_server, record

HELLO_AGAIN = RawMessage(names.CLIENT_HELLO, HELLO.emit()).emit()
LIMIT = 1024


class Peer:
    """A client that knows its keys, so that it can say anything; its Finished and "hello" have been said."""

    def __init__(self, suite: int) -> None:
        self.server = make_server(Policy(suites=(suite,), in_limit=LIMIT))
        converse(self.server, Client())
        self.server.take_output()
        outcome, handshake = self.server.outcome, self.server._handshake
        assert outcome is not None
        cipher = CIPHERS[suite]
        own, _ = keys.key_block(cipher, handshake._master, outcome.hello.random, handshake._server_random)
        self._writer = protection(cipher, own, outcome.terms.encrypt_then_mac, SeededSource(b"iv"))
        for kind in (names.HANDSHAKE, names.APPLICATION_DATA):
            self._writer.seal(kind, b"")

    def says(self, kind: int, plaintext: bytes) -> bytes:
        return record(kind, self._writer.seal(kind, plaintext))


@pytest.fixture(params=(0xC02B, 0xCCA9, 0xC024), ids=lambda code: SUITES[code].openssl)
def peer(request: pytest.FixtureRequest) -> Peer:
    return Peer(request.param)


def alert_of(server: Server, data: bytes) -> int:
    """The fatal alert with which it answers."""
    (event,) = server.receive(data)
    assert isinstance(event, Closed)
    assert event.error is not None
    return event.error.description


def test_application_data_may_be_empty(peer: Peer) -> None:
    """RFC 5246 section 6.2.1; no other record may."""
    for text in (b"", b"x", b"", bytes(LIMIT)):
        assert peer.server.receive(peer.says(names.APPLICATION_DATA, text)) == [ApplicationData(text)]


REFUSED: dict[str, tuple[int, bytes, int]] = {
    "an empty handshake record": (names.HANDSHAKE, b"", 10),
    "an empty alert": (names.ALERT, b"", 10),
    "an alert and a half": (names.ALERT, b"\1\0\1", 50),
    "ChangeCipherSpec": (names.CHANGE_CIPHER_SPEC, b"\1", 10),
    "Finished": (names.HANDSHAKE, RawMessage(names.FINISHED, bytes(12)).emit(), 10),
    "ClientKeyExchange": (names.HANDSHAKE, RawMessage(names.CLIENT_KEY_EXCHANGE, b"").emit(), 10),
    "HelloRequest, which is for servers": (names.HANDSHAKE, RawMessage(names.HELLO_REQUEST, b"").emit(), 10),
    "a message without end": (names.HANDSHAKE, b"\1\xff\xff\xff", 50),
    "a record that is too long": (names.APPLICATION_DATA, bytes(LIMIT + 1), 22),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what: str, peer: Peer) -> None:
    kind, plaintext, alert = REFUSED[what]
    assert alert_of(peer.server, peer.says(kind, plaintext)) == alert


def test_what_is_not_encrypted_is_refused(peer: Peer) -> None:
    assert alert_of(peer.server, record(names.ALERT, b"\1\0")) == 20


def test_data_in_the_middle_of_a_message_is_refused(peer: Peer) -> None:
    assert peer.server.receive(peer.says(names.HANDSHAKE, HELLO_AGAIN[:10])) == []
    assert alert_of(peer.server, peer.says(names.APPLICATION_DATA, b"x")) == 10


def test_renegotiation_is_refused_and_the_connection_goes_on(peer: Peer) -> None:
    """By the warning no_renegotiation (RFC 5246 section 7.2.2), as often as a peer may warn; then it is enough."""
    for _ in range(MAX_WARNINGS):
        assert peer.server.receive(peer.says(names.HANDSHAKE, HELLO_AGAIN)) == []
        assert peer.server.take_output()[:3] == bytes((names.ALERT, 3, 3))
        assert peer.server.receive(peer.says(names.APPLICATION_DATA, b"x")) == [ApplicationData(b"x")]
    assert alert_of(peer.server, peer.says(names.HANDSHAKE, HELLO_AGAIN)) == 10
