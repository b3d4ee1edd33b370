# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines of a trace: what happened, in which task, on which connection, when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stm32emu.scene import Scene

MOST_RECORDS = 100_000
"""Entries kept for `--json`; the text has all."""


class Journal:
    """Takes what the traces of a run have to tell: text to `log` at once, data for `--json` at the end."""

    def __init__(self, scene: Scene, log: Callable[[str], None]) -> None:
        self.scene = scene
        self.log = log
        self.records: list[dict[str, Any]] = []
        self.left_out = 0

    def add(self, trace: str, text: str, data: dict[str, Any]) -> None:
        """Something happened just now. `data` is the same as numbers and words."""
        when = self.scene.when
        connection = f", connection {when.connection}" if when.connection else ""
        running = f', task "{when.task}"' if when.task else ""
        self.log(f"{trace}: {when.seconds:.6f} s{connection}{running}: {text}")
        if len(self.records) == MOST_RECORDS:
            self.left_out += 1
            return
        self.records.append({"trace": trace, **vars(when), **data})
