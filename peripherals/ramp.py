# SPDX-License-Identifier: GPL-2.0-or-later
"""A count that moves with time, described so that the core can serve its reads without asking the model each time."""

from __future__ import annotations

import struct
from array import array

FIELDS = 9
UNTIL = 1
LONGEST = 1 << 32
"""Cycles for which a description may hold: the core multiplies them by a frequency, in 64 bits."""


class Ramp:
    """From one cycle to another a count is `start + step * ((phase + ticks) // divider)`, where `ticks` are those of a
    clock of `hz` beside the CPU's of `cpu_hz`. `words` is what the core reads."""

    def __init__(self) -> None:
        self.words = array("q", bytes(8 * FIELDS))

    def forget(self) -> None:
        """The description no longer holds."""
        self.words[UNTIL] = 0

    def describe(
        self, *, since: int, until: int | None, hz: int, cpu_hz: int, phase: int, divider: int, start: int, step: int
    ) -> None:
        """What holds from cycle `since`; an `until` of None is never. `phase` are ticks since the count changed."""
        end = since + LONGEST if until is None else min(until, since + LONGEST)
        rest = since * hz % cpu_hz  # of a tick
        struct.pack_into(f"={FIELDS}q", self.words, 0, since, end, hz, cpu_hz, rest, phase, divider, start, step)
