# SPDX-License-Identifier: GPL-2.0-or-later
"""lwIP's memory pools by their names, which `LWIP_MEMPOOL_DECLARE` (lwip/memp.h) gives to its variables."""

from __future__ import annotations

from stm32emu.rtos.freertos import ReadMemory
from stm32emu.symbols import Symbols

DESCRIPTOR, MEMORY = "memp_", "memp_memory_"


class Pools:
    """The pools of one firmware."""

    def __init__(self, symbols: Symbols, read_memory: ReadMemory) -> None:
        self._symbols = symbols
        self._read_memory = read_memory
        self._table = symbols.address("memp_pools")

    def name(self, argument: int) -> str:
        """Of the pool that memp_malloc was asked for by its number, or memp_malloc_pool by its descriptor."""
        descriptor = argument
        if self._table is not None and argument < 0x100:
            descriptor = int.from_bytes(self._read_memory(self._table + 4 * argument, 4), "little")
        return self._name(descriptor, DESCRIPTOR) or f"{argument:#x}"

    def holding(self, address: int) -> str | None:
        """The name of the pool that the element at `address` is of."""
        return self._name(address, MEMORY)

    def _name(self, address: int, prefix: str) -> str | None:
        symbol = self._symbols.lookup(address)
        found = symbol is not None and symbol.name.startswith(prefix)
        return symbol.name.removeprefix(prefix).removesuffix("_base") if symbol is not None and found else None
