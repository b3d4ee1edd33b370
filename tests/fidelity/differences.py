# SPDX-License-Identifier: GPL-2.0-or-later
"""Where we and QEMU 7.2 differ, and the ARMv7-M ARM (DDI 0403E) sides with us or leaves it open.

A `Rendering` says what QEMU shows where we show something else; comparing goes on. A `Parting` lets two records differ
and ends the comparison of that program, since from there on the machines go different ways.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import layout
from fragments import IRQ0, IRQS, NMI, PENDSV, SYSTICK
from outcome import Record, fields, kind_of

VECTTBL, FORCED, DEBUGEVT = 1 << 1, 1 << 30, 1 << 31
INVSTATE, INVPC, UNALIGNED = 1 << 17, 1 << 18, 1 << 24
ASYNCHRONOUS = (NMI, PENDSV, SYSTICK, *(IRQ0 + irq for irq in IRQS))


@dataclass(frozen=True)
class Rendering:
    """`theirs` turns our record into QEMU's."""

    what: str
    paragraph: str
    theirs: Callable[[Record], Record]


@dataclass(frozen=True)
class Parting:
    """`here` tells from our record and QEMU's, the first that differ, whether this is why."""

    what: str
    paragraph: str
    here: Callable[[Record, Record], bool]


def _place(record: Record, field: str) -> int | None:
    names = list(fields(record))
    return names.index(field) + 1 if field in names else None


def get(record: Record, field: str) -> int:
    """A field's value, 0 if the record has no such field."""
    at = _place(record, field)
    return record[at] if at else 0


def change(record: Record, field: str, value: Callable[[int], int]) -> Record:
    """A copy with another value in a field, if the record has it."""
    at = _place(record, field)
    return (*record[:at], value(record[at]), *record[at + 1 :]) if at else record


def _breakpoint(record: Record) -> Record:
    return change(record, "HFSR", lambda hfsr: hfsr & ~DEBUGEVT | FORCED if hfsr & DEBUGEVT else hfsr)


def _vector_table(record: Record) -> Record:
    return change(record, "HFSR", lambda hfsr: hfsr | FORCED if hfsr & VECTTBL else hfsr)


def _no_handler_to_return_to(mine: Record, other: Record) -> bool:
    """INVPC with an EXC_RETURN that asks for Handler mode."""
    return get(mine, "EXC_RETURN") & 0xF == 1 and bool(get(mine, "CFSR") & INVPC)


def _frame_of_failed_return(mine: Record, other: Record) -> bool:
    """INVPC for a stacked IPSR that does not fit: the frame is what it was; QEMU has popped it, or pushed it anew."""
    popped = any(get(mine, field) != get(other, field) for field in ("frame", "FPCCR", "[xpsr]"))
    return popped and bool(get(mine, "CFSR") & get(other, "CFSR") & INVPC)


def _odd_halfword_without_thumb(mine: Record, other: Record) -> bool:
    """INVSTATE at an address that is no multiple of four."""
    same = (get(mine, "CFSR") ^ get(other, "CFSR")) & ~(INVSTATE | UNALIGNED) == 0
    return same and bool(get(mine, "CFSR") & INVSTATE and get(other, "CFSR") & UNALIGNED and get(mine, "[pc]") & 2)


def _end_of_page(mine: Record, other: Record) -> bool:
    """QEMU's blocks end with a 1 KB page of code, and it looks for interrupts at the end of each."""
    asynchronous = mine[0] & 0xFFFF in ASYNCHRONOUS or other[0] & 0xFFFF in ASYNCHRONOUS
    just_before = 0 < get(mine, "[pc]") - get(other, "[pc]") <= 6  # a fault or SVCall that was pended by hand
    at_end = kind_of(other) == layout.ENTRY and get(other, "[pc]") & 0x3FF in (0, 0x3FE)
    return at_end and (asynchronous or just_before)


RENDERINGS = (
    Rendering("BKPT without a debugger sets HFSR.DEBUGEVT; QEMU sets FORCED", "B3.2.16, C1.6.1", _breakpoint),
    Rendering("a vector that cannot be read sets HFSR.VECTTBL; QEMU adds FORCED", "B1.5.14, B3.2.16", _vector_table),
)
PARTINGS = (
    Parting(
        "a return to Handler mode from the only active exception is refused with INVPC; QEMU looks at the frame first",
        "B1.5.8, integrity checks on exception returns",
        _no_handler_to_return_to,
    ),
    Parting(
        "when the stacked IPSR does not fit the return, its stack is what it was before; QEMU leaves the frame popped",
        "B1.5.8, ExceptionReturn(): PushStack() to negate PopStack()",
        _frame_of_failed_return,
    ),
    Parting(
        "without EPSR.T any instruction is INVSTATE; QEMU reports UNALIGNED when its address is no multiple of four",
        "B1.4.2, B1.5.14",
        _odd_halfword_without_thumb,
    ),
    Parting(
        "a pended exception comes at the ISB behind the write or before; QEMU takes it where a page of code ends",
        "A3.7.3, B3.4.1",
        _end_of_page,
    ),
)


def rendered(record: Record) -> Record:
    """Our record as QEMU would have it."""
    for rendering in RENDERINGS:
        record = rendering.theirs(record)
    return record


def parting(mine: Record, other: Record) -> Parting | None:
    """The entry that explains why two records differ."""
    return next((entry for entry in PARTINGS if entry.here(mine, other)), None)
