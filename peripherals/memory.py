# SPDX-License-Identifier: GPL-2.0-or-later
"""What a bus master (DMA, the Ethernet DMA) sees of memory."""

from __future__ import annotations

from typing import Protocol


class BusError(Exception):
    """A bus master's access hit nothing (or memory it cannot reach, such as CCM)."""

    def __init__(self, address: int, length: int) -> None:
        super().__init__(f"bus error: {length} bytes at {address:#010x}")
        self.address = address
        self.length = length


class Memory(Protocol):
    """Byte-addressed memory as a bus master sees it; both calls raise BusError outside memory the master reaches."""

    def read(self, address: int, length: int) -> bytes:
        """`length` bytes from `address`."""

    def write(self, address: int, data: bytes) -> None:
        """Store `data` from `address` on."""


class FlatMemory:
    """A stretch of RAM for tests."""

    def __init__(self, base: int, size: int) -> None:
        self.base = base
        self.data = bytearray(size)

    def _start(self, address: int, length: int) -> int:
        start = address - self.base
        if start < 0 or start + length > len(self.data):
            raise BusError(address, length)
        return start

    def read(self, address: int, length: int) -> bytes:
        """See Memory."""
        start = self._start(address, length)
        return bytes(self.data[start : start + length])

    def write(self, address: int, data: bytes) -> None:
        """See Memory."""
        start = self._start(address, len(data))
        self.data[start : start + len(data)] = data
