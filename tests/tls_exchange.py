# SPDX-License-Identifier: GPL-2.0-or-later
"""OpenSSL as the client, by way of Python: over sockets, over memory, and with bulk data."""

from __future__ import annotations

import select
import socket
import ssl
from contextlib import suppress

from tls_samples import client_context

PATIENCE = 180  # seconds of wall time for anything to happen on a loaded machine


def connect(port: int, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> ssl.SSLSocket:
    """To this machine, the handshake done; `version` is the highest that is offered."""
    raw = socket.create_connection(("127.0.0.1", port), PATIENCE)
    return client_context(version).wrap_socket(raw, server_hostname="localhost")


def read_all(tls: ssl.SSLSocket) -> bytes:
    """Up to the end."""
    return b"".join(iter(lambda: tls.recv(4096), b""))


class MemoryClient:
    """A client over memory, one flight at a time."""

    def __init__(self, context: ssl.SSLContext | None = None, session: ssl.SSLSession | None = None) -> None:
        self._input, self._output = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.context = context or client_context()
        self.tls = self.context.wrap_bio(self._input, self._output, server_hostname="localhost", session=session)

    def flight(self, received: bytes = b"") -> bytes:
        """What it answers in its handshake, an alert perhaps; nothing while it waits for more."""
        self._input.write(received)
        with suppress(ssl.SSLError):
            self.tls.do_handshake()
        return self._output.read()


def exchange(tls: ssl.SSLSocket, data: bytes) -> bytes:
    """Send and receive in turn until as much is back: OpenSSL's objects do not stand two threads at once."""
    tls.setblocking(False)
    rest, received = memoryview(data), bytearray()
    while len(received) < len(data):
        before = len(rest), len(received)
        with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            rest = rest[tls.send(rest[: 1 << 16]) :] if rest else rest
        with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            piece = tls.recv(1 << 16)
            assert piece, f"closed after {len(received)} bytes"
            received += piece
        if before == (len(rest), len(received)):
            assert any(select.select([tls], [tls] if rest else [], [], 60)), "silence"
    return bytes(received)
