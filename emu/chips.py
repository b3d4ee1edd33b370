# SPDX-License-Identifier: GPL-2.0-or-later
"""Finding the part: by the name a user types, or by what the firmware itself gives away."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from stm32emu.chip import Block, Chip, Region
from stm32emu.chip_table import CHIPS
from stm32emu.elf import Firmware
from stm32emu.errors import UserError
from stm32emu.foreign import refuse_foreign
from stm32emu.vectors import SYSTEM_VECTORS, vectors_at

__all__ = ["CHIPS", "Block", "Chip", "ChipGuess", "Region", "check_fits", "find_chip", "infer_chip"]

BY_NAME = {chip.name: chip for chip in CHIPS}
PREFERENCE = ("STM32F407", "STM32F429", "STM32F469", "STM32F446", "STM32F413")  # where several parts would do
NAME = re.compile(r"(?:STM32)?F?(4\d\d)([A-Z]{1,2}(\w{1,3})?)?", re.IGNORECASE)  # f407, STM32F407VG, stm32f407xx
STATIC = Region("NOR/PSRAM banks", 0x6000_0000, 0x1000_0000)
SDRAM = Region("SDRAM banks", 0xC000_0000, 0x2000_0000)
EXTERNAL = {"FSMC": (STATIC,), "FMC": (STATIC, SDRAM)}
OTHER_EXTERNAL = Region("NAND, PC card, QUADSPI", 0x7000_0000, 0x3000_0000)

# What a file says about its part, the most telling first; names of files and macros stay in it as symbols and as DWARF.
MENTIONS = (
    ("its start-up file is {}", re.compile(rb"(startup_stm32f(4\d\d)\w*)", re.IGNORECASE)),
    ("it was compiled with {}", re.compile(rb"(stm32f(4\d\d)\w{0,2}\.h)", re.IGNORECASE)),
    ("it mentions {}", re.compile(rb"(stm32f(4\d\d)\w*)", re.IGNORECASE)),
)
HANDLER = re.compile(rb"(?<=\0)(\w+)_IRQHandler(?=\0)")  # in the string table of the symbols


@dataclass(frozen=True)
class ChipGuess:
    """A part and, as half a sentence, what speaks for it."""

    chip: Chip
    why: str


def find_chip(name: str) -> Chip:
    """The part a user means by `name`: with or without STM32, package and flash letters. Raises UserError."""
    match = NAME.fullmatch(name.strip())
    chip = BY_NAME.get(f"STM32F{match[1]}") if match else None
    if chip is None:
        raise UserError(f"there is no chip {name!r} here; {_advice(name.strip().upper())}")
    return chip


def _advice(name: str) -> str:
    family = re.match(r"STM32[A-Z]+\d", name)
    if family and family[0] != "STM32F4":
        return "only parts of the STM32F4 family are modelled"
    digits = re.sub(r"^(STM32)?F?", "", name)[:3]
    close = get_close_matches(f"STM32F{digits}", BY_NAME, n=3, cutoff=0.85) if len(digits) == 3 else []
    return f"did you mean {' or '.join(sorted(close))}?" if close else "`stm32emu chips` lists those there are"


def infer_chip(firmware: Firmware) -> ChipGuess:
    """The most likely part for `firmware`: what the file names, if the image fits into it, else the first that fits.

    Raises:
        UserError: it names a part of another family.
    """
    refuse_foreign(firmware.path, firmware.contents, "--chip takes it for one of that family all the same")
    fitting = [chip for chip in CHIPS if not any(_misfits(firmware, chip))]
    named = _mentioned(firmware.contents)
    if named and (named.chip in fitting or not fitting):
        return named
    if named:
        other = _preferred(fitting)
        return ChipGuess(other, f"{named.why}, but {next(_misfits(firmware, named.chip))}")
    return _by_handlers(firmware.contents, fitting) or _by_table(firmware, fitting) or _by_size(fitting)


def check_fits(firmware: Firmware, chip: Chip) -> None:
    """Raise UserError unless every segment and the initial stack lie in the chip's memory."""
    for misfit in _misfits(firmware, chip):
        raise UserError(f"{firmware.path}: {misfit}; choose another part with --chip or relink the image")


