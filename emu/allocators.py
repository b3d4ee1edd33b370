# SPDX-License-Identifier: GPL-2.0-or-later
"""The functions that a firmware gets memory from, by their names in its symbol table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from stm32emu.symbols import Symbol, Symbols


class Kind(IntEnum):
    """The contract of an allocator's function, as C's function of that name has it."""

    MALLOC = 0
    CALLOC = 1
    REALLOC = 2
    POOL = 3
    """an element of the pool that its argument names"""
    FREE = 4
    LOOKS = 5
    """only looks around in the heap, such as mallinfo"""


@dataclass(frozen=True)
class Contract:
    """What a function of an allocator does, and which of its arguments is the first that C's function has."""

    kind: Kind
    first: int = 0


MALLOC, CALLOC, REALLOC, POOL, FREE, LOOKS = map(Contract, Kind)


@dataclass(frozen=True)
class Family:
    """Functions that share a heap.

    Args:
        functions: by name.
        variable: tells the allocator whose `header` and `grain` are known from its namesakes.
        header: how many bytes before a block stay as they are while the block is allocated.
        grain: up to which multiple of bytes those behind it do.
        arena: the variable that is handed out piece by piece.
    """

    functions: Mapping[str, Contract]
    variable: str = ""
    header: int = 0
    grain: int = 4
    arena: str = ""


NEWLIB = {
    "malloc": MALLOC,
    "calloc": CALLOC,
    "realloc": REALLOC,
    "free": FREE,
    **dict.fromkeys(("memalign", "aligned_alloc"), Contract(Kind.MALLOC, 1)),
    "_malloc_r": Contract(Kind.MALLOC, 1),
    "_calloc_r": Contract(Kind.CALLOC, 1),
    "_realloc_r": Contract(Kind.REALLOC, 1),
    "_memalign_r": Contract(Kind.MALLOC, 2),
    "_free_r": Contract(Kind.FREE, 1),
    **dict.fromkeys(("mallinfo", "malloc_stats", "malloc_usable_size"), LOOKS),
    **dict.fromkeys(("_mallinfo_r", "_malloc_stats_r", "_malloc_usable_size_r", "_malloc_trim_r"), LOOKS),
}
"""C's functions and those behind them that take newlib's state."""
LWIP = {
    "mem_malloc": MALLOC,
    "mem_calloc": CALLOC,
    "mem_trim": REALLOC,
    "mem_free": FREE,
    **dict.fromkeys(("memp_malloc", "memp_malloc_fn", "memp_malloc_pool", "memp_malloc_pool_fn"), POOL),
    **dict.fromkeys(("memp_free", "memp_free_pool"), Contract(Kind.FREE, 1)),
}
FAMILIES = (
    Family({"mbedtls_calloc": CALLOC, "mbedtls_free": FREE}),
    Family(
        {
            "pvPortMalloc": MALLOC,
            "pvPortCalloc": CALLOC,
            "pvPortRealloc": REALLOC,
            "vPortFree": FREE,
            "vPortGetHeapStats": LOOKS,
        },
        variable="xFreeBytesRemaining",
        header=8,
        grain=8,
        arena="ucHeap",
    ),
    Family(NEWLIB, variable="__malloc_free_list", header=4),
    Family(LWIP, arena="ram_heap"),
    Family({"_Znwj": MALLOC, "_Znaj": MALLOC, "_ZdlPv": FREE, "_ZdaPv": FREE}),
)
"""mbedTLS's, which calls its platform's through a pointer; FreeRTOS's, of which the variable tells heap_2, 4 and 5;
C's, of which it tells newlib-nano; lwIP's; C++'s. The first of which a firmware has any is its own for `--fault`."""
SETTERS = {"mbedtls_platform_set_calloc_free": (CALLOC, FREE)}
"""Functions that are given an allocator: the contracts of their arguments."""
OWN = Family({})
"""Of functions that are handed over or that the user names."""


@dataclass(frozen=True)
class Allocator:
    """One function of a firmware; `header` and `grain` as in its family, `arena` the addresses of the family's
    variable, empty where there is none."""

    address: int
    contract: Contract
    family: Family = field(default=OWN, repr=False)
    header: int = 0
    grain: int = OWN.grain
    arena: range = range(0)


def find_functions(symbols: Symbols, names: Iterable[str]) -> list[Symbol]:
    """Those functions that the firmware has."""
    found = [symbols.lookup(address) for name in names if (address := symbols.address(name)) is not None]
    return [symbol for symbol in found if symbol is not None and symbol.kind == "function"]


def allocating_names() -> list[list[str]]:
    """The names of each family that give memory away."""
    return [[name for name, contract in family.functions.items() if contract.kind < Kind.FREE] for family in FAMILIES]


def find_allocator(symbols: Symbols) -> list[Symbol]:
    """The functions of the firmware's allocator; none if nothing has a name that is known."""
    families = (find_functions(symbols, names) for names in allocating_names())
    return next((family for family in families if family), [])


def find_allocators(symbols: Symbols, own: Mapping[str, Contract]) -> list[Allocator]:
    """Every function of an allocator that the firmware has and that is known, or named by the user in `own`."""
    families = (Family(own), *FAMILIES)
    found = {
        symbol.address: _allocator(symbols, family, symbol.address, contract)
        for family in reversed(families)
        for name, contract in family.functions.items()
        for symbol in find_functions(symbols, [name])
    }
    return list(reversed(found.values()))  # what is called most comes first


def _allocator(symbols: Symbols, family: Family, address: int, contract: Contract) -> Allocator:
    variable = symbols.address(family.arena)
    found = None if variable is None else symbols.lookup(variable)
    arena = range(found.address, found.address + found.size) if found is not None else range(0)
    if symbols.address(family.variable) is None:
        return Allocator(address, contract, family, arena=arena)
    return Allocator(address, contract, family, family.header, family.grain, arena)


def find_setters(symbols: Symbols) -> list[tuple[int, tuple[Contract, ...]]]:
    """The address of every known setter, and what its arguments are."""
    found = ((symbols.address(name), contracts) for name, contracts in SETTERS.items())
    return [(address, contracts) for address, contracts in found if address is not None]
