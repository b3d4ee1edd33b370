# SPDX-License-Identifier: GPL-2.0-or-later
"""Real sockets of this machine against a guest of our own: connections, their ends, back-pressure, what is refused."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator

import pytest

from bridge_files import open_files
from fake_guest import FakeGuest, World, echo
from stm32emu.netbridge import tcp_forward
from stm32emu.netbridge.bridge import Bridge
from stm32emu.netbridge.forward import Forward
from stm32emu.netbridge.prober import INTERVAL_FIRST
from stm32emu.netbridge.tcp import Tcp
from stm32emu.netbridge.tcp_state import State

GUEST_PORT = 7
PLENTY = 8 << 20


class Rig(World):
    """One TCP forward on a port that the system chose."""

    def __init__(self, guest: FakeGuest) -> None:
        self.log: list[str] = []
        super().__init__(Bridge([Forward(0, GUEST_PORT)], seed=1, log=self.log.append), guest)
        self.bridge.open()
        guest.announce()
        self.exchange()

    def listening(self) -> bool:
        return self.bridge.all_listening

    def client(self) -> socket.socket:
        """A host peer that does not block and for which the system buffers little."""
        sock = socket.socket()
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, 4096)
        sock.connect(self.bridge._tcp[0].sock.getsockname())
        sock.setblocking(False)
        return sock

    def receive(self, client: socket.socket, size: int) -> bytes:
        """That many bytes, or all up to the end."""
        received = bytearray()

        def enough() -> bool:
            try:
                part = client.recv(size - len(received))
            except BlockingIOError:
                return False
            received.extend(part)
            return not part or len(received) == size

        self.run_until(enough)
        return bytes(received)

    def push(self, client: socket.socket, turns: int = 100) -> int:
        """Send until nothing has been taken for a number of turns; how much was."""
        sent = idle = 0
        while idle < turns and sent < PLENTY:
            idle += 1
            try:
                sent += client.send(bytes(16384))
                idle = 0
            except BlockingIOError:
                self.step()
        return sent


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A guest that echoes on its port, found to be listening."""
    guest = FakeGuest()
    guest.apps[GUEST_PORT] = echo
    rig = Rig(guest)
    rig.run_until(rig.listening)
    yield rig
    rig.bridge.close()


def connected(rig: Rig, app: Callable[[Tcp], None] = echo) -> tuple[socket.socket, Tcp]:
    """A client and the guest's end of its connection."""
    rig.guest.apps[GUEST_PORT] = app
    client = rig.client()
    rig.run_until(lambda: rig.guest.accepted)
    return client, rig.guest.accepted[-1]


def idle(tcp: Tcp) -> None:
    """A guest's application that does nothing."""


def test_bytes_go_there_and_back(rig: Rig) -> None:
    data = os.urandom(100_000)
    client, _ = connected(rig)
    with client:
        sent = 0
        received = bytearray()
        while len(received) < len(data):
            try:
                sent += client.send(data[sent : sent + 4096]) if sent < len(data) else 0
                received += client.recv(65536)
            except BlockingIOError:
                rig.step()
        assert received == data
        assert (rig.bridge.served, rig.bridge.connections) == (1, 1)


def test_only_the_loopback_address_is_bound_unless_another_is_asked_for(rig: Rig) -> None:
    address, port = rig.bridge._tcp[0].sock.getsockname()
    assert address == "127.0.0.1"
    assert f"listening: 127.0.0.1:{port} -> 192.168.0.254:7" in rig.log


def test_an_early_peer_waits_until_the_guest_listens() -> None:
    rig = Rig(FakeGuest())
    with rig.client() as client:
        client.send(b"early")
        for _ in range(50):
            rig.step()
        assert (rig.bridge.connections, rig.listening()) == (0, False)
        rig.guest.apps[GUEST_PORT] = echo
        assert rig.receive(client, 5) == b"early"
    rig.bridge.close()


def test_something_moved_when_a_peer_is_accepted(rig: Rig) -> None:
    with rig.client():
        assert rig.bridge.poll_sockets(rig.now, 1.0)
        assert rig.bridge.connections == 1


def test_nothing_moved_while_nothing_happens(rig: Rig) -> None:
    client, _ = connected(rig)
    with client:
        rig.run_until(lambda: not rig.bridge.poll_sockets(rig.now, 0))


def test_a_peer_that_finishes_gets_the_rest_and_the_guests_end(rig: Rig) -> None:
    client, tcp = connected(rig)
    with client:
        client.send(b"last words")
        client.shutdown(socket.SHUT_WR)
        assert rig.receive(client, 100) == b"last words"
        rig.run_until(lambda: not rig.bridge.connections)
    assert (tcp.state, tcp.ending) == (State.CLOSED, None)
    assert len(rig.log) == 2, "an orderly end is not worth a line"


