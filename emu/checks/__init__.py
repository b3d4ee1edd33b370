# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks of a firmware from outside, without recompiling it: `--check alloc,heap,stack`, and slower `heap=exact`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stm32emu.checks.finding import Findings
from stm32emu.checks.heap import HeapChecks
from stm32emu.checks.scene import Scene
from stm32emu.checks.stack import StackCheck
from stm32emu.machine import Machine
from stm32emu.netbridge.link import Link


class Checks:
    """The checks of one run.

    Args:
        names: "alloc" for what allocators promise (zeroed memory from calloc, no overflow of count * size, memory at
            all), "heap" for double frees, frees of wild pointers, writes around blocks and to freed memory,
            "heap=exact" for the same with the instruction that does it, "stack" for stacks that run below their limit.
        log: takes each finding when it is first met, as text of a few lines.
    """

    def __init__(self, names: Sequence[str], machine: Machine, link: Link, log: Callable[[str], None]) -> None:
        self.names = tuple(names)
        self.findings = Findings(log)
        self._stack: StackCheck | None = None
        if not names:
            return
        scene = Scene(machine, link)
        if {"alloc", "heap", "heap=exact"} & set(names):
            self._follow_heap(names, machine, scene, log)
        if "stack" in names:
            self._stack = StackCheck(machine.cpu, machine.firmware.initial_sp, scene, self.findings)

    def _follow_heap(self, names: Sequence[str], machine: Machine, scene: Scene, log: Callable[[str], None]) -> None:
        heap = HeapChecks(names, machine, scene, self.findings)
        machine.reset_listeners.append(heap.reset)
        if not heap.allocators:
            log(f"--check {','.join(names)}: the firmware has no symbols of an allocator that is known")

    def summary(self) -> list[str]:
        """What there is to say at the end of the run, a line each."""
        return [*self.findings.summary(), *(self._stack.summary() if self._stack else [])]
