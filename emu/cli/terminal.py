# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes where: the firmware's bytes to stdout untouched, everything else to stderr, and a status line below it."""

from __future__ import annotations

import os
import sys

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType

from stm32emu.session import Status

UP = Control((ControlType.CURSOR_UP, 1))
ERASE = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))


class Terminal:
    """The three outputs of a run. The status line shows only on a terminal and only while the cursor is at a line's
    start, so it never mixes with what the firmware prints."""

    def __init__(self) -> None:
        self._stderr = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._shown = ""
        self._at_line_start = True
        self._broken = False  # a line of the firmware's was ended for it, to log something
        self._shares_line = _same_file()

    @property
    def has_status(self) -> bool:
        """Whether anybody can see a status line."""
        return self._stderr.is_terminal

    def console(self, data: bytes) -> None:
        """Bytes of the firmware's console, at once and as they are."""
        self._erase()
        self._mend(data)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        if self._shares_line:
            _, newline, line = data.rpartition(b"\n")
            self._at_line_start = not line.strip(b"\r") and (bool(newline) or self._at_line_start)

    def log(self, line: str) -> None:
        """One line about the run."""
        self._erase()
        if not self._at_line_start:
            self._stderr.print()
            self._at_line_start = self._broken = True
        self._stderr.print(line)

    def status(self, status: Status) -> None:
        """Replace the status line."""
        if self._at_line_start:
            self._erase()
            self._shown = _sentence(status)[: self._stderr.width - 1]
            self._stderr.print(self._shown, style="dim", end="")

    def close(self) -> None:
        """Leave the terminal as a shell expects it."""
        self._erase()

    def _mend(self, data: bytes) -> None:
        """The end of a line that was ended already shows as nothing."""
        end = data.lstrip(b"\r")
        if self._broken and end.startswith(b"\n") and self._stderr.is_terminal:
            self._stderr.control(UP)
        self._broken = self._broken and not end

    def _erase(self) -> None:
        if self._shown:
            self._stderr.control(ERASE)
            self._shown = ""


def _same_file() -> bool:
    """Whether stdout and stderr are the same terminal or file, so that their lines follow each other."""
    try:
        return os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno())
    except OSError:  # one of them is closed, or not a file at all
        return False


def _sentence(status: Status) -> str:
    peers = f"{status.connections} connection{'' if status.connections == 1 else 's'}"
    return f"{status.virtual_s:.1f} s virtual, {status.speed:.2f} x a real part at 168 MHz, {peers}"
