# SPDX-License-Identifier: GPL-2.0-or-later
"""Types of C and C++ as DWARF describes them (DWARF 5, chapter 5), read from pyelftools' DIEs.

Whatever is missing or malformed makes a type unknown or a list shorter, never an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Self

MOST_NAMES = 32
"""Typedefs and qualifiers around a type."""


class Shape(Enum):
    """What values of a type look like."""

    VOID = auto()
    SIGNED = auto()
    UNSIGNED = auto()
    CHARACTER = auto()
    BOOLEAN = auto()
    FLOAT = auto()
    ENUMERATION = auto()
    POINTER = auto()
    STRUCTURE = auto()
    ARRAY = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a structure: where, and of which type. Bit-fields and unnamed members are left out."""

    name: str
    offset: int
    type: Type


@dataclass(frozen=True, slots=True)
class Type:
    """A type without its qualifiers. `size` is in bytes, 0 when not known; `name` is the typedef's or the tag's."""

    shape: Shape
    name: str = ""
    size: int = 0
    die: Any = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, die: Any) -> Self:
        """The type that `die` has by DW_AT_type; void without one. Typedefs and qualifiers are seen through."""
        try:
            return cls._read(die)
        except Exception:  # pyelftools raises whatever the malformed data leads to
            return cls(Shape.UNKNOWN)

    @classmethod
    def _read(cls, die: Any) -> Self:
        name = ""
        for _ in range(MOST_NAMES):
            if "DW_AT_type" not in die.attributes:
                return cls(Shape.VOID, name)
            die = die.get_DIE_from_attribute("DW_AT_type")
            name = name or text_of(die, "DW_AT_name")
            if die.tag not in _TRANSPARENT:
                return cls(_shape(die), name, _size(die), die)
        return cls(Shape.UNKNOWN, name)

    @property
    def target(self) -> Type:
        """What a pointer points to, or the type of an array's elements."""
        return Type.of(self.die)

    def fields(self) -> list[Field]:
        """The members of a structure or union, in order."""
        parts = (die for die in children(_definition(self.die)) if die.tag == "DW_TAG_member")
        return [
            Field(text_of(die, "DW_AT_name"), member_offset(die) or 0, Type.of(die))
            for die in parts
            if "DW_AT_name" in die.attributes and not _BIT_FIELD & die.attributes.keys()
        ]

    def enumerators(self) -> Mapping[int, str]:
        """Names of an enumeration's values."""
        parts = [die for die in children(self.die) if die.tag == "DW_TAG_enumerator"]
        return {_number(die, "DW_AT_const_value"): text_of(die, "DW_AT_name") for die in parts}


_TRANSPARENT = {
    *("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type", "DW_TAG_restrict_type", "DW_TAG_atomic_type"),
}
_PLUS_UCONST = 0x23  # DW_OP_plus_uconst, DWARF 5, 2.5.1.4
_BIT_FIELD = {"DW_AT_bit_size", "DW_AT_data_bit_offset"}
_SHAPES = {
    "DW_TAG_enumeration_type": Shape.ENUMERATION,
    "DW_TAG_pointer_type": Shape.POINTER,
    "DW_TAG_reference_type": Shape.POINTER,
    "DW_TAG_structure_type": Shape.STRUCTURE,
    "DW_TAG_class_type": Shape.STRUCTURE,
    "DW_TAG_union_type": Shape.STRUCTURE,
    "DW_TAG_array_type": Shape.ARRAY,
}
_ENCODINGS = {  # DW_ATE_*, DWARF 5, 7.8
    2: Shape.BOOLEAN, 4: Shape.FLOAT, 5: Shape.SIGNED, 6: Shape.CHARACTER, 7: Shape.UNSIGNED, 8: Shape.CHARACTER,
}  # fmt: skip


def children(die: Any) -> Iterator[Any]:
    """The DIEs below `die`, as far as they can be read and follow each other."""
    last = die.offset
    try:
        for child in die.iter_children():
            if child.offset <= last:  # a sibling that leads back
                return
            last = child.offset
            yield child
    except Exception:  # pyelftools raises whatever the malformed data leads to
        return


def _shape(die: Any) -> Shape:
    if die.tag != "DW_TAG_base_type":
        return _SHAPES.get(die.tag, Shape.UNKNOWN)
    shape = _ENCODINGS.get(_number(die, "DW_AT_encoding"), Shape.UNKNOWN)
    if shape is Shape.CHARACTER and text_of(die, "DW_AT_name") != "char":  # uint8_t and int8_t are numbers
        return Shape.SIGNED if _number(die, "DW_AT_encoding") == 6 else Shape.UNSIGNED
    return shape


def _size(die: Any) -> int:
    """Bytes; of an array its elements times their count."""
    if die.tag != "DW_TAG_array_type":
        return _number(die, "DW_AT_byte_size")
    count = 1
    for bounds in (part.attributes for part in children(die) if part.tag == "DW_TAG_subrange_type"):
        upper = bounds.get("DW_AT_upper_bound")
        count *= upper.value + 1 if upper is not None and isinstance(upper.value, int) else 0
    return count * Type.of(die).size


def _definition(die: Any) -> Any:
    """The definition of a structure in its unit, where `die` only declares it."""
    if "DW_AT_declaration" not in die.attributes:
        return die
    others = (other for other in children(die.cu.get_top_DIE()) if other.tag == die.tag)
    named = (other for other in others if text_of(other, "DW_AT_name") == text_of(die, "DW_AT_name"))
    return next((other for other in named if "DW_AT_declaration" not in other.attributes), die)


def member_offset(die: Any) -> int | None:
    """Where a member begins in its structure, in bytes: a number or, before DWARF 4, an expression that adds one."""
    found = die.attributes.get("DW_AT_data_member_location")
    value = None if found is None else found.value
    if isinstance(value, list) and value[:1] == [_PLUS_UCONST]:
        return sum((int(byte) & 0x7F) << 7 * n for n, byte in enumerate(value[1:]))  # unsigned LEB128
    return int(value) if isinstance(value, int) else None


def text_of(die: Any, attribute: str) -> str:
    """The value of an attribute that is a string, "" without one."""
    found = die.attributes.get(attribute)
    return found.value.decode("utf-8", "replace") if found is not None and isinstance(found.value, bytes) else ""


def _number(die: Any, attribute: str) -> int:
    found = die.attributes.get(attribute)
    return found.value if found is not None and isinstance(found.value, int) else 0
