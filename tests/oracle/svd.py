# SPDX-License-Identifier: GPL-2.0-or-later
"""ST's SVD files as a judge of register declarations.

Every block of every chip's board is held against the SVD peripherals that the chip's file has at its addresses: each
SVD register and field must be declared at the same bits under the same name and with a compatible access word, each
reset value must agree, and nothing may be declared that no SVD file and no erratum knows. Deviations are listed in
`svd_errata.py`, never hidden here.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

from stm32emu.chip import Block
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_R, RO, WO, Field, Register

FOLDER = Path(__file__).resolve().parents[2] / "build" / "svd"
Names = Mapping[str, Mapping[str, str]]
"""By class, SVD name ("REG" or "REG.FIELD") to ours where they differ. In a name with every number replaced by `{}` the
numbers match anything; ours takes them as `{0}`, `{1}` ..."""


COVERAGE = pytest.StashKey[list[str]]()
"""Lines for the tests' summary."""
OUTCOMES = ("modelled", "tagged", "erratum", "gap")


@dataclass(frozen=True)
class Erratum:
    """A place where the SVD files are wrong or silent. `why` cites the manual.

    `place` is "Class.REGISTER" or "Class.REGISTER.FIELD", the class ours, the rest in SVD names; `*` matches anything.
    `kind` is "bogus" (silicon has no such thing), "missing" (no SVD has it; the place then has our names), "reset",
    "access" or "name".
    """

    place: str
    kind: str
    why: str
    devices: tuple[str, ...] = ()  # empty: all
    blocks: tuple[str, ...] = ()  # empty: all


@dataclass(frozen=True)
class SvdField:
    """A field as the SVD file has it."""

    name: str
    bit: int
    width: int
    access: str

    @property
    def mask(self) -> int:
        return ((1 << self.width) - 1) << self.bit


@dataclass(frozen=True)
class SvdRegister:
    """A register as the SVD file has it, at its address."""

    name: str
    address: int
    reset: int
    fields: tuple[SvdField, ...]


@cache
def peripherals(device: str) -> Mapping[str, ET.Element]:
    """The <peripheral> elements of one file by name."""
    path = FOLDER / f"{device}.svd"
    assert path.exists(), f"{path.name} is missing: run `python scripts/fetch_svd.py` (or `make test`) first"
    return {element.findtext("name", ""): element for element in ET.parse(path).getroot().iter("peripheral")}


def _number(element: ET.Element, tag: str) -> int:
    text = element.findtext(tag, "0")
    return int(text, 2 if re.fullmatch("0[01]{7}", text) else 0)  # I2SPR's reset value is in binary, unmarked


@cache
def registers(device: str) -> tuple[SvdRegister, ...]:
    """All registers of one file; `derivedFrom` is followed. One with two views (TIM's CCMR) comes twice."""
    return tuple(
        register
        for name, element in peripherals(device).items()
        for register in _registers(
            peripherals(device)[element.get("derivedFrom", name)], _number(element, "baseAddress")
        )
    )


def _registers(element: ET.Element, base: int) -> Iterator[SvdRegister]:
    for register in element.iter("register"):
        access = register.findtext("access", "read-write")
        fields = tuple(
            SvdField(each.findtext("name", ""), _number(each, "bitOffset"), _number(each, "bitWidth"),
                     each.findtext("access", access))
            for each in register.iter("field")
        )  # fmt: skip
        address = base + _number(register, "addressOffset")
        yield SvdRegister(register.findtext("name", ""), address, _number(register, "resetValue"), fields)


