# SPDX-License-Identifier: GPL-2.0-or-later
"""The functions that a firmware gets memory from, by their names in its symbol table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from stm32emu.symbols import Symbol, Symbols


class Kind(IntEnum):
    """The contract of an allocator's function, as C's function of that name has it."""

    MALLOC = 0
    CALLOC = 1
    REALLOC = 2
    FREE = 3
    LOOKS = 4
    """only looks around in the heap, such as mallinfo"""


@dataclass(frozen=True)
class Contract:
    """What a function of an allocator does, and which of its arguments is the first that C's function has."""

    kind: Kind
    first: int = 0


MALLOC, CALLOC, REALLOC, FREE, LOOKS = map(Contract, Kind)
FAMILIES: tuple[dict[str, Contract], ...] = (
    {"mbedtls_calloc": CALLOC, "mbedtls_free": FREE},
    {"pvPortMalloc": MALLOC, "pvPortCalloc": CALLOC, "pvPortRealloc": REALLOC, "vPortFree": FREE},
    {"malloc": MALLOC, "calloc": CALLOC, "realloc": REALLOC, "free": FREE},
    {
        "_malloc_r": Contract(Kind.MALLOC, 1),
        "_calloc_r": Contract(Kind.CALLOC, 1),
        "_realloc_r": Contract(Kind.REALLOC, 1),
        "_free_r": Contract(Kind.FREE, 1),
    },
    {"mem_malloc": MALLOC, "mem_calloc": CALLOC, "mem_free": FREE},
    {"_Znwj": MALLOC, "_Znaj": MALLOC, "_ZdlPv": FREE, "_ZdaPv": FREE},
)
"""Allocators: mbedTLS's, which calls its platform's through a pointer; FreeRTOS's; C's; newlib's reentrant functions;
lwIP's; C++'s operators. The first of which a firmware has a member is its own for `--fault alloc=fail`."""
EDGES = {"pvPortMalloc": ("xFreeBytesRemaining", 8, 8), "_malloc_r": ("__malloc_free_list", 4, 4)}
"""Bytes before a block that its allocator leaves alone and the grain of its sizes, and the variable that tells that
allocator from its namesakes: FreeRTOS's heap_2, 4 and 5; newlib-nano."""
GRAIN = 4
"""Of an allocator that is not known better: what lies beyond the next multiple may be its own."""
ARENAS = {"pvPortMalloc": "ucHeap", "mem_malloc": "ram_heap"}
"""The variable that an allocator hands out: FreeRTOS's heap_1, 2 and 4; lwIP's."""
LOOKERS = dict.fromkeys(
    (
        *("vPortGetHeapStats", "mallinfo", "_mallinfo_r", "malloc_stats", "_malloc_stats_r"),
        *("malloc_usable_size", "_malloc_usable_size_r", "_malloc_trim_r"),
    ),
    LOOKS,
)
"""Functions that look at the allocator's own memory."""
SETTERS = {"mbedtls_platform_set_calloc_free": (CALLOC, FREE)}
"""Functions that are given an allocator: the contracts of their arguments."""


@dataclass(frozen=True)
class Allocator:
    """One function: where it starts, its contract, how many bytes before a block stay as they are while the block is
    allocated, and up to which multiple of bytes those behind it do."""

    address: int
    contract: Contract
    header: int = 0
    grain: int = GRAIN


def find_functions(symbols: Symbols, names: Iterable[str]) -> list[Symbol]:
    """Those functions that the firmware has."""
    found = [symbols.lookup(address) for name in names if (address := symbols.address(name)) is not None]
    return [symbol for symbol in found if symbol is not None and symbol.kind == "function"]


def allocating_names() -> list[list[str]]:
    """The names of each family that give memory away."""
    return [[name for name, contract in family.items() if contract.kind is not Kind.FREE] for family in FAMILIES]


def find_allocator(symbols: Symbols) -> list[Symbol]:
    """The functions of the firmware's allocator; none if nothing has a name that is known."""
    families = (find_functions(symbols, names) for names in allocating_names())
    return next((family for family in families if family), [])


def find_allocators(symbols: Symbols) -> list[Allocator]:
    """Every known function of an allocator that the firmware has."""
    known = {name: contract for family in (*FAMILIES, LOOKERS) for name, contract in family.items()}
    addresses = {symbol.address for symbol in find_functions(symbols, known)}
    found = {name: symbols.address(name) for name in known}
    return [
        Allocator(address, contract, *_edges(symbols, name))
        for name, contract in known.items()
        if (address := found[name]) in addresses and address is not None
    ]


def find_arena(symbols: Symbols) -> tuple[int, int]:
    """Address and size of the memory that is an allocator's alone; zeros when no name tells."""
    for function, variable in ARENAS.items():
        address = symbols.address(variable)
        symbol = symbols.lookup(address) if address is not None and symbols.address(function) is not None else None
        if symbol is not None and symbol.kind == "object":
            return symbol.address, symbol.size
    return 0, 0


def find_setters(symbols: Symbols) -> list[tuple[int, tuple[Contract, ...]]]:
    """The address of every known setter, and what its arguments are."""
    found = ((symbols.address(name), contracts) for name, contracts in SETTERS.items())
    return [(address, contracts) for address, contracts in found if address is not None]


def _edges(symbols: Symbols, name: str) -> tuple[int, int]:
    variable, header, grain = EDGES.get(name, ("", 0, 0))
    return (header, grain) if symbols.address(variable) is not None else (0, GRAIN)
