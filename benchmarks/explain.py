# SPDX-License-Identifier: GPL-2.0-or-later
"""What explaining TLS connections costs on bulk data: a recorded transfer of TLS records, replayed with it and without.

The echo firmware sends them back, which costs it less than any encryption would; so this is the dearest case.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
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


def transfer() -> bytes:
    """A hello, so that it counts as TLS, and encrypted records of the longest kind."""
    hello = ClientHello(names.TLS_1_2, bytes(32), suites=(0xC02C,)).emit()
    plain = bytes((names.CLIENT_HELLO,)) + len(hello).to_bytes(3, "big") + hello
    data = Record(names.APPLICATION_DATA, names.TLS_1_2, MAX_PLAINTEXT, bytes(MAX_PLAINTEXT)).emit()
    return Record(names.HANDSHAKE, names.TLS_1_2, len(plain), plain).emit() + RECORDS * data


def explain() -> Iterator[Row]:
    """The factor is with / without."""
    with TemporaryDirectory() as folder:
        recording = Path(folder) / "bulk.rec"
        with serving("echo.elf", 7, "--record", str(recording)) as (_, port):
            _echo(port, transfer())
        runs: dict[str, dict[str, bool]] = {"with": {}, "without": {"no_explain": True}}
        seconds = medians({name: partial(replay, recording, words) for name, words in runs.items()})
    yield Row("explain", seconds["with"], seconds["without"], seconds["with"] / seconds["without"], "s of CPU")


def _echo(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as peer:
        sender = threading.Thread(target=peer.sendall, args=(sent,))
        sender.start()
        received = 0
        while received < len(sent):
            received += len(peer.recv(CHUNK))
        sender.join()
