# SPDX-License-Identifier: GPL-2.0-or-later
"""Interrupt and event lines: levels, passed on only when they change."""

from __future__ import annotations

from collections.abc import Callable


class IrqLine:
    """A line from a block to an interrupt controller input. `sink(level)` hears every change, nothing else."""

    __slots__ = ("level", "sink")

    def __init__(self, sink: Callable[[bool], None] = lambda level: None) -> None:
        self.level = False
        self.sink = sink

    def set(self, level: int | bool) -> None:
        """Drive the line; any non-zero value is high."""
        level = bool(level)
        if level is not self.level:
            self.level = level
            self.sink(level)

    def pulse(self) -> None:
        """A rising edge and back, for edge-triggered inputs."""
        self.set(True)
        self.set(False)


class SharedIrq:
    """Several block outputs OR-ed onto one controller input (TIM1_UP_TIM10, ADC ...): `line()` gives one input."""

    def __init__(self, target: IrqLine) -> None:
        self._target = target
        self._inputs: list[IrqLine] = []

    def line(self) -> IrqLine:
        """A new input of the OR gate."""
        line = IrqLine(lambda _level: self._target.set(any(each.level for each in self._inputs)))
        self._inputs.append(line)
        return line


class Trigger:
    """A pulse by which one block starts something in others (a timer's TRGO).

    `on_wanted` is called when somebody begins or ceases to wait for it: a source that nobody hears need not keep time.
    """

    def __init__(self, on_wanted: Callable[[], None] = lambda: None) -> None:
        self.on_wanted = on_wanted
        self._takers: list[Callable[[], None]] = []

    @property
    def wanted(self) -> bool:
        """Whether anybody waits for it."""
        return bool(self._takers)

    def take(self, action: Callable[[], None]) -> None:
        """Call `action` at each pulse from now on; the source settles its past before."""
        self.on_wanted()
        self._takers.append(action)
        self.on_wanted()

    def drop(self, action: Callable[[], None]) -> None:
        """No longer."""
        self._takers.remove(action)
        self.on_wanted()

    def pulse(self) -> None:
        """To all takers."""
        for action in tuple(self._takers):
            action()
