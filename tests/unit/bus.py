# SPDX-License-Identifier: GPL-2.0-or-later
"""A block as the firmware sees it: `bus["CR"]` loads and `bus["CR"] = word` stores 32 bits, by the manual's name."""

from __future__ import annotations

from stm32emu.peripherals.peripheral import Peripheral


class Bus:
    """The guest's side of one block."""

    def __init__(self, block: Peripheral) -> None:
        self.block = block
        self.offsets = {register.name: register.offset for register in block.REGISTERS}

    def __getitem__(self, register: str) -> int:
        return self.block.read(self.offsets[register], 4)

    def __setitem__(self, register: str, word: int) -> None:
        self.block.write(self.offsets[register], 4, word)

    def set(self, register: str, bits: int) -> None:
        """Read, modify, write: set `bits`."""
        self[register] |= bits

    def clear(self, register: str, bits: int) -> None:
        """Read, modify, write: clear `bits`."""
        self[register] &= ~bits
