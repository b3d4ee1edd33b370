# SPDX-License-Identifier: GPL-2.0-or-later
"""16 MB through the TLS server and back, byte for byte; 200 peers at once; slow and half-open ones."""

from __future__ import annotations

import random
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from stm32emu.netbridge.tls.suites import SUITES
from stm32emu.netbridge.tls.twin.policy import Policy
from tls_exchange import connect, exchange
from twin_flights import Client
from twin_server import Authority, Issued, Twin, identity_of, make_site, serving

SIZE = 16 << 20
TEXT = random.Random(16).randbytes(SIZE)
CROWD = 200
ECDSA_SUITES = (0xC02B, 0xC02C, 0xCCA9, 0xC023, 0xC024)


@pytest.fixture(scope="module")
def leaf(authority: Authority) -> Issued:
    return authority.issue("localhost", ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture(scope="module")
def echo(leaf: Issued) -> Iterator[Twin]:
    with serving(make_site([identity_of(leaf)]), echo=True) as twin:
        yield twin


@pytest.mark.parametrize("suite", ECDSA_SUITES, ids=lambda code: SUITES[code].openssl)
def test_python_gets_back_what_it_sends(suite: int, echo: Twin) -> None:
    echo.site.policy = replace(Policy(), suites=(suite,))
    with connect(echo.port) as tls:
        assert exchange(tls, TEXT) == TEXT


def test_openssl_gets_back_what_it_sends(echo: Twin) -> None:
    """From its standard input to its standard output."""
    echo.site.policy = Policy()
    command = ["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{echo.port}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        sender = threading.Thread(target=client.stdin.write, args=(TEXT,))
        sender.start()
        received = bytearray()
        while len(received) < SIZE:
            piece = client.stdout.read1()
            assert piece, f"closed after {len(received)} bytes"
            received += piece
        sender.join()
        client.kill()
    assert received == TEXT


def test_a_crowd_at_once(echo: Twin) -> None:
    """All connected and none through its handshake; then all through it, and each gets its own back."""
    echo.site.policy = Policy()
    raw = [socket.create_connection(("127.0.0.1", echo.port), 60) for _ in range(CROWD)]
    peers = [(sock, Client()) for sock in raw]
    for sock, client in peers:
        sock.sendall(client.flight(b""))
    for _round in range(2):
        for sock, client in peers:
            answer = client.flight(sock.recv(1 << 16))
            while not answer and client.tls.version() is None:
                answer = client.flight(said := sock.recv(1 << 16))
                assert said, "closed by the server"
            sock.sendall(answer)
    assert echo.listener.open >= CROWD
    for number, (sock, client) in enumerate(peers):
        text = f"peer {number}".encode()
        sock.sendall(client.say(text))
        heard = b""
        while len(heard) < len(text):
            said = sock.recv(1 << 16)
            assert said, "closed by the server"
            heard += client.hear(said)
        assert heard == text
        sock.close()


def wait_until_gone(sock: socket.socket) -> float:
    """Seconds until the server ends the connection."""
    start = time.monotonic()
    sock.settimeout(120)
    try:
        while sock.recv(1 << 16):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - start


def test_peers_that_stop_are_dropped(leaf: Issued) -> None:
    """Before they say anything, in the middle of their hello, and in the middle of the handshake."""
    hello = Client().flight(b"")
    with serving(make_site([identity_of(leaf)]), patience=0.5) as twin:
        for said in (b"", hello[:50], hello):
            before = len(twin.lines)
            with socket.create_connection(("127.0.0.1", twin.port), 60) as sock:
                sock.sendall(said)
                wait_until_gone(sock)
            twin.wait_for("dropped: no ", before)


def test_a_peer_that_dawdles_is_dropped(leaf: Issued) -> None:
    """A byte now and then does not win it more time."""
    hello = Client().flight(b"")
    with serving(make_site([identity_of(leaf)]), patience=1) as twin:
        with socket.create_connection(("127.0.0.1", twin.port), 60) as sock:
            for octet in hello[:100]:
                try:
                    sock.sendall(bytes((octet,)))
                except OSError:
                    break
                time.sleep(0.05)
        twin.wait_for("dropped: no ClientHello came")


def test_a_peer_that_does_not_read_is_not_read_from(leaf: Issued) -> None:
    """It is sent what the kernel takes and the transport's limit, and no more is made for it."""
    with serving(make_site([identity_of(leaf)]), echo=True, patience=2) as twin:
        tls = connect(twin.port)
        tls.settimeout(0.5)
        sent = 0
        with suppress(TimeoutError):
            while sent < 4 * SIZE:
                sent += tls.send(bytes(1 << 14))
        assert sent < 4 * SIZE
        twin.wait_for("dropped: no application data came")
        tls.close()


def test_a_client_that_says_something_and_closes_in_one_go(leaf: Issued) -> None:
    """Nobody is there for the page any more."""
    client = Client()
    with (
        serving(make_site([identity_of(leaf)])) as twin,
        socket.create_connection(("127.0.0.1", twin.port), 60) as sock,
    ):
        sock.sendall(client.flight(b""))
        while client.tls.version() is None:
            sock.sendall(client.flight(sock.recv(1 << 16)))
        sock.sendall(client.say(b"GET / HTTP/1.0\r\n\r\n") + client.goodbye())
        assert twin.wait_for("conn 1  closed").endswith("closed")
