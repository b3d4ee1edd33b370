# SPDX-License-Identifier: GPL-2.0-or-later
"""The Python TLS server against `openssl s_server`: handshakes per second, and megabytes per second of bulk data."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.measure import ROOT, Row, alone, medians
from runs import free_port
from tls_exchange import exchange

CERTS = ROOT / "images" / "build" / "host" / "certs"
HANDSHAKES = 100
BULK = 16 << 20


def context() -> ssl.SSLContext:
    """A client that offers what both servers have: ECDHE-ECDSA on secp256r1 with AES-128-GCM."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    made.set_ecdh_curve("prime256v1")
    return made


@contextmanager
def server(words: list[str], port: int) -> Iterator[int]:
    """A server process that listens on the port."""
    silent = subprocess.DEVNULL
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=silent, stderr=silent) as process:
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield port
        finally:
            process.kill()


def handshakes(port: int) -> float:
    """Full handshakes in a second, one after the other."""
    client = context()
    before = time.perf_counter()
    for _ in range(HANDSHAKES):
        with socket.create_connection(("127.0.0.1", port)) as raw, client.wrap_socket(raw):
            pass
    return HANDSHAKES / (time.perf_counter() - before)


def echoed(port: int) -> float:
    """Megabytes in a second that go there and come back."""
    data = bytes(BULK)
    with socket.create_connection(("127.0.0.1", port)) as raw, context().wrap_socket(raw) as tls:
        before = time.perf_counter()
        exchange(tls, data)
        return BULK / 1e6 / (time.perf_counter() - before)


def twin() -> Iterator[Row]:
    """Handshakes against s_server's; 16 MB echoed, which s_server cannot."""
    cert, key = str(CERTS / "server5.crt"), str(CERTS / "server5.key")
    port, other = free_port(), free_port()
    ours = [sys.executable, "-m", "stm32emu", "serve", "--echo", "--cert", cert, "--key", key, "--port", str(port)]
    theirs = ["openssl", "s_server", "-quiet", "-cert", cert, "-key", key, "-port", str(other)]
    with server(ours, port), server(theirs, other):
        speed = medians({"ours": lambda: handshakes(port), "openssl": lambda: handshakes(other)})
        bulk = medians({"ours": lambda: echoed(port)})
    yield Row("twin", speed["ours"], speed["openssl"], speed["ours"] / speed["openssl"], "handshakes/s")
    yield alone("twin-bulk", bulk["ours"], "MB/s each way")
