# SPDX-License-Identifier: GPL-2.0-or-later
"""The console: one serial port's bytes as they are, and the text that ends a run."""

from __future__ import annotations

from collections.abc import Callable


class Console:
    """Passes on what the console port sends.

    Args:
        write: takes the bytes.
        log: told once about each port that speaks and is not the console.
        uart: the port; None makes the first that speaks the console.
        until: text to look for; `seen` becomes true once it has passed.
    """

    def __init__(
        self,
        write: Callable[[bytes], None],
        log: Callable[[str], None],
        *,
        uart: str | None = None,
        until: str | None = None,
    ) -> None:
        self._write = write
        self._log = log
        self._uart = uart
        self._wanted = until.encode() if until is not None else None
        self._tail = b""
        self._others: set[str] = set()
        self.seen = False

    @property
    def port(self) -> str | None:
        """The console port; None while none is chosen and none has spoken."""
        return self._uart

    def receive(self, uart: str, byte: int) -> bool:
        """A byte from port `uart`; True once the wanted text has been seen."""
        self._uart = self._uart or uart
        if uart == self._uart:
            self._write(bytes((byte & 0xFF,)))
            self._look(byte & 0xFF)
        elif uart not in self._others:
            self._others.add(uart)
            self._log(f"{uart} speaks too; --uart {uart.lower()} makes it the console")
        return self.seen

    def _look(self, byte: int) -> None:
        if self._wanted is not None:
            self._tail = (self._tail + bytes((byte,)))[-len(self._wanted) :]
            self.seen = self.seen or self._tail == self._wanted
