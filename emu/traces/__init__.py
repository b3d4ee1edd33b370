# SPDX-License-Identifier: GPL-2.0-or-later
"""Traces of a firmware from outside, without recompiling it: `--trace`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from stm32emu.machine import Machine
from stm32emu.scene import Scene
from stm32emu.traces.calls import CallTrace
from stm32emu.traces.journal import MOST_RECORDS, Journal
from stm32emu.traces.mbedtls import WORD, MbedtlsTrace


class Traces:
    """The traces of one run. Raises UserError for one that the firmware has no functions for.

    Args:
        words: "mbedtls" for failing calls and handshakes of that library, else names or patterns of functions.
        log: takes each line.
    """

    def __init__(self, words: Sequence[str], machine: Machine, scene: Scene, log: Callable[[str], None]) -> None:
        self._journal = Journal(scene, log)
        if WORD in words:
            MbedtlsTrace(machine, self._journal)
        if patterns := [word for word in words if word != WORD]:
            CallTrace(patterns, machine, self._journal)

    def summary(self) -> list[str]:
        """What there is to say at the end of the run, a line each."""
        left_out = self._journal.left_out
        return [f"trace: --json has the first {MOST_RECORDS} entries, {left_out} more are left out"] if left_out else []

    def to_list(self) -> list[dict[str, Any]]:
        """For JSON, in the order of happening."""
        return self._journal.records
