# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands in a block's place while RCC gates its bus clock off (RM0090 section 6.3, the enable registers)."""

from __future__ import annotations

from typing import Protocol

from stm32emu.peripherals.ledger import Ledger


class Slave(Protocol):
    """Whatever answers at a block's addresses."""

    def read(self, offset: int, size: int) -> int:
        """See Peripheral.read."""

    def write(self, offset: int, size: int, value: int) -> None:
        """See Peripheral.write."""


class Unclocked:
    """Reads give zero and writes are lost; both are counted as illegal.

    Args:
        name: the block's.
        gate: the clear bit, such as "RCC_AHB1ENR.GPIOAEN".
    """

    def __init__(self, name: str, gate: str, ledger: Ledger) -> None:
        self.name = name
        self.ledger = ledger
        self._what = f"access with {gate} clear"

    def read(self, offset: int, size: int) -> int:
        """Zero, whatever the register holds."""
        self.ledger.illegal(self.name, offset & ~3, self._what)
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        """Lost."""
        self.ledger.illegal(self.name, offset & ~3, self._what)
