# SPDX-License-Identifier: GPL-2.0-or-later
"""The timer's counter, which leaps, against one that takes every tick."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from stm32emu.peripherals.tim_counter import Counter

TOP = 15  # a four-bit timer: every corner is near


@dataclass
class Walker:
    """A counter that takes each tick, written from the manual's timing diagrams."""

    psc: int
    arr: int
    ccr: list[int]
    rcr: int
    centre: int
    down: bool
    one_pulse: bool
    update_disabled: bool
    value: int
    running: bool = True
    phase: int = 0
    repetitions: int = 0
    events: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.now = (self.psc, self.arr, list(self.ccr))

    def tick(self) -> None:
        if not self.running or not self.now[1]:
            return
        self.phase += 1
        if self.phase > self.now[0]:
            self.phase = 0
            self.step()

    def step(self) -> None:
        arr = self.now[1]
        if self.centre:
            turned = self.value <= 1 if self.down else self.value >= arr - 1
        else:
            turned = self.value == (0 if self.down else arr)
        if turned:
            self.turn()
        else:
            self.value = (self.value + (-1 if self.down else 1)) & TOP
        for channel, compare in enumerate(self.now[2]):
            counted = turned or not self.centre or self.centre & (1 if self.down else 2)
            if (self.value == compare and counted) or (turned and compare > self.now[1]):
                self.events.add(f"match {channel}")

    def turn(self) -> None:
        if self.repetitions:
            self.repetitions -= 1
        else:
            self.repetitions = self.rcr
            if not self.update_disabled:
                self.now = (self.psc, self.arr, list(self.ccr))
                self.events.add("update")
                self.running = not self.one_pulse
        if self.centre:
            self.down = not self.down
        self.value = self.now[1] if self.down else 0


small = st.integers(0, TOP)
walkers = st.builds(
    Walker, psc=st.integers(0, 2), arr=small, ccr=st.lists(small, min_size=4, max_size=4), rcr=st.integers(0, 2),
    centre=st.integers(0, 3), down=st.booleans(), one_pulse=st.booleans(), update_disabled=st.booleans(), value=small,
    repetitions=st.integers(0, 2),
)  # fmt: skip
changes = st.tuples(st.sampled_from(["run", "psc", "arr", "ccr"]), st.integers(0, 400))


def leaper(walker: Walker) -> Counter:
    counter = Counter(TOP)
    counter.psc = counter.psc_now = walker.psc
    counter.arr = counter.arr_now = walker.arr
    counter.ccr, counter.ccr_now = list(walker.ccr), list(walker.ccr)
    counter.rcr, counter.centre, counter.down = walker.rcr, walker.centre, walker.down
    counter.one_pulse, counter.update_disabled = walker.one_pulse, walker.update_disabled
    counter.value, counter.running, counter.repetitions = walker.value, True, walker.repetitions
    return counter


def names(events: int) -> set[str]:
    return {name for bit, name in enumerate(["update", *(f"match {n}" for n in range(4))]) if events >> bit & 1}


def state(each: Walker | Counter) -> tuple[int, ...]:
    return (each.value, each.phase, each.down, each.running, each.repetitions)


def usable(walker: Walker) -> bool:
    """Without a counter beyond its reload value in the centre-aligned modes, where the manual is silent."""
    return not walker.centre or walker.value <= walker.arr


def test_a_pulse_that_begins_beyond_the_reload_value_ends_with_the_first_update() -> None:
    walker = Walker(0, 1, [0] * 4, 0, 0, down=False, one_pulse=True, update_disabled=False, value=2)
    counter = leaper(walker)
    counter.run(TOP - 1)
    assert (counter.running, counter.value, counter.events & 1) == (True, 0, 0)
    counter.run(2)
    assert (counter.running, counter.value, counter.events & 1) == (False, 0, 1)
    whole = leaper(walker)
    whole.run(100)
    assert state(whole) == state(counter)


@settings(max_examples=400)
@given(walkers.filter(usable), st.lists(changes, max_size=8))
def test_leaps_are_walks(walker: Walker, script: list[tuple[str, int]]) -> None:
    counter = leaper(walker)
    for what, amount in script:
        if what == "run":
            counter.run(amount)
            for _ in range(amount):
                walker.tick()
        elif what == "psc":
            walker.psc = counter.psc = amount % 3
        elif what == "arr" and not walker.centre:
            walker.arr = counter.arr = amount % (TOP + 1)
        elif what == "ccr":
            walker.ccr = [(amount + n) % (TOP + 1) for n in range(4)]
            counter.ccr = list(walker.ccr)
        assert state(counter) == state(walker)
        assert names(counter.events) == walker.events


@settings(max_examples=200)
@given(walkers.filter(usable), st.integers(0, 40), st.integers(0, 31))
def test_nothing_wanted_happens_before_the_next_edge(walker: Walker, before: int, wanted: int) -> None:
    counter = leaper(walker)
    counter.run(before)
    counter.events = 0
    edge = counter.next_edge(wanted)
    if edge is None:
        counter.run(1000)
        assert not counter.events
        return
    counter.run(edge - 1)
    assert not counter.events & wanted
