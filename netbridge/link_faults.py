# SPDX-License-Identifier: GPL-2.0-or-later
"""What a bad cable does to frames: each fault is a stage of the link that takes frames in and gives them out.

Stages are sans-IO as everything here, and deterministic: chance comes from the generator that they are given. A stage
that is not `active` passes frames on as they are, but still gives out what it holds, in order.
"""

from __future__ import annotations

from collections import deque
from random import Random
from typing import NamedTuple

REORDER_PATIENCE = 10_000_000
"""Nanoseconds that a frame is held back for the next one to overtake it; well below any retransmission timer."""


class Frame(NamedTuple):
    """A frame under way; a `damaged` one has a bad FCS, so the first MAC it reaches drops it."""

    data: bytes
    damaged: bool = False


class LinkFault:
    """A stage. `count` says how many frames it did something to."""

    def __init__(self) -> None:
        self.active = False
        self.count = 0
        self._out: deque[Frame] = deque()

    def receive(self, frame: Frame, now: int) -> None:
        """The frame enters at `now`, virtual nanoseconds."""
        if self.active:
            self._disturb(frame, now)
        else:
            self._out.append(frame)

    def take_output(self, now: int) -> list[Frame]:
        """The frames that leave by `now`."""
        frames = list(self._out)
        self._out.clear()
        return frames

    def poll_at(self) -> int | None:
        """When the next frame leaves by itself."""
        return None

    def _disturb(self, frame: Frame, now: int) -> None:
        raise NotImplementedError


class Chance(LinkFault):
    """Does something to a share of the frames, each with the same `probability`."""

    def __init__(self, probability: float, random: Random) -> None:
        super().__init__()
        self._probability = probability
        self._random = random

    def _disturb(self, frame: Frame, now: int) -> None:
        if self._random.random() < self._probability:
            self.count += 1
            self._strike(frame, now)
        else:
            self._out.append(frame)

    def _strike(self, frame: Frame, now: int) -> None:
        raise NotImplementedError


class Loss(Chance):
    """Frames vanish."""

    def _strike(self, frame: Frame, now: int) -> None:
        pass


class Corruption(Chance):
    """A bit flips on the cable, after the sender computed the FCS: the receiving MAC sees that they do not fit."""

    def _strike(self, frame: Frame, now: int) -> None:
        data = bytearray(frame.data)
        bit = self._random.randrange(8 * len(data))
        data[bit >> 3] ^= 1 << (bit & 7)
        self._out.append(Frame(bytes(data), damaged=True))


class Reorder(Chance):
    """A frame swaps places with the next, or leaves alone when none comes within REORDER_PATIENCE."""

    def __init__(self, probability: float, random: Random) -> None:
        super().__init__(probability, random)
        self._held: tuple[int, Frame] | None = None

    def receive(self, frame: Frame, now: int) -> None:
        """See LinkFault; the one overtaken is never held back again."""
        if self._held is None:
            super().receive(frame, now)
        else:
            self._out.append(frame)
            self._let_go()

    def take_output(self, now: int) -> list[Frame]:
        """See LinkFault."""
        if self._held is not None and now >= self._held[0]:
            self._let_go()
        return super().take_output(now)

    def poll_at(self) -> int | None:
        """See LinkFault."""
        return self._held[0] if self._held else None

    def _let_go(self) -> None:
        if self._held is not None:
            self._out.append(self._held[1])
            self._held = None

    def _strike(self, frame: Frame, now: int) -> None:
        self._held = now + REORDER_PATIENCE, frame


class Delay(LinkFault):
    """Every frame takes `delay` nanoseconds longer, and none overtakes another, not even when the fault ends."""

    def __init__(self, delay: int) -> None:
        super().__init__()
        self._delay = delay
        self._flying: deque[tuple[int, Frame]] = deque()

    def receive(self, frame: Frame, now: int) -> None:
        """See LinkFault."""
        due = now + self._delay if self.active else now
        self.count += self.active
        if self._flying:
            due = max(due, self._flying[-1][0])
        self._flying.append((due, frame))

    def take_output(self, now: int) -> list[Frame]:
        """See LinkFault."""
        frames = []
        while self._flying and self._flying[0][0] <= now:
            frames.append(self._flying.popleft()[1])
        return frames

    def poll_at(self) -> int | None:
        """See LinkFault."""
        return self._flying[0][0] if self._flying else None
