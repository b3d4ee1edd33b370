# SPDX-License-Identifier: GPL-2.0-or-later
"""The functions that a firmware gets memory from, by their names in its symbol table."""

from __future__ import annotations

from collections.abc import Iterable

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
