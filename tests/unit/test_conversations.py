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


def test_who_is_closed() -> None:
    """By the guest's FIN, or by a reset from either side; a probe is nobody."""
    conversations = Conversations()
    for port in (50000, 50001, 50002):
        conversations.receive(segment(port, "S"))
        conversations.receive(segment(port, "A"))
    conversations.receive(segment(50000, "FA"))
    assert conversations.closed == set()
    for port, flags in ((50000, "FA"), (50001, "R"), (50009, "R")):
        conversations.send(bytes(Ether() / IP() / TCP(sport=4433, dport=port, flags=flags)))
    assert conversations.closed == {1, 2}
    conversations.receive(segment(50002, "R"))
    conversations.receive(segment(50008, "S"))
    conversations.receive(segment(50008, "R"))
    assert conversations.closed == {1, 2, 3}


def test_other_frames_do_not_count() -> None:
    conversations = Conversations()
    conversations.receive(b"")
    conversations.receive(bytes(Ether() / IP(dst="192.168.0.254") / UDP() / b"x"))
    assert conversations.current == 0
