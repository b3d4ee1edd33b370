# SPDX-License-Identifier: GPL-2.0-or-later
"""What went past the models: "we do not model this" and "the firmware did something illegal", counted apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Entry:
    """One place: how often it was hit, and the program counter of the first time (None where no CPU was involved)."""

    block: str
    offset: int
    what: str
    pc: int | None
    count: int = 0


class Ledger:
    """Counts entries of both kinds in order of first use.

    Args:
        pc: gives the program counter of the access under way.
        first: called once for each new entry with its kind, "unmodelled" or "illegal"; may raise (strict runs).
    """

    def __init__(
        self,
        pc: Callable[[], int | None] = lambda: None,
        first: Callable[[str, Entry], None] = lambda kind, entry: None,
    ) -> None:
        self._pc = pc
        self._first = first
        self.entries: dict[tuple[str, str, int, str], Entry] = {}

    def unmodelled(self, block: str, offset: int, what: str) -> None:
        """The guest used something that exists on silicon and that no model acts on."""
        self._count("unmodelled", block, offset, what)

    def illegal(self, block: str, offset: int, what: str) -> None:
        """The guest did what the manual forbids; `what` says it in the manual's words."""
        self._count("illegal", block, offset, what)

    def of_kind(self, kind: str) -> list[Entry]:
        """The entries of one kind, "unmodelled" or "illegal"."""
        return [entry for key, entry in self.entries.items() if key[0] == kind]

    def _count(self, kind: str, block: str, offset: int, what: str) -> None:
        key = (kind, block, offset, what)
        entry = self.entries.get(key)
        if entry is None:
            entry = self.entries[key] = Entry(block, offset, what, self._pc())
            self._first(kind, entry)
        entry.count += 1


class _NoLedger(Ledger):
    """For blocks used on their own: counts nothing."""

    def _count(self, kind: str, block: str, offset: int, what: str) -> None:
        pass


NO_LEDGER = _NoLedger()
