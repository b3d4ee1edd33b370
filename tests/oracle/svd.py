# SPDX-License-Identifier: GPL-2.0-or-later
"""ST's SVD files as a judge of register declarations, and what they themselves get wrong.

A block is compared with every device it models: each SVD register and field must be declared at the same bits under
the same name and with a compatible access word, each reset value must agree, and nothing may be declared that no SVD
file of the case and no erratum knows. Deviations are listed in `svd_cases.py`, never hidden here.
"""

from __future__ import annotations

import importlib
import inspect
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.memory import FlatMemory
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_R, RO, WO, Field, Register

FOLDER = Path(__file__).resolve().parents[2] / "build" / "svd"
STANDARD: Mapping[str, Callable[[], Any]] = {
    "clock": ManualClock,
    "tree": ClockTree,
    "memory": lambda: FlatMemory(0x2000_0000, 0x1000),
}


@dataclass(frozen=True)
class Case:
    """One of our classes against SVD peripherals of one device.

    Args:
        block: "module.Class" within stm32emu.peripherals, imported when the test runs.
        device: the SVD file's stem ("STM32F40x").
        peripherals: SVD peripheral names; the first gives offset 0, further ones lie at their distance from it.
        arguments: constructor arguments beyond clock, tree, memory and IRQ lines, which are made as needed.
        names: SVD name ("REG" or "REG.FIELD") to ours where they differ. In a name with every number replaced by `{}`
            the numbers match anything; ours takes them as `{0}`, `{1}` ...
    """

    block: str
    device: str
    peripherals: tuple[str, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.block}-{self.device}-{self.peripherals[0]}"


@dataclass(frozen=True)
class Erratum:
    """A place where the SVD files are wrong or silent. `why` cites the manual.

    `place` is "PERIPHERAL.REGISTER" or "PERIPHERAL.REGISTER.FIELD" in SVD names; PERIPHERAL is the case's first.
    `kind` is "bogus" (silicon has no such thing), "missing" (no SVD has it; the place then has our names), "reset",
    "access" or "name".
    """

    place: str
    kind: str
    why: str
    devices: tuple[str, ...] = ()  # empty: all


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
    """A register as the SVD file has it; `offset` is from the case's first peripheral."""

    name: str
    offset: int
    reset: int
    fields: tuple[SvdField, ...]


@cache
def _device(device: str) -> Mapping[str, ET.Element]:
    path = FOLDER / f"{device}.svd"
    assert path.exists(), f"{path.name} is missing: run `python scripts/fetch_svd.py` (or `make test`) first"
    return {element.findtext("name", ""): element for element in ET.parse(path).getroot().iter("peripheral")}


def _number(element: ET.Element, tag: str) -> int:
    text = element.findtext(tag, "0")
    return int(text, 2 if re.fullmatch("0[01]{7}", text) else 0)  # I2SPR's reset value is in binary, unmarked


def _registers(device: str, name: str) -> Iterator[SvdRegister]:
    """The registers of one SVD peripheral, offsets from its own base; `derivedFrom` is followed."""
    element = _device(device)[name]
    base = _device(device)[element.get("derivedFrom", name)]
    for register in base.iter("register"):
        access = register.findtext("access", "read-write")
        fields = tuple(
            SvdField(each.findtext("name", ""), _number(each, "bitOffset"), _number(each, "bitWidth"),
                     each.findtext("access", access))
            for each in register.iter("field")
        )  # fmt: skip
        yield SvdRegister(
            register.findtext("name", ""), _number(register, "addressOffset"), _number(register, "resetValue"), fields
        )


def svd_registers(case: Case) -> list[SvdRegister]:
    """The case's SVD registers, offsets within our block; a register with two views (TIM's CCMR) comes twice."""
    bases = [_number(_device(case.device)[name], "baseAddress") for name in case.peripherals]
    return [
        replace(each, offset=base - bases[0] + each.offset)
        for name, base in zip(case.peripherals, bases, strict=True)
        for each in _registers(case.device, name)
    ]


def make(case: Case) -> Peripheral:
    """An instance of the case's class, as out of reset."""
    module, _, name = case.block.rpartition(".")
    block = getattr(importlib.import_module(f"stm32emu.peripherals.{module}"), name)
    arguments = dict(case.arguments)
    for parameter in list(inspect.signature(block).parameters.values())[1:]:
        if parameter.name in arguments or parameter.default is not parameter.empty:
            continue
        line = "IrqLine" in str(parameter.annotation)
        arguments[parameter.name] = IrqLine() if line else STANDARD[parameter.name]()
    made = block(case.peripherals[0], **arguments)
    assert isinstance(made, Peripheral)
    return made


