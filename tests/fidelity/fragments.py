# SPDX-License-Identifier: GPL-2.0-or-later
"""Fragments: a few instructions each, from which fuzz programs are put together.

A fragment uses r0 to r3 within itself only, so that handlers and task switches may come between any two. The macros it
is written in (put, set, expect, note, frame) are those of runtime.s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

IRQS = (0, 1, 2, 3, 4, 5, 17, 30)
NMI, HARDFAULT, MEMMANAGE, BUSFAULT, USAGEFAULT, SVCALL, PENDSV, SYSTICK = 2, 3, 4, 5, 6, 11, 14, 15
SYSTEM = (NMI, HARDFAULT, MEMMANAGE, BUSFAULT, USAGEFAULT, SVCALL, PENDSV, SYSTICK)
CONFIGURABLE = (MEMMANAGE, BUSFAULT, USAGEFAULT, SVCALL, PENDSV, SYSTICK)
IRQ0 = 16

Lines = Sequence[str]


@dataclass(frozen=True)
class Fragment:
    """`lines` of assembler under the `name` of the kind they are of."""

    name: str
    lines: tuple[str, ...]


@dataclass
class Place:
    """Where a fragment goes: into the body of the handler of `exception`, or into a thread (0)."""

    rng: Random
    exception: int = 0
    priorities: Sequence[int] = (0x00, 0x40, 0x80, 0xC0)
    """the values that the program's priorities and masks are taken from"""
    unprivileged: bool = False
    """the thread may find itself without privilege here"""


Make = Callable[[Place], Lines]


@dataclass(frozen=True)
class Kind:
    """A kind of fragment: how to make one, how often compared with others, and where it may stand."""

    make: Make
    weight: float
    fits: Callable[[Place], bool] = field(default=lambda place: True)

    @property
    def name(self) -> str:
        """The maker's name."""
        return self.make.__name__


KINDS: dict[str, Kind] = {}
"""All kinds by name; the modules that make fragments fill it by the decorator `kind`."""


def kind(weight: float, fits: Callable[[Place], bool] = lambda place: True) -> Callable[[Make], Make]:
    """Register a maker of fragments."""

    def register(make: Make) -> Make:
        KINDS[make.__name__] = Kind(make, weight, fits)
        return make

    return register


def in_thread(place: Place) -> bool:
    """For threads only."""
    return place.exception == 0


def in_handler(place: Place) -> bool:
    """For handlers only."""
    return place.exception != 0


def may_fault(place: Place) -> bool:
    """Everywhere but in NMI and HardFault, where a fault is a lockup; there it is to be rare."""
    return place.exception not in (NMI, HARDFAULT) or place.rng.random() < 0.03


def guarded(place: Place, lines: Lines) -> Lines:
    """Accesses to the system control space, which fault in an unprivileged thread: then they are expected to."""
    return ["expect 9f", *lines, "9:", "expect_end"] if place.unprivileged and place.exception == 0 else lines
