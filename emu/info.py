# SPDX-License-Identifier: GPL-2.0-or-later
"""What a firmware file says about itself, read without running it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import Any

from stm32emu.chip import Chip, Region
from stm32emu.chips import check_fits, find_chip, infer_chip
from stm32emu.elf import Firmware, load_firmware
from stm32emu.errors import UserError
from stm32emu.fault_status import EXCEPTION_NAMES
from stm32emu.guesses import addresses, console
from stm32emu.references import BlockUse, block_uses, constants
from stm32emu.software import Image, Software, detect, phy
from stm32emu.symbols import Symbols
from stm32emu.toolchain import Build, read_build
from stm32emu.vectors import vectors_at

WIDTH = 100
LABEL = 13
ADDRESSES_SHOWN = 4
DEFAULT_SHARED_BY = 3
"""A handler of that many vectors is the default handler."""


@dataclass(frozen=True)
class MemoryUse:
    """Bytes of a memory that the image occupies."""

    region: Region
    used: int

    @property
    def percent(self) -> float:
        """Of the region's size."""
        return 100 * self.used / self.region.size


@dataclass(frozen=True)
class Vector:
    """An entry of the vector table: exception number, name, handler address without the Thumb bit, and its symbol."""

    number: int
    name: str
    handler: int
    symbol: str


@dataclass(frozen=True)
class InfoReport:
    """Everything found; `str()` is `render()`."""

    firmware: Firmware
    chip: Chip
    why: str
    misfit: str
    memory: tuple[MemoryUse, ...]
    vectors: tuple[Vector, ...]
    software: tuple[Software, ...]
    build: Build
    blocks: tuple[BlockUse, ...]
    console: tuple[str, str] | None
    phy: Software | None
    addresses: tuple[str, ...]

    def __str__(self) -> str:
        return self.render()

    def render(self) -> str:
        """Text without a line end and without colour."""
        parts = [self._file(), self._memory(), self._vectors(), self._software(), self._blocks(), self._guesses()]
        return "\n\n".join("\n".join(part) for part in parts if part)

    def to_dict(self) -> dict[str, Any]:
        """The same as data for JSON; addresses and sizes are integers."""
        return {
            "path": str(self.firmware.path),
            "chip": {"name": self.chip.name, "why": self.why, "misfit": self.misfit or None},
            "entry": self.firmware.entry,
            "vector_table": self.firmware.vector_table,
            "initial_sp": self.firmware.initial_sp,
            "memory": [
                {"name": m.region.name, "base": m.region.base, "size": m.region.size, "used": m.used}
                for m in self.memory
            ],
            "vectors": [asdict(vector) for vector in self.vectors],
            "software": [asdict(software) for software in self.software],
            "build": asdict(self.build),
            "peripherals": [{"name": b.name, "functions": b.functions, "library": b.library} for b in self.blocks],
            "console": None if self.console is None else {"port": self.console[0], "why": self.console[1]},
            "phy": None if self.phy is None else asdict(self.phy),
            "addresses": list(self.addresses),
        }

    def _file(self) -> list[str]:
        firmware = self.firmware
        lines = [f"{firmware.path}", *_row("chip", f"{self.chip.name}: {self.why}")]
        if self.misfit:
            lines += _row("but", self.misfit)
        for compiler in self.build.compilers:
            lines += _row("compiler", compiler)
        return lines + _row("build", str(self.build))

    def _memory(self) -> list[str]:
        return ["memory"] + [
            f"  {use.region.name:<{LABEL}}{use.region.base:#010x} {use.used:>9} of {use.region.size:>8} bytes"
            f" {use.percent:6.1f} %"
            for use in self.memory
        ]

    def _vectors(self) -> list[str]:
        firmware = self.firmware
        heading = f"vector table at {firmware.vector_table:#010x}, initial sp {firmware.initial_sp:#010x}"
        defaults = default_handlers(self.vectors)
        own = [vector for vector in self.vectors if vector.handler not in defaults]
        lines = [heading, *(f"  {v.number:>3} {v.name:<20} {v.handler:08x}  {v.symbol}".rstrip() for v in own)]
        for handler in defaults:
            shared = [vector for vector in self.vectors if vector.handler == handler]
            name = shared[0].symbol or f"{handler:#010x}"
            lines.append(f"  the default handler {name} serves {len(shared)} more")
        return lines

    def _software(self) -> list[str]:
        lines = [line for item in self.software for line in _row(str(item), item.evidence, width=28)]
        return ["software", *(lines or ["  nothing recognised"])]

    def _blocks(self) -> list[str]:
        """Blocks of the firmware's own code with who uses them; those of driver libraries only in one line."""
        lines = []
        for use in self.blocks:
            if not use.library:
                more = f" and {len(use.users) - 3} more" if len(use.users) > 3 else ""
                lines += _row(use.name, ", ".join(use.users[:3]) + more)
        library = [use.name for use in self.blocks if use.library]
        if library:
            lines += _row("in drivers", ", ".join(library))
        return ["peripherals that the code references", *(lines or ["  none found"])]

    def _guesses(self) -> list[str]:
        lines = []
        if self.console is not None:
            lines += _row("console", f"{self.console[0]} ({self.console[1]})")
        if self.phy is not None:
            lines += _row("PHY", f"{self.phy} ({self.phy.evidence})")
        if self.addresses:
            lines += _row("addresses", ", ".join(self.addresses[:ADDRESSES_SHOWN]))
        return ["probably", *lines] if lines else []


