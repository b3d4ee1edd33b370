# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether two outcomes of a program agree, and where they first do not; the smallest program that still does not."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from differences import Parting, parting, rendered
from image import build
from ours import Ours
from outcome import LOCKUP, Outcome, Record, fields, title
from program import SETUP, Program
from qemu import Qemu


@dataclass(frozen=True)
class Comparison:
    """`difference` in words, None if there is none; `part` when a listed difference ended the comparison."""

    difference: str | None = None
    part: Parting | None = None
    records: int = 0
    """how many were compared"""


def compare(ours: Outcome, theirs: Outcome) -> Comparison:
    """Our outcome and QEMU's, record by record."""
    number = 0
    for number, (mine, other) in enumerate(zip_longest(ours.records, theirs.records)):
        if mine is None or other is None:
            return Comparison(f"record {number}: {_unequal(mine, other)}", None, number)
        if mine != other and rendered(mine) != other:
            part = parting(mine, other)
            return Comparison(None if part else f"record {number}: {_unequal(mine, other)}", part, number)
    ends = None if ours.end == theirs.end else f"ours {ours.end}, QEMU {theirs.end}"
    return Comparison(ends, None, len(ours.records))


def _unequal(mine: Record | None, other: Record | None) -> str:
    if mine is None or other is None or mine[0] != other[0]:
        return f"ours {title(mine) if mine else 'nothing more'}, QEMU {title(other) if other else 'nothing more'}"
    theirs = fields(other)
    unequal = [(name, value, theirs[name]) for name, value in fields(rendered(mine)).items() if value != theirs[name]]
    return f"{title(mine)}: " + ", ".join(f"{name} ours {a:#x} QEMU {b:#x}" for name, a, b in unequal)


def run_all(programs: Sequence[Program], folder: Path, cores: Sequence[Ours]) -> list[list[Comparison]]:
    """For each of our cores, the comparison of each program with QEMU, which runs them once."""
    elf = build(programs, folder)
    ours = [core.run(elf, len(programs)) for core in cores]
    theirs = Qemu().run(elf, len(programs), [number for number, outcome in ours[0].items() if outcome.end == LOCKUP])
    return [[compare(mine[number], theirs[number]) for number in range(len(programs))] for mine in ours]


def shrink(program: Program, core: Ours) -> tuple[Program, str | None]:
    """Drop fragments for as long as a difference is left, halves of sections first, then one by one; and what it is."""
    with tempfile.TemporaryDirectory() as folder:

        def differs(candidate: Program) -> str | None:
            return run_all([candidate], Path(folder), [core])[0][0].difference

        why = differs(program)
        for section in sorted(program.sections, key=lambda name: name == SETUP) if why else ():
            size = len(program.sections[section])
            while size:
                at = 0
                while at < len(program.sections[section]):
                    candidate = program.without(section, at, size)
                    found = differs(candidate)
                    if found:
                        program, why = candidate, found
                    else:
                        at += size
                size //= 2
        return program, why
