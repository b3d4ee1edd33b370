# SPDX-License-Identifier: GPL-2.0-or-later
"""A block that exists on the chip and has no model."""

from __future__ import annotations

from typing import ClassVar

from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import LANES, Peripheral


class Stub(Peripheral):
    """Every word reads back what was written, zero at reset; reads and writes are counted by offset as unmodelled."""

    MISSING: ClassVar[str] = "everything: reads give back what was written"

    def __init__(self, name: str, *, ledger: Ledger = NO_LEDGER) -> None:
        super().__init__(name, ledger=ledger)
        self._written: dict[int, int] = {}  # by word offset; the block may be of any size

    def reset(self) -> None:
        """Every word reads zero again."""
        self._written.clear()

    def answer(self, place: int, word: int) -> int:
        """What the word at `place` reads, when `word` was written: a stub with some truthful bits overrides this."""
        return word

    def written(self, place: int) -> int:
        """The word last written at `place`."""
        return self._written.get(place, 0)

    def read(self, offset: int, size: int) -> int:
        """See Peripheral.read."""
        place = offset & ~3
        self.ledger.unmodelled(self.name, place, "read")
        return (self.answer(place, self.written(place)) >> (8 * (offset & 3))) & LANES[size]

    def write(self, offset: int, size: int, value: int) -> None:
        """See Peripheral.write."""
        self.ledger.unmodelled(self.name, offset & ~3, "write")
        shift = 8 * (offset & 3)
        lanes = LANES[size] << shift
        self._written[offset & ~3] = (self.written(offset & ~3) & ~lanes) | ((value << shift) & lanes)
