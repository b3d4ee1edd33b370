# SPDX-License-Identifier: GPL-2.0-or-later
"""What explaining TLS connections costs on bulk data: recorded transfers, replayed with it and without.

`explain` is a transfer to the TLS server, which decrypts it; `explain-echo` one of TLS records to the echo firmware,
which does next to nothing with them: the dearest case.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.checks import replay
from benchmarks.measure import Row, medians
from benchmarks.server import CHUNK, serving
from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.messages import ClientHello
from stm32emu.netbridge.tls.records import MAX_PLAINTEXT, Record

RECORDS = 120
PIECE, PIECES = 1000, 400  # the server takes records of up to 1024 bytes


def explain() -> Iterator[Row]:
    """The factor is with / without."""
    yield _row("explain", "tls_server.elf", 4433, _send)
    yield _row("explain-echo", "echo.elf", 7, _echo)


def _row(name: str, elf: str, guest_port: int, transfer: Callable[[int], None]) -> Row:
    with TemporaryDirectory() as folder:
        recording = Path(folder) / "bulk.rec"
        with serving(elf, guest_port, "--record", str(recording)) as (_, port):
            transfer(port)
        runs: dict[str, dict[str, bool]] = {"with": {}, "without": {"no_explain": True}}
        seconds = medians({name: partial(replay, recording, words) for name, words in runs.items()})
    return Row(name, seconds["with"], seconds["without"], seconds["with"] / seconds["without"], "s of CPU")


def _send(port: int) -> None:
    """A long request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port)) as raw, context.wrap_socket(raw) as tls:
        for _ in range(PIECES):
            tls.sendall(b"x" * PIECE)
        tls.sendall(b"\r\n\r\n")
        while tls.recv(CHUNK):
            pass


def _echo(port: int) -> None:
    """A hello, so that it counts as TLS, and encrypted records of the longest kind."""
    hello = ClientHello(names.TLS_1_2, bytes(32), suites=(0xC02C,)).emit()
    plain = bytes((names.CLIENT_HELLO,)) + len(hello).to_bytes(3, "big") + hello
    data = Record(names.APPLICATION_DATA, names.TLS_1_2, MAX_PLAINTEXT, bytes(MAX_PLAINTEXT)).emit()
    sent = Record(names.HANDSHAKE, names.TLS_1_2, len(plain), plain).emit() + RECORDS * data
    with socket.create_connection(("127.0.0.1", port)) as peer:
        sender = threading.Thread(target=peer.sendall, args=(sent,))
        sender.start()
        received = 0
        while received < len(sent):
            received += len(peer.recv(CHUNK))
        sender.join()
