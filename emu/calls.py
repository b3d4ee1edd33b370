# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls of the firmware's functions from entry to return, seen from outside (`_core_calls.c`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from stm32emu._core import Calls
from stm32emu.machine import Machine


class Interest(IntEnum):
    """Which events of a function are wanted."""

    ALL = 0
    """every call and its return"""
    FAILURES = 1
    """returns with a result from -0x7fff to -2, and of calls inside of which another followed call ended like that"""


class Event(IntEnum):
    """What a call did."""

    ENTERED = 0
    RETURNED = 1


@dataclass(frozen=True, slots=True)
class Call:
    """One call, told about at its entry or its return.

    Args:
        number: counts the run's calls from 1; the same at entry and return.
        outer: number of the innermost followed call around it in the same task, 0 without one.
        function: where the function starts.
        returns_to: the address behind the call.
        result: r0 at the return, 0 at the entry.
    """

    number: int
    outer: int
    function: int
    returns_to: int
    result: int

    @property
    def code(self) -> int:
        """The result as a signed number."""
        return self.result - (self.result >> 31 << 32)


class FollowedCalls:
    """Follows the calls of `functions`, by address. One costs 0.2 microseconds, besides what `heard` does.

    Args:
        heard: takes the events wanted, while the CPU stands at the function's start or at `returns_to`.
    """

    def __init__(
        self, machine: Machine, functions: Mapping[int, Interest], heard: Callable[[Event, Call], None]
    ) -> None:
        self._heard = heard
        self._calls = Calls(machine.cpu, list(functions.items()), self._event)
        machine.reset_listeners.append(lambda _cause: self._calls.clear())

    def _event(self, event: int, number: int, outer: int, function: int, returns_to: int, result: int) -> None:
        self._heard(Event(event), Call(number, outer, function, returns_to, result))
