# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays a session or a replay on the terminal, and lets Ctrl-C and SIGTERM end it in order."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from stm32emu.cli.terminal import Terminal
from stm32emu.session import Session

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 1.0  # seconds for the run to end; `timeout` and others signal both the process and its group


def play(make: Callable[..., Session]) -> int:
    """Run what `make(console=, log=, status=)` makes to its end; the exit code."""
    terminal = Terminal()
    try:
        status = terminal.status if terminal.has_status else None
        session = make(console=terminal.console, log=terminal.log, status=status)
        with _signals(session.interrupt):
            outcome = session.run()
    finally:
        terminal.close()
    if outcome.reason:
        terminal.log(outcome.reason)
    return outcome.exit_code


@contextmanager
def _signals(interrupt: Callable[[int], None]) -> Iterator[None]:
    """The first signal asks the run to end, with the exit code that shells report for it; a later one breaks it off."""
    due: list[float] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        if not due:
            due.append(time.monotonic() + PATIENCE)
            interrupt(128 + number)
        elif time.monotonic() > due[0]:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, hear) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
