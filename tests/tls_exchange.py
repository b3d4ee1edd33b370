# SPDX-License-Identifier: GPL-2.0-or-later
"""Bulk data through a TLS socket and back."""

from __future__ import annotations

import select
import ssl
from contextlib import suppress


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
