# SPDX-License-Identifier: GPL-2.0-or-later
"""CAN frames, and the acceptance filters (RM0090 section 32.7.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """A data or remote frame; `identifier` has 29 bits if `extended`, else 11, and `length` is the DLC."""

    identifier: int
    length: int
    data: bytes = b""
    extended: bool = False
    remote: bool = False

    @property
    def bits(self) -> int:
        """Bits on the wire, intermission included, stuff bits left out (ISO 11898-1 section 10.4)."""
        return (67 if self.extended else 47) + 8 * len(self.data)

    def word(self) -> int:
        """As TIxR and RIxR have it, and 32-bit filters."""
        place = 3 if self.extended else 21
        return self.identifier << place | self.extended << 2 | self.remote << 1

    def half(self) -> int:
        """As 16-bit filters have it: STID, RTR, IDE, the upper three bits of EXID."""
        word = self.word()
        return word >> 16 & 0xFFE0 | self.remote << 4 | self.extended << 3 | word >> 18 & 7


def frame_of(word: int, length: int, data: bytes) -> Frame:
    """The frame of a transmit mailbox: TIxR, the DLC, eight bytes. A DLC above 8 means 8 bytes."""
    extended, remote = bool(word >> 2 & 1), bool(word >> 1 & 1)
    identifier = word >> 3 if extended else word >> 21
    return Frame(identifier, length, b"" if remote else data[: min(length, 8)], extended, remote)


@dataclass(frozen=True)
class Bank:
    """A filter bank's settings: the bits of FS1R, FM1R, FFA1R and FA1R, and FiR1 and FiR2."""

    wide: bool
    identifiers: bool
    fifo: int
    active: bool
    registers: tuple[int, int]

    def tests(self) -> Iterator[tuple[int, int]]:
        """(value, mask) of each of its filters in order of their numbers."""
        first, second = self.registers
        if self.wide:
            yield from [(first, ~1), (second, ~1)] if self.identifiers else [(first, second & ~1)]
            return
        halves = [(word & 0xFFFF, word >> 16) for word in self.registers]
        for low, high in halves:
            yield from [(low, 0xFFFF), (high, 0xFFFF)] if self.identifiers else [(low, high)]

    def match(self, frame: Frame) -> int | None:
        """Which of its filters lets `frame` pass."""
        word = frame.word() if self.wide else frame.half()
        return next((n for n, (value, mask) in enumerate(self.tests()) if not (word ^ value) & mask), None)


def accept(frame: Frame, banks: list[Bank]) -> tuple[int, int] | None:
    """The FIFO and the filter match index of the filter with the highest priority that lets `frame` pass: wide ones
    first, then lists of identifiers, then the lower number. Filters of inactive banks have numbers too."""
    numbers, found = [0, 0], []
    for bank in banks:
        match = bank.match(frame) if bank.active else None
        if match is not None:
            found.append((not bank.wide, not bank.identifiers, numbers[bank.fifo] + match, bank.fifo))
        numbers[bank.fifo] += len(list(bank.tests()))
    return (min(found)[3], min(found)[2]) if found else None
