# SPDX-License-Identifier: GPL-2.0-or-later
"""How an image was built: compilers and options, from .comment and from DWARF's DW_AT_producer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stm32emu.elf import DAMAGE
from stm32emu.symbols import Symbols

MOST_UNITS = 400
OPTIMISATION = re.compile(r"(?<!\S)-O(\S*)")
FLOAT = re.compile(r"(?<!\S)-mfloat-abi=(\S+)")


@dataclass(frozen=True)
class Build:
    """Compilers, each once; the optimisation option and float ABI of most units ("" when nothing tells)."""

    compilers: tuple[str, ...]
    optimisation: str
    float_abi: str
    debug_information: bool

    @property
    def kind(self) -> str:
        """Debug or release build, in words; "" when nothing tells."""
        if not self.optimisation:
            return ""
        return "debug build" if self.optimisation in ("-O0", "-Og") else "optimised build"

    def __str__(self) -> str:
        debug = "with debug information" if self.debug_information else "without debug information"
        float_abi = f"-mfloat-abi={self.float_abi}" if self.float_abi else ""
        return ", ".join(filter(None, (self.kind, self.optimisation, float_abi, debug)))


def read_build(symbols: Symbols) -> Build:
    """What the file says about its compiler; empty answers where it says nothing."""
    producers = list(_producers(symbols))
    options = [producer for producer in producers if OPTIMISATION.search(producer) or FLOAT.search(producer)]
    names = [*_comments(symbols)] or [producer.split(" -", 1)[0] for producer in producers]
    levels = Counter(_level(producer) for producer in options)
    floats = Counter(match[1] for producer in options if (match := FLOAT.search(producer)))
    return Build(
        compilers=tuple(dict.fromkeys(names)),
        optimisation=levels.most_common(1)[0][0] if levels else "",
        float_abi=floats.most_common(1)[0][0] if floats else "",
        debug_information=bool(producers),
    )


def _level(producer: str) -> str:
    """The last -O option wins; without one GCC does not optimise, and -O alone is -O1."""
    found = OPTIMISATION.findall(producer)
    return f"-O{found[-1] or '1'}" if found else "-O0"


def _comments(symbols: Symbols) -> Iterator[str]:
    section = symbols.elf.get_section_by_name(".comment") if symbols.elf is not None else None
    try:
        lines = section.data().split(b"\0") if section is not None else []
    except DAMAGE:
        lines = []
    return (line.decode("utf-8", "replace") for line in lines if line.strip())


def _producers(symbols: Symbols) -> Iterator[str]:
    """DW_AT_producer of the units that are not assembly."""
    try:
        units: Any = symbols.debug.dwarf.iter_CUs() if symbols.debug.dwarf is not None else ()
        for _, unit in zip(range(MOST_UNITS), units, strict=False):
            attribute = unit.get_top_DIE().attributes.get("DW_AT_producer")
            producer = attribute.value.decode("utf-8", "replace") if attribute is not None else ""
            if producer and not producer.startswith("GNU AS"):
                yield producer
    except Exception:  # pyelftools raises whatever malformed data leads to; what was read so far stands
        return
