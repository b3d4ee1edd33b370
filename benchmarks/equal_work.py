# SPDX-License-Identifier: GPL-2.0-or-later
"""Images that do a fixed amount of work, here and on QEMU: CPU, interrupts, device registers, cryptography."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.machines import OTHER_UNICORNS, on_qemu, ours
from benchmarks.measure import UNICORN, Row, alone, medians, times

ROWS = {
    "cpu-bignum": "bignum",
    "cpu-memory": "memory",
    "cpu-branch": "branch",
    "cpu-fp": "fp",
    "interrupts": "interrupts",
    "mmio-poll": "mmio_poll",
    "handshake-crypto": "crypto",
}


class Judge:
    """Takes the seconds of runs that must all have the same result: otherwise the work was not equal."""

    def __init__(self) -> None:
        self._results: set[str] = set()

    def __call__(self, run: Callable[[], tuple[float, str]]) -> float:
        seconds, result = run()
        self._results.add(result)
        if len(self._results) > 1:
            raise RuntimeError(f"the machines do not agree on the result: {sorted(self._results)}")
        return seconds


def delay() -> Iterator[Row]:
    """HAL_Delay(10000), skipped: 10 000 ticks of SysTick are left to do."""
    yield alone("delay", medians({"delay": lambda: ours("delay")[0]})["delay"], "s")


def rows(name: str) -> Iterator[Row]:
    """One row for each Unicorn."""
    image, judge = ROWS[name], Judge()
    machines = {UNICORN: partial(ours, image), "qemu": partial(on_qemu, image)}
    machines.update({version: partial(ours, image, folder) for version, folder in OTHER_UNICORNS.items()})
    seconds = medians({machine: partial(judge, run) for machine, run in machines.items()})
    for version in dict.fromkeys((UNICORN, *OTHER_UNICORNS)):
        yield times(name, seconds[version], seconds["qemu"], version)
