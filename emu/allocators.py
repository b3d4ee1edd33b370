# SPDX-License-Identifier: GPL-2.0-or-later
"""The functions that a firmware gets memory from, by their names in its symbol table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from stm32emu.symbols import Symbol, Symbols

FAMILIES = (("mbedtls_calloc",), ("pvPortMalloc", "pvPortCalloc"), ("malloc", "calloc", "realloc"))
"""What counts as one allocator; the first family of which a firmware has a member is its own. mbedTLS calls its
platform's allocator through a pointer, of which mbedtls_calloc is the one user."""


def find_functions(symbols: Symbols, names: Iterable[str]) -> list[Symbol]:
    """Those functions that the firmware has."""
    found = [symbols.lookup(address) for name in names if (address := symbols.address(name)) is not None]
    return [symbol for symbol in found if symbol is not None and symbol.kind == "function"]


def find_allocator(symbols: Symbols) -> list[Symbol]:
    """The functions of the firmware's allocator; none if nothing has a name that is known."""
    families = (find_functions(symbols, names) for names in FAMILIES)
    return next((family for family in families if family), [])


class Kind(IntEnum):
    """The contract of an allocator's function, as C's function of that name has it."""

    MALLOC = 0
    CALLOC = 1
    REALLOC = 2
    FREE = 3


@dataclass(frozen=True)
class Allocator:
    """One function: where it starts, its contract, the register of its first argument that counts, and how many bytes
    before a block stay as they are while the block is allocated."""

    address: int
    kind: Kind
    first: int
    header: int


FUNCTIONS = {
    **dict.fromkeys(("malloc", "pvPortMalloc", "mem_malloc", "_Znwj", "_Znaj"), (Kind.MALLOC, 0)),
    **dict.fromkeys(("calloc", "pvPortCalloc", "mem_calloc", "mbedtls_calloc"), (Kind.CALLOC, 0)),
    **dict.fromkeys(("realloc", "pvPortRealloc"), (Kind.REALLOC, 0)),
    **dict.fromkeys(("free", "vPortFree", "mem_free", "mbedtls_free", "_ZdlPv", "_ZdaPv"), (Kind.FREE, 0)),
    "_malloc_r": (Kind.MALLOC, 1),
    "_calloc_r": (Kind.CALLOC, 1),
    "_realloc_r": (Kind.REALLOC, 1),
    "_free_r": (Kind.FREE, 1),
}
"""Contract and first argument by name: C's, FreeRTOS's, lwIP's, mbedTLS's and C++'s, and newlib's reentrant ones."""
HEADERS = {"pvPortMalloc": ("xFreeBytesRemaining", 8), "_malloc_r": ("__malloc_free_list", 4)}
"""Bytes before a block that its allocator leaves alone, and the variable that tells that allocator from its namesakes:
FreeRTOS's heap_2, 4 and 5; newlib-nano."""


def find_allocators(symbols: Symbols) -> list[Allocator]:
    """Every known function of an allocator that the firmware has."""
    addresses = {symbol.address for symbol in find_functions(symbols, FUNCTIONS)}
    found = {name: symbols.address(name) for name in FUNCTIONS}
    return [
        Allocator(address, kind, first, _header(symbols, name))
        for name, (kind, first) in FUNCTIONS.items()
        if (address := found[name]) in addresses and address is not None
    ]


def _header(symbols: Symbols, name: str) -> int:
    variable, size = HEADERS.get(name, ("", 0))
    return size if symbols.address(variable) is not None else 0
