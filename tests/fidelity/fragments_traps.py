# SPDX-License-Identifier: GPL-2.0-or-later
"""Fragments about what may be made to trap: unaligned accesses and division by zero."""

from __future__ import annotations

from fragments import Lines, Place, guarded, kind, may_fault
from fragments_faults import faulting

DIV_0_TRP, UNALIGN_TRP = 1 << 4, 1 << 3


@kind(1)
def set_traps(place: Place) -> Lines:
    """CCR.DIV_0_TRP and UNALIGN_TRP."""
    bits = place.rng.choice((DIV_0_TRP, UNALIGN_TRP, DIV_0_TRP | UNALIGN_TRP))
    change = ["ldr r1, =CCR", "ldr r0, [r1]", f"eor r0, #{bits}", "str r0, [r1]", "dsb", "isb"]
    return guarded(place, change)


@kind(3, may_fault)
def unaligned_words(place: Place) -> Lines:
    """What must be aligned whatever CCR says (A3.2.1): several words at once, exclusives."""
    accesses = (
        *(
            "ldmia r0, {r2, r3}",
            "stmia r0!, {r1, r2}",
            "ldmdb r0, {r2, r3}",
            "ldrd r2, r3, [r0]",
            "strd r1, r2, [r0, #8]",
        ),
        *("ldrex r2, [r0]", "ldrexh r2, [r0]"),
    )
    at = place.rng.choice((1, 2, 3, 4)) + 8 * place.rng.randrange(1, 8)
    lines = [f"ldr r0, =SCRATCH + {at}", "movs r1, #1", "movs r2, #2", "movs r3, #3", place.rng.choice(accesses)]
    return faulting([*lines, "movs r1, #0", "note 12"])
