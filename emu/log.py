# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines about a run, by how much they matter (--log-level)."""

from __future__ import annotations

from collections.abc import Callable

LEVELS = ("debug", "info", "warning", "error")


class Log:
    """Passes on the lines of `level` and above.

    Args:
        write: takes a line.
        level: one of LEVELS.
    """

    def __init__(self, write: Callable[[str], None], level: str) -> None:
        self._write = write
        self._least = LEVELS.index(level)

    def debug(self, line: str) -> None:
        """Every frame."""
        self._pass("debug", line)

    def info(self, line: str) -> None:
        """What happens: addresses, ports, peers."""
        self._pass("info", line)

    def warning(self, line: str) -> None:
        """What is probably wrong: resets, accesses that are illegal or not modelled."""
        self._pass("warning", line)

    def error(self, line: str) -> None:
        """What is wrong: faults."""
        self._pass("error", line)

    def _pass(self, level: str, line: str) -> None:
        if LEVELS.index(level) >= self._least:
            self._write(line)
