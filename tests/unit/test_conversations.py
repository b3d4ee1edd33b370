# SPDX-License-Identifier: GPL-2.0-or-later
"""Which connection is which: counted as they open, probes left out."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether

from stm32emu.netbridge.conversations import Conversations


def segment(port: int, flags: str, data: bytes = b"") -> bytes:
    packet = Ether() / IP(src="192.168.0.1", dst="192.168.0.254") / TCP(sport=port, dport=4433, flags=flags) / data
    return bytes(packet)


@pytest.mark.parametrize(
    ("segments", "current"),
    [
        ([], 0),
        ([(50000, "S", b"")], 0),
        ([(50000, "S", b""), (50000, "R", b"")], 0),
        ([(50000, "S", b""), (50000, "RA", b"")], 0),
        ([(50000, "S", b""), (50000, "A", b"")], 1),
        ([(50000, "S", b""), (50000, "PA", b"hello")], 1),
        ([(50000, "S", b""), (50000, "A", b""), (50001, "S", b""), (50001, "A", b"")], 2),
        ([(50000, "S", b""), (50000, "A", b""), (50001, "S", b""), (50001, "A", b""), (50000, "A", b"")], 2),
        ([(50000, "S", b""), (50000, "A", b""), (50001, "S", b""), (50001, "A", b""), (50000, "A", b"x")], 1),
        ([(50000, "S", b""), (50000, "A", b""), (50000, "FA", b""), (50000, "S", b""), (50000, "A", b"")], 2),
    ],
)
def test_the_current_connection(segments: list[tuple[int, str, bytes]], current: int) -> None:
    conversations = Conversations()
    for port, flags, data in segments:
        conversations.receive(segment(port, flags, data))
    assert conversations.current == current


def test_other_frames_do_not_count() -> None:
    conversations = Conversations()
    conversations.receive(b"")
    conversations.receive(bytes(Ether() / IP(dst="192.168.0.254") / UDP() / b"x"))
    assert conversations.current == 0
