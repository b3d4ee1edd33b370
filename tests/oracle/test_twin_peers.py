# SPDX-License-Identifier: GPL-2.0-or-later
"""The TLS server's sockets with 200 peers at once, and with peers that stop, dawdle, do not read, or break off."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tls_exchange import PATIENCE, connect
from twin_flights import Client
from twin_server import Authority, Issued, identity_of, make_site, serving

CROWD = 200
RECORDS_FOR_BUFFERS = 1 << 12  # 64 MB, more than the kernel's buffers of both directions hold


@pytest.fixture(scope="module")
def leaf(authority: Authority) -> Issued:
    return authority.issue("localhost", ec.generate_private_key(ec.SECP256R1()))


def hear(sock: socket.socket) -> bytes:
    """What the server says next."""
    said = sock.recv(1 << 16)
    assert said, "closed by the server"
    return said


def shake_hands(sock: socket.socket, client: Client) -> None:
    """All of it but the hello, which has been said."""
    while client.tls.version() is None:
        sock.sendall(client.flight(hear(sock)))


def test_a_crowd_at_once(leaf: Issued) -> None:
    """All connected and none through its handshake; then all through it, and each gets its own back."""
    with serving(make_site([identity_of(leaf)]), echo=True, patience=PATIENCE) as twin:
        peers = [(socket.create_connection(("127.0.0.1", twin.port), PATIENCE), Client()) for _ in range(CROWD)]
        for sock, client in peers:
            sock.sendall(client.flight(b""))
        for sock, client in peers:
            shake_hands(sock, client)
        assert twin.listener.open == CROWD
        for number, (sock, client) in enumerate(peers):
            text = f"peer {number}".encode()
            sock.sendall(client.say(text))
            heard = b""
            while len(heard) < len(text):
                heard += client.hear(hear(sock))
            assert heard == text
            sock.close()


def is_cut_off(sock: socket.socket, pieces: Iterable[bytes], pause: float = 0) -> bool:
    """Whether the connection breaks before all is said."""
    try:
        for piece in pieces:
            sock.sendall(piece)
            time.sleep(pause)
    except OSError:
        return True
    return False


STOPS = {"before it says anything": (0, 0.5), "in the middle of its hello": (50, 0.5), "after its hello": (None, 5)}
"""How much of its hello a peer says, and the server's patience: on any machine a whole one is read in that time."""


@pytest.mark.parametrize("when", STOPS)
def test_a_peer_that_stops_is_dropped(when: str, leaf: Issued) -> None:
    said, patience = STOPS[when]
    hello = Client().flight(b"")[:said]
    with (
        serving(make_site([identity_of(leaf)]), patience=patience) as twin,
        socket.create_connection(("127.0.0.1", twin.port), PATIENCE) as sock,
    ):
        sock.sendall(hello)
        with suppress(ConnectionResetError):
            while sock.recv(1 << 16):
                pass
        twin.wait_for(f"dropped: no {'ClientKeyExchange' if said is None else 'ClientHello'} came")


def test_a_peer_that_dawdles_is_dropped(leaf: Issued) -> None:
    """A byte now and then does not win it more time: its hello would take a minute."""
    with (
        serving(make_site([identity_of(leaf)]), patience=1) as twin,
        socket.create_connection(("127.0.0.1", twin.port), PATIENCE) as sock,
    ):
        hello = bytes((22, 3, 1, 64, 0)) + bytes(1200)
        assert is_cut_off(sock, (bytes((octet,)) for octet in hello), pause=0.05)
        twin.wait_for("dropped: no ClientHello came")


def test_a_peer_that_does_not_read_is_not_read_from(leaf: Issued) -> None:
    """It is sent what the kernel takes and the transport's limit, and no more is made for it."""
    with serving(make_site([identity_of(leaf)]), echo=True, silence=2) as twin, connect(twin.port) as tls:
        assert is_cut_off(tls, (bytes(1 << 14) for _ in range(RECORDS_FOR_BUFFERS)))
        twin.wait_for("dropped: no application data came")


def test_a_client_that_says_something_and_closes_in_one_go(leaf: Issued) -> None:
    """Nobody is there for the page any more."""
    client = Client()
    with (
        serving(make_site([identity_of(leaf)])) as twin,
        socket.create_connection(("127.0.0.1", twin.port), PATIENCE) as sock,
    ):
        sock.sendall(client.flight(b""))
        shake_hands(sock, client)
        sock.sendall(client.say(b"GET / HTTP/1.0\r\n\r\n") + client.goodbye())
        assert twin.wait_for("conn 1  closed").endswith("closed")
