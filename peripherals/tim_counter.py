# SPDX-License-Identifier: GPL-2.0-or-later
"""The counting unit of a timer (RM0090 section 17.3.1-17.3.2), advanced over any stretch of its clock in one go."""

from __future__ import annotations

UPDATE = 1  # `events` bit 0; bit n is a match of channel n, as in SR
ALL_EVENTS = 0x1F
CHANNELS = 4


class Counter:
    """Prescaler, counter, auto-reload, repetition counter and four compare values.

    `psc`, `arr` and `ccr` are as programmed; `psc_now`, `arr_now` and `ccr_now` are at work. An update event makes the
    former the latter. `events` collects what happened until somebody clears it.

    Args:
        top: the largest value, 0xFFFF or 0xFFFF_FFFF.
    """

    def __init__(self, top: int) -> None:
        self.top = top
        self.running = False
        self.value = 0
        self.phase = 0  # of the prescaler
        self.down = False
        self.centre = 0  # CR1.CMS: in the centre-aligned modes, whose matches count: 1 down, 2 up, 3 both
        self.one_pulse = False
        self.update_disabled = False
        self.psc = self.psc_now = 0
        self.arr = self.arr_now = top
        self.ccr = [0] * CHANNELS
        self.ccr_now = [0] * CHANNELS
        self.rcr = self.repetitions = 0
        self.events = 0

    def run(self, ticks: int) -> None:
        """Let `ticks` of the timer's clock pass. With an auto-reload value of 0 the counter is blocked."""
        while self.running and self.arr_now:
            divider = self.psc_now + 1
            distance = self._distance()
            if (self.phase + ticks) // divider < distance:
                self._walk((self.phase + ticks) // divider)
                self.phase = (self.phase + ticks) % divider
                return
            ticks -= distance * divider - self.phase
            self.phase = 0
            self._walk(distance - 1)
            self._turn()
            ticks -= self._skip(ticks)

    def next_edge(self, wanted: int) -> int | None:
        """Ticks to the next match in `wanted` (bits as in `events`) or the next turn, whichever is first."""
        if not self.running or not self.arr_now:
            return None
        distance = self._distance()
        for channel in range(CHANNELS):
            ahead = self.value - self.ccr_now[channel] if self.down else self.ccr_now[channel] - self.value
            if wanted >> channel & 2 and 0 < ahead < distance:
                distance = ahead
        return distance * (self.psc_now + 1) - self.phase

    def generate_update(self) -> None:
        """What EGR.UG does: start over, with the buffered values unless UDIS forbids (section 17.4.6)."""
        self.phase = 0
        self._update()
        if self.centre:
            self.down = False
        self.value = self.arr_now if self.down else 0

    def _distance(self) -> int:
        """Steps to the turn, 1 or more: the overflow or underflow, or the wrap of a counter beyond its reload value."""
        if self.centre:
            return max(1, self.value if self.down else self.arr_now - self.value)
        if self.down:
            return self.value + 1
        return (self.arr_now if self.value <= self.arr_now else self.top) - self.value + 1

    def _walk(self, steps: int) -> None:
        """Steps short of the turn."""
        if not steps:
            return
        low, high = (self.value - steps, self.value - 1) if self.down else (self.value + 1, self.value + steps)
        self.value = low if self.down else high
        if self.centre and not self.centre & (1 if self.down else 2):
            return
        for channel in range(CHANNELS):
            if low <= self.ccr_now[channel] <= high:
                self.events |= 2 << channel

    def _turn(self) -> None:
        """The step that ends a ramp. A compare value beyond the reload value matches here (section 17.4.13, CCR1)."""
        wrapped = not self.centre and not self.down and self.value > self.arr_now
        if not wrapped:
            self._overflow()
        if self.centre:
            self.down = not self.down
        self.value = self.arr_now if self.down else 0
        for channel in range(CHANNELS):
            if self.ccr_now[channel] == self.value or (self.ccr_now[channel] > self.arr_now and not wrapped):
                self.events |= 2 << channel

    def _overflow(self) -> None:
        if self.repetitions:
            self.repetitions -= 1
            return
        self._update()
        if self.one_pulse and not self.update_disabled:
            self.running = False

    def _update(self) -> None:
        self.repetitions = self.rcr
        if self.update_disabled:
            return
        self.psc_now, self.arr_now, self.ccr_now = self.psc, self.arr, list(self.ccr)
        self.events |= UPDATE

    def _skip(self, ticks: int) -> int:
        """Right after a turn: the ticks of all whole rounds within `ticks`, if each is like the other."""
        settled = self.psc == self.psc_now and self.arr == self.arr_now and self.ccr == self.ccr_now
        alike = self.update_disabled or (settled and not self.one_pulse)  # the update of a pulse is its last
        if not (self.running and alike) or self.repetitions > self.rcr or not self.arr_now:
            return 0
        ramp = (self.arr_now + (not self.centre)) * (self.psc_now + 1)
        cycle = ramp * (self.rcr + 1) * (2 if self.centre else 1)
        rounds = ticks // cycle
        if rounds:
            self.events |= ALL_EVENTS & ~(UPDATE if self.update_disabled else 0)
        return rounds * cycle
