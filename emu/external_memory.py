# SPDX-License-Identifier: GPL-2.0-or-later
"""What the board has on the memory controller's banks, as far as one can know: memory that keeps what is stored."""

from __future__ import annotations

PAGE = 0x1000


class StaticBank:
    """On a NOR/PSRAM bank: SRAM of the bank's whole size, kept by pages since displays use few addresses, far apart.

    It is read as zero where nothing has been stored. A display's driver finds in it what it wrote last, which is no
    display that it knows.
    """

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def read(self, offset: int, size: int) -> int:
        """A load; see Peripheral.read."""
        page, start = self._pages.get(offset // PAGE), offset % PAGE
        return int.from_bytes(page[start : start + size], "little") if page else 0

    def write(self, offset: int, size: int, value: int) -> None:
        """A store; see Peripheral.write."""
        page, start = self._pages.setdefault(offset // PAGE, bytearray(PAGE)), offset % PAGE
        page[start : start + size] = value.to_bytes(size, "little")