class Comparison:
    """The differences between one case's block and its SVD registers, and the errata that excused some.

    `found` holds sentences. `unknown` holds, by offset, the bits that we declare and this device's SVD does not: they
    may belong to another device that the same class models.
    """

    def __init__(self, case: Case, errata: tuple[Erratum, ...]) -> None:
        self.case = case
        here = [each for each in errata if not each.devices or case.device in each.devices]
        self.errata = {(each.place, each.kind): each for each in here}
        self.used: set[Erratum] = set()
        self.found: list[str] = []
        self.unknown: dict[int, int] = {}
        self.block = make(case)
        self._compare()

    def _excused(self, place: str, kind: str) -> bool:
        erratum = self.errata.get((f"{self.case.peripherals[0]}.{place}", kind))
        if erratum is not None:
            self.used.add(erratum)
        return erratum is not None

    def _complain(self, place: str, kind: str, sentence: str) -> None:
        if not self._excused(place, kind):
            self.found.append(f"{place}: {sentence} ({kind})")

    def _compare(self) -> None:
        ours = {register.offset: register for register in type(self.block).REGISTERS}
        self.unknown = {offset: _bits(_declared(register)) for offset, register in ours.items()}
        for register in svd_registers(self.case):
            if register.offset in ours:
                self._register(ours[register.offset], register)
            else:
                self._complain(register.name, "bogus", f"SVD has it at {register.offset:#x}, we do not")

    def _register(self, ours: Register, theirs: SvdRegister) -> None:
        if self._name(theirs.name, theirs.name) != ours.name:
            self.found.append(f"{theirs.name}: we call it {ours.name}")
        reset = self.block.words[ours.index]
        if reset != theirs.reset:
            self._complain(theirs.name, "reset", f"SVD {theirs.reset:#010x}, ours {reset:#010x}")
        for each in theirs.fields:
            self._field(ours, theirs, each)
        self.unknown[ours.offset] &= ~(_bits(theirs.fields) if theirs.fields else 0xFFFF_FFFF)

    def _field(self, register: Register, theirs: SvdRegister, each: SvdField) -> None:
        place = f"{theirs.name}.{each.name}"
        ours = next((one for one in _declared(register) if one.mask & each.mask == each.mask), None)
        if ours is None:
            self._complain(place, "bogus", f"SVD has bits {each.mask:#010x}, we have no one field there")
            return
        expected = self._name(place, each.name)
        ours_name = re.sub(f"^{register.name}_", "", ours.name)
        exact = ours.mask == each.mask
        if not (exact and ours_name in (expected, expected.lower())) and _stem(expected) != ours_name:
            self._complain(place, "name", f"we call it {ours.name} ({ours.mask:#x})")
        if not _compatible(each.access, ours.access):
            self._complain(place, "access", f"SVD {each.access}, ours {ours.access}")

    def _name(self, place: str, default: str) -> str:
        """Our name for an SVD place; digits match `{}` and are carried over."""
        if place in self.case.names:
            return self.case.names[place]
        digits = re.findall(r"\d+", place)
        pattern = re.sub(r"\d+", "{}", place)
        return self.case.names[pattern].format(*digits) if pattern in self.case.names else default


def made_up(
    block: type[Peripheral], comparisons: Sequence[Comparison], errata: tuple[Erratum, ...]
) -> dict[str, Erratum | None]:
    """What a class declares and no device of the comparisons has, "PERIPHERAL.REGISTER.FIELD" in our names, with the
    "missing" erratum (of the field or its whole register) that excuses it."""
    excuses = {each.place: each for each in errata if each.kind == "missing"}
    found: dict[str, Erratum | None] = {}
    peripheral = comparisons[0].case.peripherals[0]
    for register in block.REGISTERS:
        bits = 0xFFFF_FFFF
        for each in comparisons:
            bits &= each.unknown.get(register.offset, 0xFFFF_FFFF)
        place = f"{peripheral}.{register.name}"
        for one in _declared(register):
            if one.mask & bits:
                found[f"{place}.{one.name}"] = excuses.get(place) or excuses.get(f"{place}.{one.name}")
    return found


def _declared(register: Register) -> list[Field]:
    """The register's fields; one without fields is a field of 32 bits."""
    if register.fields:
        return register.fields
    whole = Field(register, 0, 32, register.access, tagged=False)
    whole.name = register.name
    return [whole]


def _stem(name: str) -> str:
    """The SVD files split some fields into numbered bits: PLLM0 ... PLLM5, MR0 ... MR22."""
    return re.sub(r"_?\d+$", "", name)


def _bits(fields: Sequence[SvdField] | Sequence[Field]) -> int:
    bits = 0
    for each in fields:
        bits |= each.mask
    return bits


def _compatible(svd: str, ours: str) -> bool:
    """SVD files know three access words; every way to clear or set a bit is "read-write" to them."""
    kind = "read-only" if ours in (RO, RC_R) else "write-only" if ours == WO else "read-write"
    return svd == kind
