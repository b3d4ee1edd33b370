# SPDX-License-Identifier: GPL-2.0-or-later
"""What takes a firmware's flash, by source file, and what single options of mbedTLS take of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from stm32emu.coverage import Coverage
from stm32emu.dead_code import Wanted
from stm32emu.flash_graph import FlashGraph
from stm32emu.flash_savings import Saving, Savings
from stm32emu.netbridge.tls.flash_macros import Macro

UNKNOWN = "(no source file known)"


@dataclass
class Module:
    """A source file's bytes of code and of data (constants, strings, initial values); `ran` of the code, if known."""

    file: str
    code: int = 0
    data: int = 0
    ran: int | None = None

    @property
    def size(self) -> int:
        """All of them."""
        return self.code + self.data


@dataclass(frozen=True)
class Droppable:
    """A macro, what would go without it, and how many of the `code` bytes that would go ran, if known."""

    macro: Macro
    saving: Saving = field(repr=False)
    code: int
    ran: int | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        gone = [piece.name for piece in self.saving.gone if piece.kind != "unnamed"]
        numbers = {"bytes": self.saving.size, "code": self.code, "ran": self.ran}
        return {"macro": f"MBEDTLS_{self.macro.option}", **numbers, "loss": self.macro.loss, "gone": gone}


def modules(graph: FlashGraph, coverage: Coverage | None) -> list[Module]:
    """The largest first; together they are all that is loaded. A string belongs to the file that mentions it first."""
    found: dict[str, Module] = {}
    for number, piece in enumerate(graph.pieces):
        file = _short(piece.file or graph.users.get(number, "")) or UNKNOWN
        module = found.setdefault(file, Module(file, ran=None if coverage is None else 0))
        code = sum(end - start for start, end in graph.code(piece)) if piece.kind == "function" else 0
        module.code += code
        module.data += piece.size - code
        if coverage is not None and module.ran is not None:
            module.ran += coverage.size(piece.start, piece.end)
    return sorted(found.values(), key=lambda module: (-module.size, module.file))


def droppables(
    macros: Iterable[Macro], graph: FlashGraph, savings: Savings, coverage: Coverage | None
) -> list[Droppable]:
    """The largest first."""
    found = [_droppable(macro, graph, savings, coverage) for macro in macros]
    return sorted(found, key=lambda each: (-each.saving.size, each.macro.option))


def _droppable(macro: Macro, graph: FlashGraph, savings: Savings, coverage: Coverage | None) -> Droppable:
    saving = savings.without(Wanted(macro.names, macro.files, macro.texts, macro.shrinks))
    functions = [piece for piece in saving.gone if piece.kind == "function"]
    ranges = [part for piece in functions for part in graph.code(piece)] + [*graph.instructions(saving.cut)]
    ran = None if coverage is None else sum(coverage.size(*part) for part in ranges)
    return Droppable(macro, saving, sum(end - start for start, end in ranges), ran)


def _short(file: str) -> str:
    """Without what leads out of the folder that it was compiled in."""
    while file.startswith(("../", "./")):
        file = file.partition("/")[2]
    return file
