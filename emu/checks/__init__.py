# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks of a firmware from outside, without recompiling it: `--check alloc,heap,stack`, `heap=exact`, `uninit`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stm32emu.allocators import Contract, find_functions
from stm32emu.checks.heap import HeapChecks
from stm32emu.checks.stack import StackCheck
from stm32emu.errors import UserError
from stm32emu.findings import Findings
from stm32emu.machine import Machine
from stm32emu.option_words import ALLOCATOR_CHECKS
from stm32emu.scene import Scene

NOTHING = (
    "has no allocator of a known name, so nothing is followed; name its functions, as in "
    "--allocator my_alloc=malloc --allocator my_free=free (an ELF that was stripped has no names at all)"
)


class Checks:
    """The checks of one run.

    Args:
        names: "alloc" for what allocators promise (zeroed memory from calloc, no overflow of count * size, memory at
            all), "heap" for double frees, frees of wild pointers, writes around blocks and to freed memory, leaks,
            "heap=exact" for the same with the instruction that does it, "uninit" for values that decide something and
            were never written, "stack" for stacks that run below their limit.
        findings: takes what they find.
        allocators: functions that only the user knows. Raises UserError for one that the firmware has not.
    """

    def __init__(
        self,
        names: Sequence[str],
        machine: Machine,
        scene: Scene,
        findings: Findings,
        allocators: Mapping[str, Contract],
    ) -> None:
        self._heap: HeapChecks | None = None
        self._stack: StackCheck | None = None
        if set(ALLOCATOR_CHECKS) & set(names):
            _require(allocators, machine)
            self._heap = HeapChecks(names, machine, scene, findings, allocators)
            machine.reset_listeners.append(self._heap.reset)
            if not self._heap.allocators:
                findings.log(f"--check {','.join(names)}: {machine.firmware.path.name} {NOTHING}")
        if "stack" in names:
            self._stack = StackCheck(machine.cpu, machine.firmware.initial_sp, scene, findings)

    def finish(self) -> None:
        """The run is over."""
        if self._heap:
            self._heap.finish()

    def summary(self) -> list[str]:
        """What there is to say at the end of the run, a line each."""
        checks = [check for check in (self._heap, self._stack) if check]
        return [line for check in checks for line in check.summary()]

    def marks(self) -> dict[str, Any]:
        """How much of "heap" and "stacks" was used at most, for JSON."""
        marks: dict[str, Any] = {}
        if self._heap:
            marks["heap"] = self._heap.marks()
        if self._stack:
            marks["stacks"] = self._stack.marks()
        return marks


def _require(allocators: Iterable[str], machine: Machine) -> None:
    for name in allocators:
        if not find_functions(machine.symbols, [name]):
            raise UserError(f"--allocator {name}: {machine.firmware.path.name} has no function of that name")