def test_a_guest_that_finishes_first_can_still_be_sent_to(rig: Rig) -> None:
    client, tcp = connected(rig, idle)
    tcp.send(b"bye")
    tcp.shutdown()
    with client:
        assert rig.receive(client, 100) == b"bye"
        client.send(b"one more thing")
        rig.run_until(lambda: tcp.readable == 14)
        assert rig.bridge.connections == 1


def test_a_guest_that_resets_resets_the_peer(rig: Rig) -> None:
    client, tcp = connected(rig, idle)
    tcp.abort()
    rig.run_until(lambda: not rig.bridge.connections)
    with client, pytest.raises(ConnectionResetError):
        client.recv(1)
    assert rig.log[-1].endswith("loses its connection to guest port 7 (reset by the peer)")


def test_a_peer_that_goes_away_resets_the_guests_connection(rig: Rig) -> None:
    client, tcp = connected(rig, idle)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, tcp_forward._RESET_ON_CLOSE)
    client.close()
    rig.run_until(lambda: tcp.closed)
    assert tcp.ending is not None
    assert not rig.bridge.connections
    assert "went away, its connection to guest port 7 is reset" in rig.log[-1]


def test_what_a_peer_sent_before_it_went_away_arrives(rig: Rig) -> None:
    """A client that rejects a handshake sends its alert; it resets since it has not read the server's whole flight."""
    client, tcp = connected(rig, idle)
    tcp.send(b"never read")
    with client:
        assert rig.receive(client, 1) == b"n"
        client.send(b"alert")
    rig.run_until(lambda: tcp.readable or tcp.closed)
    assert bytes(tcp.peek()) == b"alert"
    rig.run_until(lambda: tcp.closed)
    assert tcp.ending is not None


def test_a_peer_that_goes_away_before_the_guest_answers_is_forgotten(rig: Rig) -> None:
    client = rig.client()
    rig.bridge.poll_sockets(rig.now, 1.0)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, tcp_forward._RESET_ON_CLOSE)
    client.close()
    rig.bridge.poll_sockets(rig.now, 1.0)
    assert (rig.bridge.connections, rig.bridge.served, rig.bridge.refused) == (0, 0, 0)


def test_a_guest_that_no_longer_listens_refuses(rig: Rig) -> None:
    del rig.guest.apps[GUEST_PORT]
    with rig.client() as client:
        rig.run_until(lambda: rig.bridge.refused)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert rig.log[-1].startswith("refused: the guest did not accept 127.0.0.1:")


def test_a_guest_that_does_not_read_holds_the_peer_back(rig: Rig) -> None:
    client, tcp = connected(rig, idle)
    with client:
        taken = rig.push(client)
        assert taken < 1 << 20
        assert tcp.readable == 5840, "its window is full"
        assert not rig.bridge.poll_sockets(rig.now, 0), "what cannot be taken is not waited for"


def test_a_peer_that_does_not_read_holds_the_guest_back(rig: Rig) -> None:
    sent = 0

    def talk(tcp: Tcp) -> None:
        nonlocal sent
        sent += tcp.send(bytes(tcp.send_room)) if sent < PLENTY else 0

    client, _ = connected(rig, talk)
    with client:
        before = -1
        while before != sent:
            before = sent
            for _ in range(100):
                rig.step()
        assert sent < 1 << 20


def test_the_number_of_peers_at_once_is_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stm32emu.netbridge.bridge.MAX_CONNECTIONS", 2)
    clients = [rig.client() for _ in range(3)]
    for _ in range(100):
        rig.step()
    assert rig.bridge.connections == 2
    clients[0].close()
    rig.run_until(lambda: rig.bridge.served == 3)
    for client in clients:
        client.close()


def test_no_peer_is_taken_while_the_host_remembers_too_many(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that both sides have ended keeps its port for two MSL."""
    monkeypatch.setattr("stm32emu.netbridge.host.MAX_TCPS", 1)
    client, _ = connected(rig)
    client.close()
    rig.run_until(lambda: not rig.bridge.connections)
    with rig.client():
        for _ in range(100):
            rig.step()
        assert not rig.bridge.connections
        rig.run_until(lambda: rig.bridge.connections, ms=100)


def test_close_resets_the_peers_and_leaves_nothing_open() -> None:
    before = open_files()
    guest = FakeGuest()
    guest.apps[GUEST_PORT] = echo
    rig = Rig(guest)
    rig.run_until(rig.listening)
    client, _ = connected(rig)
    address = rig.bridge._tcp[0].sock.getsockname()
    rig.bridge.close()
    with client, pytest.raises(ConnectionResetError):
        client.recv(1)
    assert open_files() == before
    assert rig.bridge.connections == 0
    with socket.socket() as late, pytest.raises(ConnectionRefusedError):
        late.connect(address)


def test_timers_of_the_host_are_the_bridges() -> None:
    guest = FakeGuest()
    rig = Rig(guest)
    assert rig.bridge.poll_at() == INTERVAL_FIRST, "the second probe"
    guest.apps[GUEST_PORT] = echo
    rig.run_until(rig.listening)
    assert rig.bridge.poll_at() is None, "the guest listens"
    rig.bridge.close()
