# SPDX-License-Identifier: GPL-2.0-or-later
"""Coverage as an LCOV tracefile (geninfo(1)), for genhtml and whatever else reads such files.

What ran is known, how often is not: counts are 0 and 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from stm32emu.coverage import Coverage
from stm32emu.symbols import Symbols

SUFFIX = ".info"
"""How names of such files end."""


@dataclass
class _Source:
    """A source file: line -> whether it ran; function -> its line, and whether it was entered."""

    lines: dict[int, bool] = field(default_factory=dict)
    functions: dict[str, tuple[int, bool]] = field(default_factory=dict)


def tracefile(coverage: Coverage, symbols: Symbols) -> str:
    """A record per source file that has code in the ELF; empty without DWARF lines."""
    return "".join(
        f"{line}\n" for path, source in sorted(_sources(coverage, symbols).items()) for line in _record(path, source)
    )


def _sources(coverage: Coverage, symbols: Symbols) -> dict[str, _Source]:
    """A line has run when any of its code has."""
    sources: dict[str, _Source] = defaultdict(_Source)
    for span in symbols.lines.spans():
        if symbols.is_code(span.start):
            lines = sources[span.file].lines
            lines[span.line] = lines.get(span.line, False) or coverage.size(span.start, span.end) > 0
    for symbol in symbols:
        place = symbols.line(symbol.address) if symbol.kind == "function" else None
        if place is not None:
            entered = coverage.size(symbol.address, symbol.address + 2) > 0
            sources[place[0]].functions[symbol.name] = place[1], entered
    return sources


def _record(path: str, source: _Source) -> Iterator[str]:
    yield "TN:"
    yield f"SF:{path}"
    for name, (line, _entered) in sorted(source.functions.items()):
        yield f"FN:{line},{name}"
    for name, (_line, entered) in sorted(source.functions.items()):
        yield f"FNDA:{entered:d},{name}"
    yield f"FNF:{len(source.functions)}"
    yield f"FNH:{sum(entered for _line, entered in source.functions.values())}"
    for line, ran in sorted(source.lines.items()):
        yield f"DA:{line},{ran:d}"
    yield f"LF:{len(source.lines)}"
    yield f"LH:{sum(source.lines.values())}"
    yield "end_of_record"
