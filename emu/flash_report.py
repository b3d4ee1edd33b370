# SPDX-License-Identifier: GPL-2.0-or-later
"""What takes a firmware's flash, by source file, and what single options of mbedTLS take of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from stm32emu.coverage import Coverage
from stm32emu.dead_code import Wanted
from stm32emu.elf import Firmware
from stm32emu.flash_graph import FlashGraph
from stm32emu.flash_pieces import Piece
from stm32emu.flash_savings import Saving, Savings
from stm32emu.netbridge.tls.flash_macros import Macro
from stm32emu.symbols import Symbols, file_name

UNKNOWN = "(no source file known)"
WORTH_A_WORD = 256
"""Bytes of a variable from which on its zeros are worth a word."""


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
    """A macro, what would go without it, and how many of the `code` bytes that would go ran, if known.

    `users` are functions outside mbedTLS that use what would go, and would have to be changed.
    """

    macro: Macro
    saving: Saving = field(repr=False)
    users: tuple[Piece, ...]
    code: int
    ran: int | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        gone = [piece.name for piece in self.saving.gone if piece.kind != "unnamed"]
        numbers = {"bytes": self.saving.size, "code": self.code, "ran": self.ran}
        words = {"macro": f"MBEDTLS_{self.macro.option}", **numbers, "loss": self.macro.loss}
        return {**words, "users": [piece.name for piece in self.users], "gone": gone}


@dataclass(frozen=True)
class Idle:
    """A function that never ran, its bytes of code, and the options without which it would go."""

    piece: Piece
    code: int
    options: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"function": self.piece.name, "file": self.piece.file, "code": self.code, "macros": list(self.options)}


@dataclass(frozen=True)
class FlashReport:
    """All that is said of a firmware's flash. `droppables` and `idle` are empty without macros and without coverage."""

    modules: list[Module]
    zeros: list[Piece]
    droppables: list[Droppable]
    idle: list[Idle]

    @classmethod
    def of(
        cls, firmware: Firmware, symbols: Symbols, macros: Sequence[Macro] = (), coverage: Coverage | None = None
    ) -> FlashReport:
        """Reads all of the debug information, which takes seconds."""
        graph = FlashGraph(firmware, symbols)
        found = droppables(macros, graph, Savings(graph, symbols), coverage) if macros else []
        return cls(modules(graph, coverage), zeros(graph), found, idle(graph, found, coverage) if coverage else [])

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "bytes": sum(part.size for part in self.modules),
            "modules": [{**asdict(part), "bytes": part.size} for part in self.modules],
            "zeros": [{"name": piece.name, "file": piece.file, "bytes": piece.size} for piece in self.zeros],
            "macros": [each.to_dict() for each in self.droppables],
            "never_ran": [each.to_dict() for each in self.idle],
        }


def modules(graph: FlashGraph, coverage: Coverage | None) -> list[Module]:
    """The largest first; together they are all that is loaded. A string belongs to the file that mentions it first."""
    found: dict[str, Module] = {}
    for number, piece in enumerate(graph.pieces):
        file = _short(piece.file or graph.users.get(number, "")) or UNKNOWN
        module = found.setdefault(file, Module(file, ran=None if coverage is None else 0))
        code = _code(graph, piece)
        module.code += code
        module.data += piece.size - code
        if coverage is not None and module.ran is not None:
            module.ran += coverage.size(piece.start, piece.end)
    return sorted(found.values(), key=lambda module: (-module.size, module.file))


def zeros(graph: FlashGraph) -> list[Piece]:
    """Variables that take flash for nothing but zeros, the largest first; .bss would take none."""
    found = [
        piece
        for piece in graph.pieces
        if piece.kind == "object"
        and piece.size >= WORTH_A_WORD
        and graph.copied(piece)
        and not any(graph.contents(piece))
    ]
    return sorted(found, key=lambda piece: -piece.size)


def droppables(
    macros: Iterable[Macro], graph: FlashGraph, savings: Savings, coverage: Coverage | None
) -> list[Droppable]:
    """Those that save anything, the largest first."""
    found = [_droppable(macro, graph, savings, coverage) for macro in macros]
    return sorted((each for each in found if each.saving.size), key=lambda each: (-each.saving.size, each.macro.option))


def _droppable(macro: Macro, graph: FlashGraph, savings: Savings, coverage: Coverage | None) -> Droppable:
    saving = savings.without(Wanted(macro.names, macro.files, macro.texts, macro.shrinks))
    functions = [piece for piece in saving.gone if piece.kind == "function"]
    ranges = [part for piece in functions for part in graph.code(piece)] + [*graph.instructions(saving.cut)]
    ran = None if coverage is None else sum(coverage.size(*part) for part in ranges)
    return Droppable(macro, saving, tuple(_users(graph, saving)), sum(end - start for start, end in ranges), ran)


def _users(graph: FlashGraph, saving: Saving) -> Iterator[Piece]:
    """Functions that stay and would lose code, of files that are not where most of mbedTLS's are."""
    folders = Counter(_folder(piece) for piece in graph.pieces if piece.name.startswith("mbedtls_") and piece.file)
    library = max(folders, key=lambda folder: folders[folder], default="")
    for number in sorted({graph.pieces.number(start) for start, _end in saving.cut}):
        piece = graph.pieces[number]
        if piece.kind == "function" and piece.file and _folder(piece) != library:
            yield piece


def _folder(piece: Piece) -> str:
    return piece.file.removesuffix(file_name(piece.file))


def idle(graph: FlashGraph, found: Iterable[Droppable], coverage: Coverage) -> list[Idle]:
    """The functions that never ran, the largest first."""
    options: dict[int, list[str]] = defaultdict(list)
    for each in found:
        for piece in each.saving.gone:
            options[piece.start].append(f"MBEDTLS_{each.macro.option}")
    functions = (
        piece for piece in graph.pieces if piece.kind == "function" and not coverage.size(piece.start, piece.end)
    )
    idles = [Idle(piece, _code(graph, piece), tuple(options[piece.start])) for piece in functions]
    return sorted(idles, key=lambda each: (-each.code, each.piece.start))


def _code(graph: FlashGraph, piece: Piece) -> int:
    return sum(end - start for start, end in graph.code(piece)) if piece.kind == "function" else 0


def _short(file: str) -> str:
    """Without what leads out of the folder that it was compiled in."""
    while file.startswith(("../", "./")):
        file = file.partition("/")[2]
    return file
