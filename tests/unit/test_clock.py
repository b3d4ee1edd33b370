# SPDX-License-Identifier: GPL-2.0-or-later
"""The event queue's order and cancellation, and the conversion of bus clocks to cycles."""

from __future__ import annotations

from stm32emu.peripherals.clock import Clock, ClockTree, ManualClock


def test_events_run_in_order_of_due_cycle_then_of_scheduling() -> None:
    clock, ran = ManualClock(), []
    for name, cycles in (("c", 20), ("a", 10), ("b", 10), ("now", -5)):
        clock.after(cycles, lambda name=name: ran.append((name, clock.now)))
    clock.advance(19)
    assert ran == [("now", 0), ("a", 10), ("b", 10)]
    clock.advance(1)
    assert ran[-1] == ("c", 20)
    assert clock.next_due() is None


def test_an_action_may_schedule_more_and_they_run_in_the_same_call() -> None:
    clock, ran = ManualClock(), []

    def again() -> None:
        ran.append(clock.now)
        if len(ran) < 3:
            clock.after(5 if len(ran) == 1 else 0, again)

    clock.after(5, again)
    clock.advance(100)
    assert ran == [5, 10, 10]


def test_a_cancelled_event_does_not_run_and_is_not_due() -> None:
    clock, ran = ManualClock(), []
    first = clock.after(5, lambda: ran.append("first"))
    second = clock.after(6, lambda: ran.append("second"))
    first.cancel()
    assert (first.pending, second.pending, clock.next_due()) == (False, True, 6)
    clock.advance(10)
    second.cancel()
    assert (ran, second.pending) == (["second"], False)


def test_an_event_is_not_pending_while_it_runs() -> None:
    clock, seen = ManualClock(), []
    event = clock.after(1, lambda: seen.append(event.pending))
    clock.advance(1)
    assert seen == [False]


def test_the_machine_hears_of_earlier_events_only() -> None:
    told: list[int] = []
    clock = Clock(lambda: 100, told.append)
    for due in (500, 700, 300, 300):
        clock.at(due, lambda: None)
    assert told == [500, 300]


def test_an_event_in_the_past_runs_at_once() -> None:
    clock = ManualClock()
    clock.advance(50)
    ran: list[int] = []
    clock.at(10, lambda: ran.append(clock.now))
    clock.run_due()
    assert ran == [50]


def test_ticks_become_cycles_rounded_up() -> None:
    tree = ClockTree()
    assert tree.cycles(1, 16_000_000) == 1
    assert tree.cycles(1, 48_000_000) == 1
    assert tree.cycles(40, 48_000_000) == 14
    tree.hclk = 168_000_000
    assert tree.cycles(40, 48_000_000) == 140
    assert tree.cycles(1, 32_000) == 5250


def test_listeners_hear_changes_in_order() -> None:
    tree, heard = ClockTree(), []
    tree.listeners += [lambda: heard.append(1), lambda: heard.append(2)]
    tree.changed()
    assert heard == [1, 2]
