# SPDX-License-Identifier: GPL-2.0-or-later
"""Bulk data through seven TLS clients to a server that echoes, and back: each returns what came back."""

from __future__ import annotations

import os
import re
import select
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import twin_clients
from tls_exchange import exchange
from twin_clients import TLSConnection, Visit

SILENCE = 60  # seconds without a byte after which a client is given up
RECORD = 1 << 14
REQUEST_SIZE = 16_000  # bytes of ssl_client2's requests; its buffer has 20 000


def piped(command: Sequence[str | Path], data: bytes, *, ends: bool = False) -> bytes:
    """What it prints while it is told `data`, until it has printed the end of that; `ends` its input there, too."""
    words = [str(word) for word in command]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        sender = threading.Thread(target=_send, args=(client.stdin, data, ends))
        sender.start()
        try:
            return _hear(client.stdout, data[-32:])
        finally:
            client.kill()
            sender.join()


def _send(pipe: IO[bytes], data: bytes, ends: bool) -> None:
    with suppress(BrokenPipeError):  # the client is gone
        pipe.write(data)
        if ends:
            pipe.close()


def _hear(pipe: IO[bytes], last: bytes) -> bytes:
    received = bytearray()
    while not received.endswith(last):
        assert select.select([pipe], [], [], SILENCE)[0], f"silence after {len(received)} bytes"
        piece = os.read(pipe.fileno(), 1 << 16)
        assert piece, f"closed after {len(received)} bytes"
        received += piece
    return bytes(received)


def openssl(visit: Visit, data: bytes) -> bytes:
    return piped([*twin_clients.openssl_command(visit), "-quiet"], data)


def gnutls(visit: Visit, data: bytes) -> bytes:
    return piped([*twin_clients.gnutls_command(visit), "--logfile", "/dev/null"], data)


def curl(visit: Visit, data: bytes) -> bytes:
    """It takes its own request, which comes back, for the page of an HTTP/0.9 server."""
    command = [*twin_clients.curl_command(visit), "--http0.9", "--no-buffer", "--data-binary", "@-"]
    return piped(command, data, ends=True).partition(b"\r\n\r\n")[2]


def python(visit: Visit, data: bytes) -> bytes:
    raw = socket.create_connection(("127.0.0.1", visit.port), SILENCE)
    with twin_clients.python_context(visit).wrap_socket(raw, server_hostname="localhost") as tls:
        return exchange(tls, data)


def tlslite(visit: Visit, data: bytes) -> bytes:
    """A record and its answer at a time."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", visit.port), SILENCE) as raw:
        connection = TLSConnection(raw)
        connection.handshakeClientCert(settings=twin_clients.tlslite_settings(), serverName="localhost")
        for end in range(RECORD, len(data) + RECORD, RECORD):
            connection.sendall(data[end - RECORD : end])
            while len(received) < min(end, len(data)):
                piece = connection.recv(RECORD)
                assert piece, f"closed after {len(received)} bytes"
                received += piece
    return bytes(received)


def nss(visit: Visit, data: bytes) -> bytes:
    return piped(twin_clients.nss_command(visit), data)


CLIENTS: dict[str, Callable[[Visit, bytes], bytes]] = {
    "openssl": openssl,
    "gnutls": gnutls,
    "curl": curl,
    "python": python,
    "tlslite": tlslite,
    "nss": nss,
}


def ssl_client2(visit: Visit, size: int) -> tuple[list[str], list[str]]:
    """It says nothing but its own request, as often as it takes to say so much: what it said, and what came back."""
    more = [f"request_size={REQUEST_SIZE}", f"exchanges={-(-size // REQUEST_SIZE)}"]
    text = twin_clients.ssl_client2(visit, *more)
    said, heard = (re.findall(rf"{words}.*?\n\n(GET .*?\r\n\r\n)", text, re.DOTALL) for words in ("> Write", "< Read"))
    return said, heard
