# SPDX-License-Identifier: GPL-2.0-or-later
"""The cable: what passes, what taps see, and what each fault does to single frames."""

from __future__ import annotations

from ipaddress import IPv4Address
from random import Random

import pytest

from stm32emu.netbridge.link import Direction, Link
from stm32emu.netbridge.link_faults import REORDER_PATIENCE, Corruption, Delay, LinkFault, Loss, Reorder
from stm32emu.netbridge.syn import opens_connection
from stm32emu.netbridge.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, EthernetFrame, Mac
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Packet
from stm32emu.netbridge.wire.tcp import ACK, RST, SYN, TcpSegment

MS = 1_000_000
TO, FROM = Direction.TO_GUEST, Direction.FROM_GUEST


class Cable:
    """A link that keeps what arrives at its ends and what its tap sees."""

    def __init__(self, *faults: LinkFault, way: Direction = TO) -> None:
        self.guest: list[tuple[bytes, bool]] = []
        self.bridge: list[bytes] = []
        self.tapped: list[tuple[bytes, Direction]] = []
        self.link = Link(
            lambda frame, damaged: self.guest.append((frame, damaged)), lambda frame, now: self.bridge.append(frame)
        )
        self.link.taps.append(lambda frame, now, way: self.tapped.append((frame, way)))
        for fault in faults:
            fault.active = True
            self.link.lanes[way].faults.append(fault)

    def send(self, *frames: bytes, now: int = 0) -> list[bytes]:
        """To the guest; all that has arrived so far."""
        for frame in frames:
            self.link.to_guest(frame, now)
        return self.arrived()

    def arrived(self) -> list[bytes]:
        return [frame for frame, _damaged in self.guest]


def always(kind: type[Loss] | type[Corruption] | type[Reorder]) -> LinkFault:
    return kind(1.0, Random(1))


def test_a_cable_without_faults() -> None:
    cable = Cable()
    cable.send(b"in")
    cable.link.from_guest(b"out", 0)
    assert (cable.guest, cable.bridge) == ([(b"in", False)], [b"out"])
    assert cable.tapped == [(b"in", TO), (b"out", FROM)]
    assert cable.link.poll_at() is None


def test_what_is_lost_on_the_way_to_the_guest_is_not_captured_and_what_the_guest_sent_is() -> None:
    cable = Cable(always(Loss))
    assert cable.send(b"in") == []
    assert cable.tapped == []
    cable = Cable(always(Loss), way=FROM)
    cable.link.from_guest(b"out", 0)
    assert (cable.bridge, cable.tapped) == ([], [(b"out", FROM)])


def test_a_corrupted_frame_reaches_the_mac_with_a_bad_fcs_and_nobody_else() -> None:
    cable = Cable(always(Corruption))
    cable.send(bytes(60))
    ((frame, damaged),) = cable.guest
    assert damaged
    assert sum(byte.bit_count() for byte in frame) == 1, "one bit differs"
    assert cable.tapped == []
    cable = Cable(always(Corruption), way=FROM)
    cable.link.from_guest(bytes(60), 0)
    assert cable.bridge == []


def test_any_bit_may_flip() -> None:
    cable = Cable(always(Corruption))
    cable.send(*[bytes(4)] * 400)
    assert {int.from_bytes(frame, "big") for frame, _damaged in cable.guest} == {1 << bit for bit in range(32)}


def test_a_reordered_frame_swaps_with_the_next() -> None:
    cable = Cable(always(Reorder))
    assert cable.send(b"1") == []
    assert cable.send(b"2") == [b"2", b"1"]
    assert cable.send(b"3", b"4") == [b"2", b"1", b"4", b"3"]


def test_a_reordered_frame_does_not_wait_for_ever() -> None:
    cable = Cable(always(Reorder))
    cable.send(b"1", now=5)
    assert cable.link.poll_at() == 5 + REORDER_PATIENCE
    cable.link.on_timer(4 + REORDER_PATIENCE)
    assert cable.arrived() == []
    cable.link.on_timer(5 + REORDER_PATIENCE)
    assert cable.arrived() == [b"1"]
    assert cable.link.poll_at() is None


def test_a_delay() -> None:
    cable = Cable(Delay(20 * MS))
    cable.send(b"1", now=0)
    cable.send(b"2", now=5 * MS)
    assert cable.link.poll_at() == 20 * MS
    cable.link.on_timer(20 * MS)
    assert cable.arrived() == [b"1"]
    cable.link.on_timer(25 * MS)
    assert cable.arrived() == [b"1", b"2"]


def test_no_frame_overtakes_one_that_is_delayed_when_the_delay_ends() -> None:
    delay = Delay(20 * MS)
    cable = Cable(delay)
    cable.send(b"1", now=0)
    delay.active = False
    assert cable.send(b"2", now=1 * MS) == []
    cable.link.on_timer(20 * MS)
    assert cable.send(b"3", now=20 * MS) == [b"1", b"2", b"3"]


@pytest.mark.parametrize("kind", [Loss, Corruption, Reorder])
def test_faults_that_are_not_active(kind: type[Loss] | type[Corruption] | type[Reorder]) -> None:
    fault = always(kind)
    assert not fault.active
    cable = Cable(fault)
    fault.active = False
    assert cable.send(b"1", b"2") == [b"1", b"2"]
    assert fault.count == 0


def test_a_reorder_that_ends_lets_go_with_the_next_frame() -> None:
    fault = always(Reorder)
    cable = Cable(fault)
    cable.send(b"1")
    fault.active = False
    assert cable.send(b"2", b"3") == [b"2", b"1", b"3"]


def test_faults_follow_each_other() -> None:
    cable = Cable(Delay(MS), always(Reorder), Delay(MS))
    cable.send(b"1", b"2")
    assert cable.link.poll_at() == MS
    cable.link.on_timer(MS)
    assert cable.link.poll_at() == 2 * MS
    cable.link.on_timer(2 * MS)
    assert cable.arrived() == [b"2", b"1"]


HERE, THERE = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")


def frame(flags: int, *, protocol: int = PROTOCOL_TCP, ethertype: int = ETHERTYPE_IPV4, offset: int = 0) -> bytes:
    segment = TcpSegment(1, 2, 3, 4, flags, 5).emit(HERE, THERE)
    packet = Ipv4Packet(HERE, THERE, protocol, segment, fragment_offset=offset).emit()
    return EthernetFrame(Mac(bytes(6)), Mac(bytes(6)), ethertype, packet).emit()


@pytest.mark.parametrize(
    ("data", "opens"),
    [
        (frame(SYN), True),
        (frame(SYN).ljust(60, b"\0"), True),
        (frame(SYN | ACK), False),
        (frame(ACK), False),
        (frame(RST), False),
        (frame(SYN, protocol=PROTOCOL_UDP), False),
        (frame(SYN, ethertype=ETHERTYPE_ARP), False),
        (frame(SYN, offset=8), False),
        (frame(SYN)[:40], False),
        (b"", False),
    ],
)
def test_the_start_of_a_connection(data: bytes, opens: bool) -> None:
    assert opens_connection(data) is opens
