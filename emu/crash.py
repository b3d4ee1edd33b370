# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults of a running machine: the report when one happens, and whether the firmware's handler does anything."""

from __future__ import annotations

from collections.abc import Callable

from stm32emu.cpu import Reason
from stm32emu.machine import Machine
from stm32emu.timebase import NANO

REPORTS = 5
"""Faults reported in full; a firmware that provokes faults on purpose is not drowned in them."""


class Crash:
    """Reports faults through `log` and watches the handler."""

    def __init__(self, machine: Machine, log: Callable[[str], None]) -> None:
        self._machine = machine
        self._log = log
        self._handler = 0  # the exception whose handler runs on
        self._since = 0
        self.count = 0

    def report(self, reason: Reason) -> None:
        """Log what happened. The handler runs on afterwards, as on silicon."""
        registers = self._machine.cpu.fault()
        if registers is None:
            return
        self.count += 1
        self._handler = registers.exception
        self._since = self._machine.clock.now
        if self.count > REPORTS:
            return
        from stm32emu.report import FaultSnapshot, crash_report  # with Capstone, 7 MB: only when needed

        snapshot = FaultSnapshot(
            exception=registers.exception,
            registers=registers.as_dict(),
            cfsr=registers.cfsr,
            hfsr=registers.hfsr,
            mmfar=registers.mmfar,
            bfar=registers.bfar,
            blocks=self._machine.cpu.blocks()[-16:],
            cycle=registers.cycle,
            seconds=self._machine.time.now_ns / NANO,
        )
        memory, chip = self._machine.memory, self._machine.chip
        self._log(crash_report(snapshot, memory.peek, self._machine.symbols, chip=chip).render())

    def handler_only_loops(self) -> bool:
        """Whether the fault's handler is still active and has run nothing but one or two blocks for a while."""
        cpu = self._machine.cpu
        if not self._handler or cpu.ipsr != self._handler:
            return False
        return self._machine.clock.now > self._since + 1000 and len(set(cpu.blocks())) <= 2