class Comparison:
    """The differences between one block and its SVD registers, and the errata that excused some.

    `found` holds sentences, `places` what the SVD file has of each class, with one of OUTCOMES, and `known` the bits
    that it has, by class and offset.
    """

    def __init__(self, block: Block, model: Peripheral, device: str, names: Names, errata: Iterable[Erratum]) -> None:
        self.block = block
        self._names = names
        self._errata = [
            each
            for each in errata
            if device in (each.devices or [device]) and block.name in (each.blocks or [block.name])
        ]
        self.used: set[Erratum] = set()
        self.found: list[str] = []
        self.places: dict[str, str] = {}
        self.known: dict[tuple[type[Peripheral], int], int] = {}
        parts = sorted(model.parts(), key=lambda part: part[0])
        for register in registers(device):
            offset = register.address - block.base
            if 0 <= offset < block.size:
                start, part = next(each for each in reversed(parts) if each[0] <= offset)
                self._register(part, offset - start, register)

    def _complain(self, place: str, kind: str, sentence: str) -> None:
        excuse = next((each for each in self._errata if each.kind == kind and fnmatchcase(place, each.place)), None)
        self.places[place] = "gap" if excuse is None else "erratum"
        if excuse is None:
            self.found.append(f"{self.block.name}: {place}: {sentence} ({kind})")
        else:
            self.used.add(excuse)

    def _register(self, part: Peripheral, offset: int, theirs: SvdRegister) -> None:
        place = f"{type(part).__name__}.{theirs.name}"
        ours = next((each for each in part.REGISTERS if each.offset == offset), None)
        if ours is None:
            self._complain(place, "bogus", f"SVD has it at {theirs.address:#x}, we do not")
            return
        self.places[place] = "tagged" if all(each.tagged for each in ours.all_fields()) else "modelled"
        if (expected := self._name(type(part), theirs.name, theirs.name)) != ours.name:
            self._complain(place, "name", f"SVD's {expected} is our {ours.name}")
        if (reset := part.words[ours.index]) != theirs.reset:
            self._complain(place, "reset", f"SVD {theirs.reset:#010x}, ours {reset:#010x}")
        for each in theirs.fields:
            self._field(type(part), ours, theirs, each)
        key = (type(part), offset)
        self.known[key] = self.known.get(key, 0) | (_bits(theirs.fields) if theirs.fields else 0xFFFF_FFFF)

    def _field(self, owner: type[Peripheral], register: Register, theirs: SvdRegister, each: SvdField) -> None:
        place = f"{owner.__name__}.{theirs.name}.{each.name}"
        expected = self._name(owner, f"{theirs.name}.{each.name}", each.name)
        around = [one for one in register.all_fields() if one.mask & each.mask == each.mask]
        if not around:
            self._complain(place, "bogus", f"SVD has bits {each.mask:#010x}, we have no one field there")
            return
        ours = next((one for one in around if _is_called(one, expected, each.mask)), None)
        if ours is None:
            ours = around[0]
            self._complain(place, "name", f"we call it {ours.name} ({ours.mask:#x})")
        if not _compatible(each.access, ours.access):
            self._complain(place, "access", f"SVD {each.access}, ours {ours.access}")
        self.places.setdefault(place, "tagged" if ours.tagged else "modelled")

    def _name(self, owner: type[Peripheral], place: str, default: str) -> str:
        """Our name for an SVD place; digits match `{}` and are carried over."""
        names = {name: ours for base in owner.__mro__ for name, ours in self._names.get(base.__name__, {}).items()}
        if place in names:
            return names[place]
        pattern = re.sub(r"\d+", "{}", place)
        return names[pattern].format(*re.findall(r"\d+", place)) if pattern in names else default


def coverage(comparisons: Iterable[Comparison]) -> Iterator[tuple[str, Counter[str]]]:
    """Each class with the number of its SVD registers and fields by outcome, the worst of any file."""
    worst: dict[str, str] = {}
    for each in comparisons:
        for place, outcome in each.places.items():
            worst[place] = max(worst.get(place, OUTCOMES[0]), outcome, key=OUTCOMES.index)
    for name in sorted({place.partition(".")[0] for place in worst}):
        yield name, Counter(outcome for place, outcome in worst.items() if place.partition(".")[0] == name)


def made_up(block: type[Peripheral], comparisons: Sequence[Comparison]) -> list[str]:
    """What a class declares and no file has, as "Class.REGISTER.FIELD" in our names. The files of classes that it
    inherits from, or that inherit from it, count too."""
    known: dict[int, int] = {}
    for each in comparisons:
        for (owner, offset), bits in each.known.items():
            if issubclass(owner, block) or issubclass(block, owner):
                known[offset] = known.get(offset, 0) | bits
    return [
        f"{block.__name__}.{register.name}.{one.name}"
        for register in block.REGISTERS
        for one in register.all_fields()
        if one.mask & ~known.get(register.offset, 0)
    ]


def _is_called(ours: Field, expected: str, mask: int) -> bool:
    """The SVD files split some fields into numbered bits: PLLM0 ... PLLM5, MR0 ... MR22."""
    name = re.sub(f"^{ours.register.name}_", "", ours.name)
    return (ours.mask == mask and name in (expected, expected.lower())) or name == re.sub(r"_?\d+$", "", expected)


def _bits(fields: Sequence[SvdField]) -> int:
    bits = 0
    for each in fields:
        bits |= each.mask
    return bits


def _compatible(svd: str, ours: str) -> bool:
    """SVD files know three access words; every way to clear or set a bit is "read-write" to them."""
    kind = "read-only" if ours in (RO, RC_R) else "write-only" if ours == WO else "read-write"
    return svd == kind
