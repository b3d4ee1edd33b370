# SPDX-License-Identifier: GPL-2.0-or-later
"""Properties of faulty cables: frames are conserved, rates are what was asked for, chance is the seed's, and TCP still
delivers every byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from ipaddress import IPv4Address
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stm32emu.netbridge.link import Direction, Link
from stm32emu.netbridge.link_faults import Corruption, Delay, LinkFault, Loss, Reorder
from stm32emu.netbridge.tcp import Tcp
from stm32emu.netbridge.wire.tcp import TcpSegment

MS = 1_000_000
HERE, THERE = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")
Make = Callable[[float, Random], LinkFault]
MAKERS: dict[str, Make] = {
    "loss": Loss,
    "reorder": Reorder,
    "corrupt": Corruption,
    "delay": lambda share, random: Delay(round(share * 100 * MS)),
}


class Run:
    """Frames through a cable with the given faults, at the given times; arrivals as (time, frame, damaged)."""

    def __init__(self, faults: list[LinkFault]) -> None:
        self.now = 0
        self.arrivals: list[tuple[int, bytes, bool]] = []
        self.link = Link(lambda frame, bad: self.arrivals.append((self.now, frame, bad)), lambda frame, now: None)
        self.link.lanes[Direction.TO_GUEST].faults += faults
        for fault in faults:
            fault.active = True

    def send(self, frame: bytes, now: int) -> None:
        self.run_until(now)
        self.now = now
        self.link.to_guest(frame, now)

    def run_until(self, end: int) -> None:
        while (due := self.link.poll_at()) is not None and due <= end:
            self.now = due
            self.link.on_timer(due)

    def finish(self) -> list[tuple[int, bytes, bool]]:
        self.run_until(10**18)
        return self.arrivals


gaps = st.lists(st.integers(0, 30 * MS), min_size=1, max_size=60)
chains = st.lists(st.tuples(st.sampled_from(sorted(MAKERS)), st.floats(0.01, 1)), max_size=4)


def play(chain: list[tuple[str, float]], gaps: list[int], seed: int) -> tuple[Run, list[LinkFault]]:
    faults = [MAKERS[kind](share, Random(f"{seed} {n}")) for n, (kind, share) in enumerate(chain)]
    run = Run(faults)
    now = 0
    for n, gap in enumerate(gaps):
        now += gap
        run.send(n.to_bytes(2, "big") * 30, now)
    run.finish()
    return run, faults


@given(chains, gaps, st.integers(0, 1000))
def test_frames_are_conserved(chain: list[tuple[str, float]], gaps: list[int], seed: int) -> None:
    """Nothing is made up, nothing comes twice, and all that is missing was lost."""
    run, faults = play(chain, gaps, seed)
    lost = sum(fault.count for fault in faults if isinstance(fault, Loss))
    assert len(run.arrivals) == len(gaps) - lost
    assert [when for when, _frame, _damaged in run.arrivals] == sorted(when for when, _f, _d in run.arrivals)
    sent = Counter(n.to_bytes(2, "big") * 30 for n in range(len(gaps)))
    intact = Counter(frame for _when, frame, damaged in run.arrivals if not damaged)
    assert not intact - sent
    assert any(kind == "corrupt" for kind, _share in chain) or intact.total() == len(run.arrivals)


@given(chains, gaps, st.integers(0, 1000))
def test_the_same_seed_gives_the_same_arrivals(chain: list[tuple[str, float]], gaps: list[int], seed: int) -> None:
    assert play(chain, gaps, seed)[0].arrivals == play(chain, gaps, seed)[0].arrivals


@given(gaps, st.floats(0.001, 1))
def test_a_delay_keeps_the_order(gaps: list[int], share: float) -> None:
    run, _faults = play([("delay", share), ("delay", share / 2)], gaps, 0)
    frames = [frame for _when, frame, _damaged in run.arrivals]
    assert frames == [n.to_bytes(2, "big") * 30 for n in range(len(gaps))]


@pytest.mark.parametrize("kind", ["loss", "corrupt"])
@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 1.0])
def test_the_rate_is_what_was_asked_for(kind: str, share: float) -> None:
    """Within five standard deviations of the binomial distribution, for this seed and so for ever."""
    count = 10_000
    _run, (fault,) = play([(kind, share)], [MS] * count, 7)
    assert abs(fault.count - share * count) <= 5 * (share * (1 - share) * count) ** 0.5


def test_reordering_swaps_neighbours_only() -> None:
    run, (fault,) = play([("reorder", 0.2)], [MS] * 2000, 3)
    numbers = [int.from_bytes(frame[:2], "big") for _when, frame, _damaged in run.arrivals]
    moved = [(place, number) for place, number in enumerate(numbers) if place != number]
    assert all(abs(place - number) == 1 for place, number in moved)
    assert 200 < fault.count < 500
    assert len(moved) == 2 * fault.count


class Path:
    """Two TCP ends and the cable between them, in virtual time."""

    def __init__(self, chain: list[tuple[str, float]], seed: int, ends: tuple[Tcp, Tcp]) -> None:
        self.now = 0
        self.ends = ends
        self.link = Link(lambda frame, bad: None if bad else self._arrive(1, frame), self._from_guest)
        for way, lane in self.link.lanes.items():
            for kind, share in chain:
                fault = MAKERS[kind](share, Random(f"{seed} {kind} {way}"))
                fault.active = True
                lane.faults.append(fault)

    def _from_guest(self, frame: bytes, _now: int) -> None:
        self._arrive(0, frame)

    def _arrive(self, end: int, frame: bytes) -> None:
        source, target = (THERE, HERE) if end == 0 else (HERE, THERE)
        self.ends[end].receive(TcpSegment.parse(frame, source, target), self.now)

    def step(self) -> bool:
        """Send what there is; if that is nothing, go to the next thing that happens; False when nothing ever will."""
        sent = [segment.emit(HERE, THERE) for segment in self.ends[0].take_output(self.now)]
        answered = [segment.emit(THERE, HERE) for segment in self.ends[1].take_output(self.now)]
        for frame in sent:
            self.link.to_guest(frame, self.now)
        for frame in answered:
            self.link.from_guest(frame, self.now)
        return bool(sent or answered) or self._go_on()

    def _go_on(self) -> bool:
        times = [self.link.poll_at(), *(end.poll_at() for end in self.ends)]
        due = min((time for time in times if time is not None), default=None)
        if due is None:
            return False
        self.now = max(self.now, due)
        self.link.on_timer(self.now)
        for end in self.ends:
            end.on_timer(self.now)
        return True


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "chain",
    [
        [("loss", 0.05)],
        [("reorder", 0.1)],
        [("corrupt", 0.05)],
        [("delay", 0.2)],
        [("loss", 0.02), ("reorder", 0.05), ("corrupt", 0.02), ("delay", 0.1)],
    ],
    ids=lambda chain: "+".join(kind for kind, _share in chain),
)
def test_tcp_delivers_every_byte(chain: list[tuple[str, float]], seed: int) -> None:
    data = Random(seed).randbytes(60_000)
    ends = Tcp(1, 2, iss=1000), Tcp(2, 1, iss=2000)
    ends[1].listen()
    ends[0].connect()
    path = Path(chain, seed, ends)
    received, unsent = bytearray(), data
    while not ends[1].peer_finished or ends[1].readable:
        unsent = unsent[ends[0].send(unsent) :]
        if not unsent:
            ends[0].shutdown()
        with ends[1].peek() as ready:
            received += ready
        ends[1].consume(ends[1].readable)
        assert path.step(), "the transfer hangs"
        assert path.now < 600_000 * MS
    assert bytes(received) == data
