# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong between a healthy server and clients that ask for what it cannot do, or have something against it.

The rows are those of the doctor's unit test, here with real clients.
"""

from __future__ import annotations

import os
import re
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from runs import IMAGES, PATIENCE, Run, free_port, running
from symptoms import CERTS, COMMANDS, IN_2021, REQUEST
from test_explain import explanations
from test_tls_clients import client, s_client
from tls_exchange import MemoryClient, connect

TIMES = int(os.environ.get("STM32EMU_CONNECTIONS", "1"))
IN_2000 = ("faketime", "2000-06-01")
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
HELLO = MemoryClient().flight()[5:]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """A run that is told what the server is configured for."""
    words = ("--port", f"{free_port()}:4433", "--tls-config", str(IMAGES.parent / "tls_server" / "mbedtls_config.h"))
    with running(str(IMAGES / "tls_server.elf"), *words) as under_way:
        yield under_way


def openssl(*options: str) -> Callable[[int, Path], object]:
    return lambda port, _folder: s_client(port, *options)


def ssl_client2(*options: str, when: tuple[str, ...] = IN_2021) -> Callable[[int, Path], object]:
    return lambda port, _folder: client(*when, *COMMANDS["ssl_client2"](port), *options)


def without_a_ca(port: int, _folder: Path) -> None:
    where = ("server_addr=127.0.0.1", f"server_port={port}", "server_name=localhost", "auth_mode=required")
    client(*IN_2021, COMMANDS["ssl_client2"](port)[0], *where, "ca_file=none")


def with_a_chain(port: int, folder: Path) -> None:
    """Three certificates, more than the server's buffer holds."""
    chain = folder / "chain.pem"
    chain.write_text((CERTS / "ca.crt").read_text() * 2)
    s_client(port, "-cert", f"{CERTS}/client.crt", "-key", f"{CERTS}/client.key", "-cert_chain", str(chain))


def connect_plainly(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def record(fragment: bytes) -> bytes:
    """A handshake record."""
    return b"\x16\x03\x01" + len(fragment).to_bytes(2, "big") + fragment


def say(*parts: bytes) -> Callable[[int, Path], object]:
    """Bytes at once, until the server closes."""

    def provoke(port: int, _folder: Path) -> None:
        with connect_plainly(port) as peer:
            peer.sendall(b"".join(parts))
            peer.recv(1)

    return provoke


def receive_flight(peer: socket.socket) -> bytes:
    """Up to ServerHelloDone, which is in a record of its own."""
    received = b""
    while not received.endswith(b"\x0e\0\0\0"):
        piece = peer.recv(4096)
        assert piece, "closed by the server"
        received += piece
    return received


def leave(port: int, _folder: Path, options: bytes = bytes(8)) -> None:
    with connect_plainly(port) as peer:
        peer.sendall(MemoryClient().flight())
        receive_flight(peer)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, options)


def alter(port: int, _folder: Path) -> None:
    """A bit of the client's point."""
    tls = MemoryClient()
    with connect_plainly(port) as peer:
        peer.sendall(tls.flight())
        flight = bytearray(tls.flight(receive_flight(peer)))
        at = flight.index(b"\x10\0") + 30  # in the ClientKeyExchange
        flight[at] ^= 1
        peer.sendall(flight)
        while peer.recv(100):
            pass


def send_much(port: int, _folder: Path) -> None:
    """More than a record of the server's may have."""
    with connect(port) as tls, suppress(OSError):
        tls.sendall(REQUEST.rstrip() + b"x" * 3000)
        while tls.recv(100):
            pass


ROWS: dict[str, tuple[Callable[[int, Path], object], str]] = {
    "5b a chain of the client's": (with_a_chain, "the client's record is longer than the device's input buffer"),
    "5c long data": (send_much, "the client's data come in records that are longer than the device's input buffer"),
    "8a curves": (openssl("-groups", "X25519:X448"), "client and device have no curve in common"),
    "8a the key's curve": (openssl("-groups", "P-384", "-tls1_2"), "client and device have no curve in common"),
    "8d suites": (openssl("-cipher", "ECDHE-RSA-AES128-GCM-SHA256", "-tls1_2"), "no cipher suite in common"),
    "8e versions": (openssl("-tls1_3"), "client and device have no version of TLS in common"),
    "8f signatures": (
        openssl("-sigalgs", "ECDSA+SHA1", "-cipher", "ALL:@SECLEVEL=0", "-tls1_2"),
        "no signature algorithm in common",
    ),
    "9a expired": (ssl_client2(when=()), "the device's certificate ran out on 2023-09-22"),
    "9a expired, openssl": (
        openssl("-verify_return_error", "-CAfile", f"{CERTS}/ca.crt"),
        "the device's certificate ran out on 2023-09-22",
    ),
    "9b the client's clock": (ssl_client2(when=IN_2000), "the client's clock is wrong"),
    "9c the name": (ssl_client2("server_name=other"), "the client expects another host name than the certificate has"),
    "9c the CA": (without_a_ca, "the client does not know the CA that issued the device's certificate"),
    "10b a split hello": (
        say(record(HELLO[:100]), record(HELLO[100:])),
        "spread over several TLS records, which the device cannot read",
    ),
    "10b a long hello": (
        say(record(b"\x01\0\x13\x84" + bytes(4996))),
        "the client's record is longer than the device's input buffer",
    ),
    "10b plain HTTP": (say(REQUEST), "the client does not speak TLS"),
    "10d an end": (leave, "the client closes the connection in the middle of the handshake"),
    "10d a reset": (partial(leave, options=RESET_ON_CLOSE), "the client resets the connection in the middle of the"),
    "10e an altered flight": (alter, "the client's flight is wrong: its point is not on the curve"),
}


@pytest.mark.parametrize("row", ROWS)
def test_the_verdict(run: Run, row: str, tmp_path: Path) -> None:
    provoke, title = ROWS[row]
    for _ in range(TIMES):
        before = len(run.log)
        provoke(run.port(), tmp_path)
        run.wait_for(r"\n  verdict: .*", of=lambda before=before: run.log[before:])
        (said,) = explanations(run.log[before:])
        verdict = re.search(r"\n  verdict: (.*)", said)
        assert verdict
        assert title in verdict[1], said


def test_10c_a_client_that_stalls() -> None:
    """Half a minute of virtual time, which an idle device lets pass at once. The connection is still open."""
    with running(str(IMAGES / "tls_server.elf"), "--port", f"{free_port()}:4433", "--pace", "max") as run:
        for number in range(1, TIMES + 1):
            with connect_plainly(run.port()) as peer:
                peer.sendall(record(HELLO)[:40])
                run.wait_for(rf"conn {number}  .*\n.*\n  verdict: the client falls silent", of=lambda: run.log)
