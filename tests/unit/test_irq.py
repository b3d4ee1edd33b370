# SPDX-License-Identifier: GPL-2.0-or-later
"""Interrupt lines pass on changes of level and nothing else."""

from __future__ import annotations

from functools import partial

from stm32emu.peripherals.irq import IrqLine, SharedIrq, Trigger


def test_a_line_tells_changes_only() -> None:
    heard: list[bool] = []
    line = IrqLine(heard.append)
    for level in (0, 1, 0x80, True, 0, False):
        line.set(level)
    line.pulse()
    assert heard == [True, False, True, False]
    assert line.level is False


def test_a_shared_line_is_high_while_any_input_is() -> None:
    heard: list[bool] = []
    shared = SharedIrq(IrqLine(heard.append))
    first, second = shared.line(), shared.line()
    first.set(1)
    second.set(1)
    first.set(0)
    assert heard == [True]
    second.set(0)
    assert heard == [True, False]


def test_a_trigger_tells_its_source_whether_anybody_waits() -> None:
    """Before somebody takes it as well, so that the source can settle what happened until then."""
    wanted: list[bool] = []
    pulses: list[int] = []
    trigger = Trigger(lambda: wanted.append(trigger.wanted))
    trigger.pulse()
    take = partial(pulses.append, 1)
    trigger.take(take)
    trigger.pulse()
    trigger.drop(take)
    trigger.pulse()
    assert (wanted, pulses) == ([False, True, False], [1])