def _misfits(firmware: Firmware, chip: Chip) -> Iterator[str]:
    """Half a sentence for everything that does not fit. External memory may be used, but is empty at the start."""
    for segment in firmware.segments:
        stored, used = (segment.physical, len(segment.data)), (segment.virtual, segment.size)
        for address, size in dict.fromkeys((stored, used)):
            regions = chip.memories if (address, size) == stored else (*chip.memories, *_external(chip))
            if size and not any(region.holds(address, size) for region in regions):
                yield f"the segment at {address:#010x} ({size} bytes) {_outside(address, chip)}"
    if not any(region.base < firmware.initial_sp <= region.end for region in chip.core_memory[1:]):
        yield f"the initial stack pointer {firmware.initial_sp:#010x} is outside the RAM of the {chip.name}"


def _external(chip: Chip) -> list[Region]:
    """Where the chip's memory controller has banks that are modelled."""
    return [region for block in chip.blocks for region in EXTERNAL.get(block.name, ())]


def _outside(address: int, chip: Chip) -> str:
    if any(region.holds(address) for region in _external(chip)):
        return "is stored in external memory, which is empty when a run starts"
    if OTHER_EXTERNAL.holds(address):
        return "is in external memory, which stm32emu does not model"
    return f"is outside the memory of the {chip.name}"


def _mentioned(contents: bytes) -> ChipGuess | None:
    """The part named most often by the most telling kind of mention."""
    for why, pattern in MENTIONS:
        found = Counter((match[2].decode(), match[1].decode()) for match in pattern.finditer(contents))
        for (digits, text), _count in found.most_common():
            chip = BY_NAME.get(f"STM32F{digits}")
            if chip:
                return ChipGuess(chip, why.format(text))
    return None


def _by_handlers(contents: bytes, fitting: list[Chip]) -> ChipGuess | None:
    """The fitting part whose vector table has all the interrupt handlers that the file defines by ST's names."""
    vectors = {chip.name: {_handler(name) for _irq, name in chip.vector_names()} for chip in CHIPS}
    known = set().union(*vectors.values())
    found = {_handler(match.decode()) for match in HANDLER.findall(contents)} & known
    chips = [chip for chip in fitting if found <= vectors[chip.name]]
    if not found or not chips:
        return None
    return ChipGuess(_preferred(chips), f"it has every interrupt that the image handles ({_some(sorted(found))})")


def _handler(vector: str) -> str:
    """ST's start-up files say HASH_RNG on parts without HASH too."""
    return vector.removeprefix("HASH_")


def _by_table(firmware: Firmware, fitting: list[Chip]) -> ChipGuess | None:
    """The fitting part with as many interrupts as its vector table has entries (a table ends with a handler)."""
    vectors = vectors_at(firmware.segments, firmware.vector_table)
    length = max(n for n, word in enumerate(vectors, 1) if word)
    chips = [chip for chip in fitting if chip.irq_count + SYSTEM_VECTORS == length]
    return ChipGuess(_preferred(chips), f"its vector table has {length} entries") if chips else None


def _by_size(fitting: list[Chip]) -> ChipGuess:
    if not fitting or BY_NAME[PREFERENCE[0]] in fitting:
        return ChipGuess(BY_NAME[PREFERENCE[0]], "nothing in the file names a part, and this is the usual one")
    return ChipGuess(_preferred(fitting), "nothing in the file names a part, and this one has the memory it needs")


def _preferred(chips: list[Chip]) -> Chip:
    return next((BY_NAME[name] for name in PREFERENCE if BY_NAME[name] in chips), chips[0])


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
