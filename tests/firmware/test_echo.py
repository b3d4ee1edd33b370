# SPDX-License-Identifier: GPL-2.0-or-later
"""Bytes through the bridge: a megabyte there and back, and back-pressure in both directions."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.utils import rdpcap

from runs import IMAGES, PATIENCE, Run, free_port, running

MEGABYTE = 1 << 20
PATTERN = b"".join(hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(MEGABYTE // 32))
GUEST = "192.168.0.254"
PAUSE = 3  # seconds in which the client does not read


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[tuple[Run, Path]]:
    """The echo firmware, and the capture it leaves."""
    capture = tmp_path / "echo.pcapng"
    words = ("--port", f"{free_port()}:7", "--pcap", str(capture))
    with running(str(IMAGES / "echo.elf"), *words) as run:
        run.port()
        yield run, capture


def exchange(port: int, data: bytes, pause: float = 0) -> bytes:
    """Send `data` from a thread and read as much back, after `pause` seconds of not reading."""
    with socket.socket() as sock:
        if pause:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(PATIENCE)
        sock.connect(("127.0.0.1", port))
        sender = threading.Thread(target=sock.sendall, args=(data,))
        sender.start()
        time.sleep(pause)
        received = bytearray()
        while len(received) < len(data) and (part := sock.recv(65536)):
            received += part
        sender.join()
        return bytes(received)


def test_a_megabyte_there_and_back(echo: tuple[Run, Path]) -> None:
    assert exchange(echo[0].port(), PATTERN) == PATTERN


def test_back_pressure(echo: tuple[Run, Path]) -> None:
    """While the client does not read, the host's window closes; the guest then cannot send, so its own closes too."""
    run, capture = echo
    assert exchange(run.port(), PATTERN[: MEGABYTE // 4], PAUSE) == PATTERN[: MEGABYTE // 4]
    run.end()
    segments = [packet for packet in rdpcap(str(capture)) if TCP in packet]
    to_guest = [packet[TCP] for packet in segments if packet[IP].dst == GUEST and "A" in packet[TCP].flags]
    from_guest = [packet[TCP] for packet in segments if packet[IP].src == GUEST and "A" in packet[TCP].flags]
    for name, acks in ("the host", to_guest), ("the guest", from_guest):
        windows = [ack.window for ack in acks if "R" not in ack.flags]
        stalled = windows.index(0) if 0 in windows else None
        assert stalled is not None, f"{name} never closed its window"
        assert any(windows[stalled:]), f"{name} never opened its window again"
