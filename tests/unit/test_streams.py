# SPDX-License-Identifier: GPL-2.0-or-later
"""Streams of other people's TCP connections, segment by segment."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from stm32emu.netbridge import streams
from stm32emu.netbridge.streams import TcpStreams
from stm32emu.netbridge.transport import Address, Segment, ethernet_transport
from stm32emu.netbridge.wire.tcp import ACK, FIN, PSH, RST, SYN

CLIENT, SERVER = (b"\xc0\xa8\0\1", 50000), (b"\xc0\xa8\0\xfe", 4433)


@dataclass
class Heard:
    """What a listener hears of one connection, in order."""

    midway: bool
    said: list[object] = field(default_factory=list)
    mute: bool = False

    def data(self, from_client: bool, data: bytes, now: int) -> None:
        self.said.append((from_client, data))

    def lost(self, from_client: bool, count: int, now: int) -> None:
        self.said.append((from_client, count))

    def closed(self, from_client: bool, reset: bool, now: int) -> None:
        self.said.append((from_client, "RST" if reset else "FIN"))

    def dropped(self, now: int) -> None:
        self.said.append("dropped")


class Listener:
    """Two parties of a capture."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.clients: list[Address] = []
        self.streams = TcpStreams(self, frozenset({4433}))

    def open(self, client: Address, server: Address, midway: bool, now: int) -> Heard:
        self.clients.append(client)
        self.heard.append(Heard(midway))
        return self.heard[-1]

    def client(self, seq: int, flags: int = ACK, payload: bytes = b"", ack: int = 900, missing: int = 0) -> None:
        self.streams.receive(Segment(CLIENT, SERVER, seq, ack, flags, payload, missing), 0)

    def server(self, seq: int, flags: int = ACK, payload: bytes = b"", ack: int = 101, missing: int = 0) -> None:
        self.streams.receive(Segment(SERVER, CLIENT, seq, ack, flags, payload, missing), 0)

    def shake(self) -> None:
        self.client(100, SYN, ack=0)
        self.server(899, SYN | ACK)
        self.client(101)


def heard_by(listener: Listener) -> list[object]:
    assert len(listener.heard) == 1
    return listener.heard[0].said


def heard_by_all(listener: Listener) -> list[list[object]]:
    return [heard.said for heard in listener.heard]


def test_both_directions_and_their_ends() -> None:
    listener = Listener()
    listener.shake()
    listener.client(101, ACK | PSH, b"hello")
    listener.server(900, ACK, b"world", ack=106)
    listener.server(905, FIN | ACK, ack=106)
    listener.client(106, FIN | ACK, ack=906)
    assert heard_by(listener) == [(True, b"hello"), (False, b"world"), (False, "FIN"), (True, "FIN")]
    assert listener.clients == [CLIENT]


def test_segments_out_of_order_and_twice() -> None:
    listener = Listener()
    listener.shake()
    for seq, payload in ((104, b"lo"), (101, b"hel"), (101, b"hel"), (103, b"lo!"[:1] + b"lo!")):
        listener.client(seq, ACK, payload)
    assert b"".join(data for _, data in heard_by(listener)) == b"hello!"  # type: ignore[misc]


def test_what_was_acknowledged_and_not_captured_is_lost() -> None:
    listener = Listener()
    listener.shake()
    listener.client(101, ACK, b"he")
    listener.client(105, ACK, b"o")
    listener.server(900, ACK, ack=106)
    assert heard_by(listener) == [(True, b"he"), (True, 2), (True, b"o")]


def test_a_packet_that_was_captured_in_part() -> None:
    listener = Listener()
    listener.shake()
    listener.client(101, ACK, b"he", missing=3)
    listener.client(106, ACK, b"!")
    assert heard_by(listener) == [(True, b"he"), (True, 3), (True, b"!")]


def test_a_capture_that_begins_in_mid_connection() -> None:
    """The server is the one whose port is known for it."""
    listener = Listener()
    listener.server(5000, ACK, b"data", ack=300)
    listener.client(300, ACK, b"more", ack=5004)
    assert listener.heard[0].midway
    assert listener.clients == [CLIENT]
    assert heard_by(listener) == [(False, b"data"), (True, b"more")]


def test_a_reset_ends_both_directions_even_after_a_fin() -> None:
    listener = Listener()
    listener.shake()
    listener.client(101, FIN | ACK)
    listener.client(102, RST)
    listener.server(900, ACK, b"late")
    assert heard_by(listener) == [(True, "FIN"), (True, "RST")]


def test_the_same_ports_again_are_a_new_connection() -> None:
    listener = Listener()
    for _ in range(2):
        listener.shake()
        listener.client(101, RST)
    assert heard_by_all(listener) == [[(True, "RST"), "dropped"], [(True, "RST")]]


def test_who_is_replaced_hears_of_it_once_and_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_STREAMS", 2)
    listener = Listener()
    listener.shake()
    listener.streams.receive(Segment((CLIENT[0], 1), SERVER, 100, 0, SYN, b""), 0)
    listener.client(5000, SYN, ack=0)
    assert heard_by_all(listener) == [["dropped"], [], []]
    listener.streams.receive(Segment((CLIENT[0], 2), SERVER, 100, 0, SYN, b""), 0)
    assert heard_by_all(listener) == [["dropped"], ["dropped"], [], []]


def test_who_is_mute_hears_nothing() -> None:
    listener = Listener()
    listener.shake()
    listener.heard[0].mute = True
    listener.client(5000, SYN, ack=0)
    assert heard_by_all(listener) == [[], []]


def test_a_syn_twice_is_one_connection() -> None:
    listener = Listener()
    listener.client(100, SYN, ack=0)
    listener.shake()
    listener.client(101, ACK, b"x")
    assert heard_by(listener) == [(True, b"x")]


def test_other_traffic_is_no_segment() -> None:
    assert ethernet_transport(b"") is None
    assert ethernet_transport(bytes(60)) is None
    assert ethernet_transport(bytes(12) + b"\x08\x00\x45" + bytes(40)) is None
    assert ethernet_transport(bytes(12) + b"\x86\xdd" + bytes(60)) is None


def test_more_connections_than_are_remembered_one_of_them_with_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_STREAMS", 2)
    listener = Listener()
    for port in range(4):
        peer = (CLIENT[0], port) if port else SERVER
        listener.streams.receive(Segment(peer, SERVER, 100, 0, SYN, b""), 0)
    assert [client[1] for client in listener.clients] == [4433, 1, 2, 3]
    assert heard_by_all(listener) == [["dropped"], ["dropped"], [], []]
