# SPDX-License-Identifier: GPL-2.0-or-later
"""Fragments about the MPU (B3.5): kilobytes of their own get attributes, and are then used in all ways."""

from __future__ import annotations

import layout
from fragments import Lines, Place, guarded, kind, may_fault
from fragments_faults import faulting

BACKGROUND = 2
"""regions for flash, SRAM and peripherals; the following ones are for single kilobytes"""
ACCESS = (0, 1, 2, 3, 5, 6)
"""none; privileged; privileged, and read by all; all; read by the privileged; read by all"""
ENABLE, HFNMIENA, PRIVDEFENA = 1, 2, 4
SIZE_1_KB = 9


def kilobyte(place: Place) -> int:
    """The address of one of the area's kilobytes."""
    return layout.MPU_AREA + 0x400 * place.rng.randrange(layout.MPU_AREA_KB)


def region(number: int, base: int, size: int, access: int, never: int = 0) -> Lines:
    """RBAR and RASR; the size is 2 to the power of `size` + 1."""
    attributes = never << 28 | access << 24 | size << 1 | 1
    return [f"put MPU_RBAR, {base | 0x10 | number:#x}", f"put MPU_RASR, {attributes:#x}"]


@kind(2)
def protect(place: Place) -> Lines:
    """Attributes for a kilobyte, and the MPU on."""
    number = place.rng.randrange(BACKGROUND, 8)
    one = region(number, kilobyte(place), SIZE_1_KB, place.rng.choice(ACCESS), place.rng.randrange(2))
    everything = [*region(0, 0, 29, 3), *region(1, 0x40000000, 28, 3, 1)]
    on = ENABLE | place.rng.choice((PRIVDEFENA, PRIVDEFENA, 0)) | place.rng.choice((0, 0, HFNMIENA))
    return guarded(place, [*everything, *one, f"put MPU_CTRL, {on}", "dsb", "isb"])


@kind(1)
def unprotect(place: Place) -> Lines:
    """The MPU off."""
    return guarded(place, ["put MPU_CTRL, 0", "dsb", "isb"])


@kind(4, may_fault)
def touch(place: Place) -> Lines:
    """Load, store or run what may be protected."""
    accesses = (
        *(
            "ldr r1, [r0]",
            "str r1, [r0, #4]",
            "ldrb r1, [r0, #3]",
            "strh r1, [r0, #2]",
            "ldrt r1, [r0]",
            "strt r1, [r0]",
        ),
        *(
            "ldmia r0, {r1, r2}",
            "stmdb r0, {r1, r2}",
            "ldrd r1, r2, [r0, #-4]",
            "str r1, [r0, #-2]",
            "orr r0, #1\n    blx r0",
        ),
    )
    lines = [f"ldr r0, ={kilobyte(place):#x}", "movs r1, #0", "movs r2, #0", "movs r3, #0", place.rng.choice(accesses)]
    return faulting([*lines, "bic r0, #1", "note 13"])
