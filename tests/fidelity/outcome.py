# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run of one program leaves behind: how it ended, and its log, record by record."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import layout
from program import exception_name

Record = tuple[int, ...]

ENTRY_FIELDS = (
    *("EXC_RETURN", "ICSR", "SHCSR", "HFSR", "CFSR", "MMFAR", "BFAR", "ISPR", "IABR", "CONTROL", "masks", "frame"),
    *("[r0]", "[r1]", "[r2]", "[r3]", "[r12]", "[lr]", "[pc]", "[xpsr]"),
)
FP_FIELDS = (*(f"[s{n}]" for n in range(16)), "[fpscr]")
LAZY_FIELDS = ("FPCCR", "FPCAR")
NOTE_FIELDS = ("r0", "r1", "r2", "r3", "APSR", "CONTROL")
END_FIELDS = (
    *("ICSR", "SHCSR", "HFSR", "CFSR", "ISPR", "IABR", "masks", "CONTROL", "PSP"),
    *(f"scratch[{n}]" for n in range(layout.SCRATCH_WORDS)),
    *(f"s{n}" for n in range(16)),
    "fpscr",
)

ENDED, LOCKUP, HUNG = "ended", "lockup", "hung"


@dataclass(frozen=True)
class Outcome:
    """`end` is ENDED, LOCKUP or HUNG."""

    end: str
    records: tuple[Record, ...]


def words(log: bytes) -> tuple[int, ...]:
    """A log's bytes as words."""
    return struct.unpack(f"<{len(log) // 4}I", log[: len(log) & ~3])


def records(log: Sequence[int]) -> Iterator[Record]:
    """A log cut at its head words."""
    at = 0
    while at < len(log) and (length := log[at] >> 16 & 0xFFF):
        yield tuple(log[at : at + length])
        at += length


def by_program(log: bytes) -> dict[int, tuple[Record, ...]]:
    """The records of each program in a log, which begin with the program's number."""
    result: dict[int, list[Record]] = {}
    current: list[Record] = []
    for record in records(words(log)):
        if kind_of(record) == layout.BEGIN:
            current = result[record[0] & 0xFFFF] = []
        else:
            current.append(record)
    return {number: tuple(found) for number, found in result.items()}


def outcomes(log: bytes, ends: Mapping[int, str]) -> dict[int, Outcome]:
    """What a log tells of the programs in it; `ends` has those that did not just end."""
    return {number: Outcome(ends.get(number, ENDED), found) for number, found in by_program(log).items()}


def kind_of(record: Record) -> int:
    """One of layout's kinds."""
    return record[0] >> 28


def title(record: Record) -> str:
    """What a record tells of, in a few words."""
    value = record[0] & 0xFFFF
    kinds = {
        layout.ENTRY: f"entry of {exception_name(value)}",
        layout.NOTE: f"note {value}",
        layout.END: "end",
        layout.UNEXPECTED: "a fault that was not expected",
    }
    return kinds.get(kind_of(record), f"unknown record {record[0]:#x}")


def fields(record: Record) -> dict[str, int]:
    """A record's words by name."""
    kind, values = kind_of(record), record[1:]
    names: tuple[str, ...] = ()
    if kind == layout.ENTRY:
        names = (*ENTRY_FIELDS, *(LAZY_FIELDS if len(values) == len(ENTRY_FIELDS) + 2 else FP_FIELDS))
    elif kind == layout.NOTE:
        names = NOTE_FIELDS
    elif kind == layout.END:
        names = END_FIELDS
    return dict(zip(names, values, strict=False))
