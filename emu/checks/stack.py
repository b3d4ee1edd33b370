# SPDX-License-Identifier: GPL-2.0-or-later
"""The check `stack`: the instruction that takes a stack below its limit, and how deep each stack got.

SP is looked at natively (`_core_stack.c`), in the blocks that move it; the guest does not change.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stm32emu.cpu import Cpu
from stm32emu.findings import Finding, Findings
from stm32emu.rtos.freertos import Layout
from stm32emu.scene import Scene
from stm32emu.symbols import Symbols

ENDS = ("_end", "end", "__bss_end__", "_ebss", "_bss_end")
"""Where linker scripts say that the last variable ends: what the main stack must not reach."""


class StackCheck:
    """Watches the main stack, and with FreeRTOS the stack of every task.

    Args:
        top: the initial SP.
    """

    def __init__(self, cpu: Cpu, top: int, scene: Scene, findings: Findings) -> None:
        self._cpu = cpu
        self._scene = scene
        self._findings = findings
        self._names: dict[int, str] = {}
        member = Layout.of(scene.symbols).stack
        cpu.watch_stacks(_main_limit(scene.symbols, top), top, member, self._overflow)

    def _overflow(self, pc: int, block: int, sp: int, limit: int, tcb: int) -> None:
        self._findings.add(("stack", tcb, limit), lambda: self._finding(pc, block, sp, limit, tcb))

    def _finding(self, pc: int, block: int, sp: int, limit: int, tcb: int) -> Finding:
        when = self._scene.when if tcb else replace(self._scene.when, task=None)
        whose = f'task "{when.task}"' if when.task else "the main stack"
        return Finding(
            check="stack",
            text=f"{whose} overflows: {self._scene.place(pc)} takes SP to {sp:#010x}, {limit - sp} bytes below the end",
            calls=self._scene.calls_to_here(block),
            notes=(f"the lowest address of that stack is {limit:#010x}",),
            data={"address": pc, "sp": sp, "limit": limit},
            when=when,
        )

    def marks(self) -> list[dict[str, Any]]:
        """How deep each stack got: "task" (None for the main stack), "most" and "size" in bytes, None if unknown."""
        return [
            {
                "task": self._scene.task_name(tcb) if tcb else None,
                "most": highest - lowest,
                "size": highest - limit if limit else None,
            }
            for tcb, limit, lowest, highest in self._cpu.stack_marks()
            if lowest < highest
        ]

    def summary(self) -> list[str]:
        """The same, a line each."""
        return [f"stack: {_whose(mark['task'])} used {_of(mark['most'], mark['size'])} bytes" for mark in self.marks()]


def _whose(task: str | None) -> str:
    return f'task "{task}"' if task else "main stack"


def _of(used: int, size: int | None) -> str:
    return f"{used} of {size}" if size else str(used)


def _main_limit(symbols: Symbols, top: int) -> int:
    """The end of the last variable below the initial SP; 0 when the symbols do not tell."""
    ends = [end for end in map(symbols.address, ENDS) if end is not None and end < top and end >> 24 == top >> 24]
    return max(ends, default=0)
