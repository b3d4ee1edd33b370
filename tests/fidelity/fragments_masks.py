# SPDX-License-Identifier: GPL-2.0-or-later
"""Fragments that mask and unmask, and stretches of other code of any length to stand between the two."""

from __future__ import annotations

from fragments import NMI, Lines, Place, guarded, kind
from fragments_interrupts import pend_lines, priority

FILLERS: tuple[Lines, ...] = (
    ["nop"],
    ["adds r2, #1"],
    ["lsls r2, r2, #3"],
    ["eor r2, r3, r2, ror #5"],
    ["mul r3, r2, r3"],
    ["umull r2, r3, r2, r3"],
    ["push {r2, r3}", "pop {r2, r3}"],
    ["b 1f", "1:"],
    ["cbz r2, 1f", "adds r3, #7", "1:"],
    ["cmp r2, r3", "ite hi", "addhi r3, #1", "subls r2, #1"],
    ["movs r3, #3", "1:", "subs r3, #1", "bne 1b"],
    ["bl 1f", "1:"],
    ["ldr r3, =SCRATCH", "ldr r2, [r3, #8]"],
    ["ldr r3, =SCRATCH", "str r2, [r3, #12]"],
    ["sev", "wfe"],
    ["dsb"],
    ["isb"],
)


def filler(place: Place, most: int) -> Lines:
    """Up to `most` harmless pieces of code, with branches among them."""
    return [line for _ in range(place.rng.randint(0, most)) for line in place.rng.choice(FILLERS)]


def mask_line(place: Place) -> str:
    """Change one mask, either way."""
    value = priority(place)
    ways = (
        *("cpsid i", "cpsie i", "cpsid i", "cpsie i", "cpsid f", "cpsie f"),
        *(f"set basepri, {value:#x}", f"set basepri, {value:#x}", f"set basepri_max, {value:#x}", "set basepri, 0"),
        *("set primask, 0", "set primask, 1", "set faultmask, 0", "set faultmask, 1"),
    )
    never = ("cpsid f", "set faultmask, 1") if place.exception == NMI else ()  # QEMU lets it be set there, B5.2.3
    return place.rng.choice([way for way in ways if way not in never])


@kind(8)
def mask(place: Place) -> Lines:
    """Change a mask for good."""
    return [mask_line(place), "isb"]


@kind(8)
def masked_stretch(place: Place) -> Lines:
    """Pend under a mask, do something else, unmask."""
    begin, end = place.rng.choice(
        (
            ("cpsid i", "cpsie i"),
            ("cpsid f", "cpsie f"),
            (f"set basepri, {priority(place):#x}", "set basepri, 0"),
            ("set primask, 1", "set primask, 0"),
            ("set faultmask, 1", "set faultmask, 0"),
        )
    )
    pending = guarded(place, [*pend_lines(place), "isb"])
    return [begin, "isb", *filler(place, 6), *pending, *filler(place, 20), end, "isb"]


@kind(2)
def run_on(place: Place) -> Lines:
    """Other code."""
    return filler(place, 12)


@kind(2)
def read_masks(place: Place) -> Lines:
    """The masks, into the log; they read as zero without privilege."""
    return ["mrs r0, primask", "mrs r1, faultmask", "mrs r2, basepri", "mrs r3, xpsr", "bic r3, #0xF8000000", "note 2"]
