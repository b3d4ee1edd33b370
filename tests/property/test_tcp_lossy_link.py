# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP over a link that loses, repeats and reorders: bytes arrive exactly, both directions finish, nothing hangs."""

from __future__ import annotations

from ipaddress import IPv4Address
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossy_link import LossyLink, StopAndWait
from stm32emu.netbridge.reassembly import Reassembler
from stm32emu.netbridge.tcp import Tcp
from stm32emu.netbridge.tcp_receive import ReceiveBuffer
from stm32emu.netbridge.tcp_state import State, unwrap, wrap
from stm32emu.netbridge.wire.ipv4 import Ipv4Packet

SECOND = 1_000_000_000


class Application:
    """Sends `data` in random portions and reads in random portions through one connection."""

    def __init__(self, tcp: Tcp, data: bytes, random: Random) -> None:
        self.tcp = tcp
        self.received = bytearray()
        self._data = data
        self._random = random

    def run(self) -> None:
        """One turn."""
        if self._random.random() < 0.5:
            count = self.tcp.send(self._data[: self._random.randrange(1, 4000)])
            self._data = self._data[count:]
        if self._random.random() < 0.5:
            with self.tcp.peek() as ready:
                portion = bytes(ready[: self._random.randrange(1, 4000)])
            self.tcp.consume(len(portion))
            self.received += portion
        if not self._data:
            self.tcp.shutdown()

    @property
    def done(self) -> bool:
        """Everything sent and everything read."""
        return not self._data and self.tcp.peer_finished and not self.tcp.readable


def drive(link: LossyLink, *applications: Application) -> None:
    """Until the applications are done and both ends have no more to do but wait."""
    for _ in range(100_000):
        for application in applications:
            application.run()
        moved = link.step()
        if not moved and all(application.done for application in applications):
            return
        if not moved:
            link.now += 1_000_000
    raise AssertionError("the transfer hangs")


@pytest.mark.parametrize("seed", range(30))
def test_against_itself(seed: int) -> None:
    random = Random(seed)
    sizes = [random.choice([0, 1, 1000, 30_000, 100_000]) for _ in range(2)]
    data = [random.randbytes(size) for size in sizes]
    buffers = [random.choice([500, 3000, 20_000, 65535]) for _ in range(2)]
    active = Tcp(1, 2, iss=2**32 - random.randrange(1, 50_000), buffer=buffers[0])
    passive = Tcp(2, 1, iss=random.getrandbits(32), buffer=buffers[1], mss=random.choice([536, 1460]))
    passive.listen()
    active.connect()
    link = LossyLink((active, passive), seed, misery=random.choice([0, 0.05, 0.15]))
    client, server = Application(active, data[0], random), Application(passive, data[1], random)
    drive(link, client, server)
    assert bytes(server.received) == data[0]
    assert bytes(client.received) == data[1]
    assert (active.state, passive.state) == (State.CLOSED, State.CLOSED)
    assert (active.ending, passive.ending) == (None, None)


@pytest.mark.parametrize("seed", range(30))
def test_against_a_simple_model(seed: int) -> None:
    random = Random(seed)
    data = [random.randbytes(random.choice([0, 1, 99, 100, 101, 5000])) for _ in range(2)]
    model = StopAndWait(data[1], isn=random.getrandbits(32), size=random.choice([64, 100]))
    tcp = Tcp(1, 2, iss=2**32 - random.randrange(1, 3000), buffer=random.choice([300, 65535]))
    tcp.connect()
    link = LossyLink((tcp, model), seed, misery=random.choice([0, 0.05, 0.15]))
    client = Application(tcp, data[0], random)
    drive(link, client)
    assert model.received == data[0]
    assert bytes(client.received) == data[1]
    assert (tcp.state, tcp.ending, model.done, model.peer_finished) == (State.CLOSED, None, True, True)


def test_the_link_does_lose_and_the_same_seed_gives_the_same_run() -> None:
    runs = []
    for _ in range(2):
        model = StopAndWait(bytes(5000))
        tcp = Tcp(1, 2, iss=5)
        tcp.connect()
        link = LossyLink((tcp, model), 3, misery=0.15)
        drive(link, Application(tcp, bytes(5000), Random(3)))
        runs.append((link.now, link.dropped))
    assert runs[0] == runs[1]
    assert runs[0][1] > 10


def test_throughput_is_bounded_by_the_window_and_not_by_us() -> None:
    """A clean link of 1 ms each way carries a window per round trip once slow start is over."""
    active, passive = Tcp(1, 2, iss=1), Tcp(2, 1, iss=2)
    passive.listen()
    active.connect()
    link = LossyLink((active, passive), 0, misery=0)
    received, size = 0, 3_000_000
    sent = 0
    while received < size:
        sent += active.send(bytes(min(65535, size - sent)))
        received += passive.readable
        passive.consume(passive.readable)
        assert link.step()
    assert link.now < size / 65535 * 2_000_000 * 1.5 + 20_000_000


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.data())
def test_receive_buffer_is_exact_for_any_cut_and_order(isn: int, data: st.DataObject) -> None:
    """Random overlapping pieces of a stream in random order, never beyond what has room; then the rest in order."""
    stream = Random(isn).randbytes(300)
    buffer = ReceiveBuffer(isn, 300, 50)
    pieces = st.lists(st.tuples(st.integers(0, 299), st.integers(1, 80)), max_size=30)
    taken = b""
    for at, size in [*data.draw(pieces), *((at, 10) for at in range(0, 300, 10))]:
        buffer.accept(isn + at, stream[at : at + size], at + size >= 300)
        with buffer.peek() as ready:
            assert stream.startswith(taken + bytes(ready))
            portion = bytes(ready[: data.draw(st.integers(0, len(ready)))])
        buffer.consume(len(portion))
        taken += portion
    with buffer.peek() as ready:
        assert taken + bytes(ready) == stream
    assert buffer.finished
    assert buffer.nxt == isn + 301


@given(st.integers(0, 2**40), st.integers(-(2**31), 2**31 - 1))
def test_unwrap_inverts_wrap_within_half_the_space(near: int, offset: int) -> None:
    assert unwrap(wrap(near + offset), near) == near + offset


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=3000), st.integers(68, 600), st.data())
def test_fragments_in_any_order_and_repeated_make_the_packet(payload: bytes, mtu: int, data: st.DataObject) -> None:
    packet = Ipv4Packet(IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"), 17, payload, 1234)
    *others, last = data.draw(st.permutations(packet.fragments(mtu)))
    repeated = data.draw(st.lists(st.sampled_from(others), max_size=3)) if others else []
    reassembler = Reassembler()
    assert [reassembler.receive(piece, 0) for piece in others + repeated] == [None] * (len(others) + len(repeated))
    assert reassembler.receive(last, 0) == packet
