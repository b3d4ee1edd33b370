# SPDX-License-Identifier: GPL-2.0-or-later
"""Datagrams of host peers to a guest of our own and back; peers that are forgotten; what is refused."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from fake_guest import MS, FakeGuest, World
from stm32emu.netbridge import udp_forward
from stm32emu.netbridge.bridge import Bridge
from stm32emu.netbridge.forward import Forward
from stm32emu.netbridge.wire import icmp
from stm32emu.netbridge.wire.icmp import IcmpMessage
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_UDP, Ipv4Packet

GUEST_PORT = 69


class Rig(World):
    """One UDP forward on a port that the system chose."""

    def __init__(self) -> None:
        self.log: list[str] = []
        super().__init__(Bridge([Forward(0, GUEST_PORT, "udp")], seed=1, log=self.log.append), FakeGuest())
        self.bridge.open()
        self.address = self.bridge._udp[0].sock.getsockname()

    def client(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect(self.address)
        sock.setblocking(False)
        return sock

    def receive(self, client: socket.socket) -> bytes:
        """The next datagram."""
        received: list[bytes] = []

        def came() -> bool:
            try:
                received.append(client.recv(65536))
            except BlockingIOError:
                return False
            return True

        self.run_until(came)
        return received[0]

    @property
    def sources(self) -> list[int]:
        """Our ports that the guest has heard from, in order."""
        return [datagram.src_port for datagram in self.guest.datagrams]


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A guest that answers in capitals."""
    rig = Rig()
    rig.guest.udp[GUEST_PORT] = bytes.upper
    rig.guest.announce()
    rig.exchange()
    yield rig
    rig.bridge.close()


def test_each_peer_gets_its_own_answers(rig: Rig) -> None:
    with rig.client() as one, rig.client() as two:
        one.send(b"one")
        two.send(b"two")
        assert (rig.receive(two), rig.receive(one)) == (b"TWO", b"ONE")
    assert len(set(rig.sources)) == 2


def test_a_peer_keeps_its_port(rig: Rig) -> None:
    with rig.client() as client:
        for word in (b"a", b"b"):
            client.send(word)
            assert rig.receive(client) == word.upper()
    assert len(rig.sources) == 2
    assert len(set(rig.sources)) == 1


def test_something_moved_when_a_datagram_came_and_when_its_answer_did(rig: Rig) -> None:
    with rig.client() as client:
        client.send(b"x")
        assert rig.bridge.poll_sockets(rig.now, 1.0)
        rig.exchange()
        assert rig.bridge.poll_sockets(rig.now, 0)
        assert not rig.bridge.poll_sockets(rig.now, 0)


def test_early_datagrams_wait_for_the_guest() -> None:
    rig = Rig()
    rig.guest.udp[GUEST_PORT] = bytes.upper
    with rig.client() as client:
        client.send(b"early")
        rig.step()
        assert rig.guest.datagrams == []
        rig.guest.announce()
        assert rig.receive(client) == b"EARLY"
    assert rig.log[-1].endswith("-> 192.168.0.254:69/udp")
    rig.bridge.close()


def test_a_silent_peer_is_forgotten(rig: Rig) -> None:
    with rig.client() as client:
        client.send(b"x")
        rig.step()
        assert rig.bridge.poll_at() == udp_forward.IDLE
        rig.now = udp_forward.IDLE
        rig.bridge.on_timer(rig.now)
        assert rig.bridge.poll_at() is None
        assert rig.bridge.host._flows == {}


def test_an_answer_keeps_a_peer_known_too(rig: Rig) -> None:
    with rig.client() as client:
        client.send(b"x")
        rig.step()
        rig.now = 5 * MS
        rig.step()
        assert rig.bridge.poll_at() == 5 * MS + udp_forward.IDLE


def test_the_peer_that_is_silent_for_longest_makes_room(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp_forward, "PEERS", 2)
    clients = [rig.client() for _ in range(3)]
    for n in (0, 1, 0, 2, 0, 1):
        clients[n].send(b"x")
        assert rig.receive(clients[n]) == b"X"
    first, second, _, third, again, new = rig.sources
    assert again == first, "used again in between"
    assert len({first, second, third, new}) == 4
    assert len(rig.bridge.host._flows) == 2
    for client in clients:
        client.close()


def test_a_closed_port_of_the_guest_is_said_once(rig: Rig) -> None:
    del rig.guest.udp[GUEST_PORT]
    with rig.client() as client:
        for _ in range(3):
            client.send(b"x")
            rig.step()
            refuse(rig)
            rig.step()
    assert [line for line in rig.log if line.startswith("refused")] == [
        "refused: nothing in the guest listens on UDP port 69"
    ]


def refuse(rig: Rig) -> None:
    """The guest answers the last datagram as its stack would: port unreachable, with the packet's beginning."""
    packet = rig.guest.packets[-1]
    assert packet.protocol == PROTOCOL_UDP
    error = IcmpMessage(icmp.DESTINATION_UNREACHABLE, icmp.PORT_UNREACHABLE, packet.emit()[:28])
    rig.guest.packet(PROTOCOL_ICMP, error.emit(), packet.src)


def test_the_largest_datagram_arrives_in_fragments(rig: Rig) -> None:
    with rig.client() as client:
        client.send(bytes(65507))
        rig.run_until(lambda: len(rig.guest.packets) == 45)
    sizes = [len(packet.payload) for packet in rig.guest.packets]
    assert sum(sizes) == 65515
    assert all(isinstance(packet, Ipv4Packet) and packet.is_fragment for packet in rig.guest.packets)


def test_a_peer_that_is_gone_costs_only_its_own_answers(rig: Rig) -> None:
    gone = rig.client()
    gone.send(b"x")
    rig.run_until(lambda: rig.guest.datagrams)
    gone.close()
    with rig.client() as client:
        for word in (b"y", b"z"):
            client.send(word)
            assert rig.receive(client) == word.upper()
