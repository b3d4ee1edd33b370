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
from scapy.packet import Packet
from scapy.utils import rdpcap

from runs import IMAGES, PATIENCE, Run, free_port, running

MEGABYTE = 1 << 20
PATTERN = b"".join(hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(MEGABYTE // 32))
HOST, GUEST = "192.168.0.1", "192.168.0.254"
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


def test_datagrams_there_and_back(tmp_path: Path) -> None:
    """Whole and in fragments, on the port number that a TCP forward has too."""
    port = free_port()
    with running(str(IMAGES / "echo.elf"), "--port", f"{port}:7/udp", "--port", f"{port}:7") as run:
        run.wait_for(r"listening: [\d.:]+ -> 192.168.0.254:7/udp", of=lambda: run.log)
        assert exchange(port, PATTERN[:1000]) == PATTERN[:1000]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE)
            sock.connect(("127.0.0.1", port))
            for size in (1, 1472, 1473, 4000):
                sock.send(PATTERN[:size])
                assert sock.recv(65536) == PATTERN[:size]


def stalled(segments: list[Packet], receiver: str) -> list[int]:
    """How many bytes each closed window of `receiver` let pass before it opened again."""
    passed: list[int] = []
    closed = False
    for packet in segments:
        ip, tcp = packet[IP], packet[TCP]
        if ip.src != receiver:
            data = ip.len - 4 * (ip.ihl + tcp.dataofs)
            passed[-1:] = [passed[-1] + data] if closed else passed[-1:]
        elif "A" in tcp.flags and "R" not in tcp.flags:
            passed += [0] if tcp.window == 0 and not closed else []
            closed = tcp.window == 0
    assert not closed
    return passed


def test_back_pressure(echo: tuple[Run, Path]) -> None:
    """While the client does not read, the host's window closes; the guest then cannot send, so its own closes too."""
    run, capture = echo
    assert exchange(run.port(), PATTERN[: MEGABYTE // 4], PAUSE) == PATTERN[: MEGABYTE // 4]
    run.end()
    segments = [packet for packet in rdpcap(str(capture)) if TCP in packet]
    in_flight = 2 * 1460
    for receiver in (HOST, GUEST):
        passed = stalled(segments, receiver)
        assert passed, f"{receiver} never closed its window"
        assert max(passed) <= in_flight, f"its peer went on sending into the closed window of {receiver}"