def describe(path: Path | str, chip_name: str | None = None) -> InfoReport:
    """Read the firmware at `path`; for `chip_name` instead of the part that it seems to be for, when given.

    Raises:
        UserError: the file is no usable firmware, or there is no such chip.
    """
    firmware = load_firmware(Path(path))
    symbols = Symbols.from_elf(BytesIO(firmware.contents))
    if chip_name is None:
        guess = infer_chip(firmware)
        chip, why = guess.chip, guess.why
    else:
        chip, why = find_chip(chip_name), "as you said"
    blocks, found = block_uses(firmware, symbols, chip), constants(firmware, symbols)
    uses_ethernet = any(use.name == "ETH" for use in blocks)
    return InfoReport(
        firmware=firmware,
        chip=chip,
        why=why,
        misfit=_misfit(firmware, chip),
        memory=tuple(memory_use(firmware, chip)),
        vectors=tuple(_read_vectors(firmware, chip, symbols)),
        software=tuple(detect(firmware, symbols)),
        build=read_build(symbols),
        blocks=tuple(blocks),
        console=console(found, blocks, symbols),
        phy=phy(Image(firmware.contents, symbols)) if uses_ethernet else None,
        addresses=tuple(addresses(firmware, symbols, found, chip)) if uses_ethernet else (),
    )


def memory_use(firmware: Firmware, chip: Chip) -> list[MemoryUse]:
    """Per memory the bytes that are stored there or occupied at run time; overlaps count once."""
    stored = [(s.physical, s.physical + len(s.data)) for s in firmware.segments]
    occupied = [(s.virtual, s.virtual + s.size) for s in firmware.segments]
    uses = [MemoryUse(region, _covered([*stored, *occupied], region)) for region in chip.memories]
    return [use for use in uses if use.used or use.region in chip.core_memory]


def default_handlers(vectors: Sequence[Vector]) -> list[int]:
    """Handlers that many vectors share."""
    shared = Counter(vector.handler for vector in vectors)
    return [handler for handler, count in shared.items() if count >= DEFAULT_SHARED_BY]


def _covered(ranges: Iterable[tuple[int, int]], region: Region) -> int:
    """Bytes of `region` that lie in any of the ranges."""
    total, reached = 0, region.base
    for start, end in sorted(ranges):
        start, end = max(start, reached), min(end, region.end)
        if start < end:
            total += end - start
            reached = end
    return total


def _misfit(firmware: Firmware, chip: Chip) -> str:
    try:
        check_fits(firmware, chip)
    except UserError as error:
        return str(error).removeprefix(f"{firmware.path}: ")
    return ""


def _read_vectors(firmware: Firmware, chip: Chip, symbols: Symbols) -> Iterable[Vector]:
    names = EXCEPTION_NAMES | {16 + irq: name for irq, name in chip.vector_names()}
    words = vectors_at(firmware.segments, firmware.vector_table)
    for number, word in enumerate(words[: 16 + chip.irq_count]):
        if number and word:
            symbol = symbols.lookup(word & ~1)
            yield Vector(number, names.get(number, "reserved"), word & ~1, str(symbol or ""))


def _row(label: str, text: str, width: int = LABEL) -> list[str]:
    """A labelled text, wrapped under itself."""
    margin = " " * (width + 2)
    return wrap(f"  {label:<{width - 1}} {text}", WIDTH, subsequent_indent=margin, break_on_hyphens=False)
