# SPDX-License-Identifier: GPL-2.0-or-later
"""Parts of some bytes that a capture lacks. The bytes themselves are zeros there, so that offsets stay true."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Holes:
    """Ranges [start, end) in ascending order."""

    ranges: tuple[tuple[int, int], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def add(self, start: int, end: int) -> Holes:
        """With one more behind the last."""
        return Holes((*self.ranges, (start, end)))

    def part(self, start: int, end: int | None) -> Holes:
        """Those of a part, counted from its start."""
        if not self.ranges:
            return NO_HOLES
        cut = ((max(a, start), b if end is None else min(b, end)) for a, b in self.ranges)
        return Holes(tuple((a - start, b - start) for a, b in cut if a < b))

    def shifted(self, by: int) -> Holes:
        """The same, further back by so many bytes."""
        return Holes(tuple((a + by, b + by) for a, b in self.ranges)) if self.ranges else NO_HOLES

    def __add__(self, later: Holes) -> Holes:
        return Holes(self.ranges + later.ranges) if later.ranges else self

    def touch(self, start: int, end: int) -> bool:
        """Whether anything from `start` to `end` is missing."""
        return any(a < end and start < b for a, b in self.ranges)


NO_HOLES = Holes()
