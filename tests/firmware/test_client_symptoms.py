# SPDX-License-Identifier: GPL-2.0-or-later
"""What the healthy TLS server shows when the client, the certificates or the network are at fault: docs/faults.md."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from runs import IMAGES, PATIENCE, Run, free_port
from symptoms import CERTS, observe
from tls_exchange import MemoryClient

RECORD_HEADER = 5  # octets: RFC 5246 section 6.2.1
OTHER_CA = str(CERTS / "client.crt")

# client, its options, what it shows, what the server says
ROWS = {
    "openssl offers only curves that the server lacks": ("openssl", ["-curves", "X25519"], "40 received", "-0x6980"),
    "ssl_client2 offers only other curves": ("ssl_client2", ["curves=secp192r1"], "-0x7780", "-0x6980"),
    "openssl offers secp384r1 for a secp256r1 key": ("openssl", ["-curves", "P-384"], "40 received", "-0x6980"),
    "ssl_client2 offers secp384r1 only": ("ssl_client2", ["curves=secp384r1"], "-0x7780", "-0x6980"),
    "openssl has no common suite": ("openssl", ["-cipher", "AES128-SHA"], "40 received", "-0x7380"),
    "ssl_client2 has no common suite": (
        "ssl_client2",
        ["force_ciphersuite=TLS-RSA-WITH-AES-128-CBC-SHA"],
        "-0x7780",
        "-0x7380",
    ),
    "openssl has no common version": (
        "openssl",
        ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"],
        "70 received",
        "-0x6e80",
    ),
    "ssl_client2 has no common version": ("ssl_client2", ["force_version=tls1_1"], "-0x7780", "-0x6e80"),
    "openssl has no common signature algorithm": ("openssl", ["-sigalgs", "RSA+SHA256"], "40 received", "-0x7380"),
    "openssl wants another host name": (
        "openssl",
        ["-verify_return_error", "-verify_hostname", "other.example"],
        "42 sent",
        "-0x7780",
    ),
    "ssl_client2 wants another host name": (
        "ssl_client2",
        ["server_name=other.example"],
        "42 sent, -0x2700",
        "-0x7780",
    ),
    "openssl trusts another CA": ("openssl", ["-verify_return_error", "-CAfile", OTHER_CA], "48 sent", "-0x7780"),
    "ssl_client2 trusts another CA": ("ssl_client2", [f"ca_file={OTHER_CA}"], "48 sent, -0x2700", "-0x7780"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Run]:
    run = Run(str(IMAGES / "tls_server.elf"), "--port", f"{free_port()}:4433")
    try:
        yield run
    finally:
        run.end()


@pytest.mark.parametrize("row", ROWS)
def test_a_client_that_cannot_agree(server: Run, row: str) -> None:
    client, options, at_client, at_server = ROWS[row]
    assert observe(server, client, options) == (at_client, at_server)


def test_a_client_whose_clock_is_in_the_past(server: Run) -> None:
    at_client, at_server = observe(server, "ssl_client2", date="2010-01-01")
    assert (at_client, at_server) == ("46 sent, -0x2700", "-0x7780")


def test_a_chain_of_three_does_not_fit_into_1024(server: Run, tmp_path: Path) -> None:
    chain = tmp_path / "chain.crt"
    chain.write_text("".join((CERTS / name).read_text() for name in ("client.crt", "ca.crt", "ca.crt")))
    assert observe(server, "ssl_client2", [f"crt_file={chain}"]) == ("-0x7280", "-0x7100")


def test_a_request_of_3000_bytes_does_not_fit_into_1024(server: Run) -> None:
    before = len(server.console)
    observe(server, "ssl_client2", ["request_size=3000"])
    server.wait_for("tls: read: -0x7100", of=lambda: server.console[before:])


# --- bytes of our own ------------------------------------------------------------------------------------------------


def record(fragment: bytes) -> bytes:
    """A handshake record."""
    return struct.pack(">BHH", 22, 0x0301, len(fragment)) + fragment


def send(server: Run, data: bytes, *, reset: bool = False) -> socket.socket:
    """Connect and send; closing the socket then resets the connection if `reset`."""
    connection = socket.create_connection(("127.0.0.1", server.port()), PATIENCE)
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.sendall(data)
    return connection


def server_says(server: Run, before: int) -> str:
    return server.wait_for(r"tls: handshake: (-0x\w{4})", of=lambda: server.console[before:])[1]


HELLO = MemoryClient().flight()[RECORD_HEADER:]
CLIENT_HELLOS = {
    "split over two records": record(HELLO[:100]) + record(HELLO[100:]),
    "plain HTTP": b"GET / HTTP/1.0\r\n\r\n",
    "larger than a record may be here": record(b"\x01\x00\x13\x84" + bytes(4996)),
}


@pytest.mark.parametrize("hello", CLIENT_HELLOS)
def test_a_client_hello_that_mbedtls_does_not_take(server: Run, hello: str) -> None:
    before = len(server.console)
    with send(server, CLIENT_HELLOS[hello]) as connection:
        assert connection.recv(100) == b""
    assert server_says(server, before) == "-0x7900"


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_goes_away(server: Run, reset: bool) -> None:
    before = len(server.console)
    connection = send(server, record(HELLO)[:40], reset=reset)
    server.wait_for("connection from", of=lambda: server.console[before:])
    connection.close()
    assert server_says(server, before) == ("-0x0050" if reset else "-0x7280")


def test_a_client_that_stalls(server: Run) -> None:
    before = len(server.console)
    with send(server, record(HELLO)[:40]) as connection:
        server.wait_for("connection from", of=lambda: server.console[before:])
        connection.settimeout(1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert server_says(server, before) == "-0x7280"  # only once the client gave up


def records(flight: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where each record of a flight starts and ends."""
    start = 0
    while start < len(flight):
        end = start + RECORD_HEADER + (flight[start + 3] << 8 | flight[start + 4])
        yield start, end
        start = end


@pytest.mark.parametrize(("which", "error"), [(1, "-0x7d00"), (3, "-0x7180")], ids=["point", "Finished"])
def test_an_altered_second_flight(server: Run, which: int, error: str) -> None:
    """The last octet of a record is wrong: of the ClientKeyExchange's point, or of the encrypted Finished's tag."""
    before = len(server.console)
    client = MemoryClient()
    with send(server, client.flight()) as connection:
        while not (flight := bytearray(client.flight(heard := connection.recv(4096)))):
            assert heard, "closed by the server"
        flight[list(records(flight))[which][1] - 1] ^= 1
        connection.sendall(flight)
        assert server_says(server, before) == error
