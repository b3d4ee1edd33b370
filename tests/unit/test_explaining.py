# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run loads only when it is needed: the explanation of TLS connections, the disassembler, checks."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import IPv4Address
from typing import Any

from stm32emu.explaining import Explaining
from stm32emu.netbridge.link import Link
from stm32emu.netbridge.wire.ethernet import ETHERTYPE_IPV4, EthernetFrame, Mac
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_TCP, Ipv4Packet
from stm32emu.netbridge.wire.tcp import ACK, RST, SYN, TcpSegment

HOST, GUEST = IPv4Address("192.168.0.1"), IPv4Address("192.168.0.254")
MAC = Mac(b"\x02\0\0\0\0\x01")
PROBE = (SYN, RST)


class Heard:
    """Stands in for the explanation."""

    def __init__(self) -> None:
        self.segments: list[tuple[int, int]] = []

    def receive(self, segment: Any, now: int) -> None:
        self.segments.append((segment.flags, now))


def frame(flags: int) -> bytes:
    """A segment on the wire."""
    segment = TcpSegment(50000, 4433, 1, 1, flags, 1000).emit(HOST, GUEST)
    return EthernetFrame(MAC, MAC, ETHERTYPE_IPV4, Ipv4Packet(HOST, GUEST, PROTOCOL_TCP, segment).emit()).emit()


def test_it_is_loaded_when_a_connection_opens_and_sees_what_passed_before() -> None:
    heard: list[Heard] = []

    def load() -> Any:
        heard.append(Heard())
        return heard[-1]

    link = Link(lambda _frame, _good: None, lambda _frame, _now: None)
    explaining = Explaining(link, load)
    explaining.start()
    sent = (*PROBE, SYN, ACK, ACK)
    loaded = []
    for now, flags in enumerate(sent):
        link.to_guest(frame(flags), now)
        loaded.append(len(heard))
    assert loaded == [0, 0, 0, 1, 1]
    assert heard[0].segments == [(flags, now) for now, flags in enumerate(sent)]


def test_without_a_connection_there_is_nothing_to_tell() -> None:
    explaining = Explaining(Link(lambda _frame, _good: None, lambda _frame, _now: None), Heard)  # type: ignore[arg-type]
    explaining.on_timer()
    explaining.end()
    assert explaining.to_data() == {"connections": [], "verdict": None}


def test_a_session_loads_neither_cryptography_nor_capstone_nor_checks() -> None:
    """The first two are a third of a running instance's memory: docs/performance.md."""
    unwanted = {"cryptography", "capstone", "stm32emu.checks", "stm32emu.traces", "stm32emu.watchdog"}
    code = f"import stm32emu.session, sys; print(*{unwanted} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == ""
