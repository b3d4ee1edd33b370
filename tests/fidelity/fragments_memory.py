# SPDX-License-Identifier: GPL-2.0-or-later
"""Fragments that access memory as they may: unaligned, exclusive, several words, inside IT blocks."""

from __future__ import annotations

from fragments import Lines, Place, guarded, kind
from fragments_interrupts import pend_lines
from fragments_masks import filler


def number(place: Place) -> str:
    """A word that shows where it came from."""
    return f"{place.rng.getrandbits(32):#010x}"


@kind(2)
def unaligned(place: Place) -> Lines:
    """Single loads and stores at odd addresses, which the Cortex-M4 allows (A3.2.1)."""
    at, size = place.rng.randrange(1, 60), place.rng.choice(("", "h", "b"))
    lines = [f"ldr r0, =SCRATCH + {at}", f"ldr r1, ={number(place)}", f"str{size} r1, [r0]"]
    load = place.rng.choice(("ldr r2, [r0, #1]", "ldrh r2, [r0, #3]", "ldrsh r2, [r0]", "ldr r2, [r0], #3"))
    return ["expect 9f", *lines, load, "note 3", "9:", "expect_end"]


@kind(3)
def exclusive(place: Place) -> Lines:
    """LDREX and STREX, with or without an exception between, which clears the monitor (A3.4.4)."""
    size = place.rng.choice(("", "", "h", "b"))
    between = place.rng.choice(
        ([], [], ["clrex"], filler(place, 3), guarded(place, [*pend_lines(place), "isb"]), ["svc #1"])
    )
    if any(line.startswith("svc") for line in between):
        between = ["expect 8f", *between, "8:", "expect_end"]
    at = place.rng.randrange(8) * 4
    return [
        *(f"ldr r0, =SCRATCH + {at}", f"ldrex{size} r1, [r0]"),
        *between,
        *(
            f"ldr r0, =SCRATCH + {at}",
            "adds r1, #1",
            f"strex{size} r2, r1, [r0]",
            "movs r1, #0",
            "movs r3, #0",
            "note 4",
        ),
    ]


@kind(2)
def several_words(place: Place) -> Lines:
    """LDM, STM, LDRD, STRD, PUSH and POP of aligned words."""
    at = place.rng.randrange(12) * 4
    moves = (
        ["stmia r0!, {r1, r2}", "ldmdb r0, {r2, r3}"],
        ["strd r1, r2, [r0, #8]", "ldrd r2, r3, [r0, #4]"],
        ["push {r1, r2}", "pop {r2, r3}", "str r3, [r0]"],
        ["stmdb r0, {r1, r2}", "ldr r3, [r0, #-4]"],
    )
    lines = [f"ldr r0, =SCRATCH + 16 + {at}", f"ldr r1, ={number(place)}", f"ldr r2, ={number(place)}", "movs r3, #0"]
    return [*lines, *place.rng.choice(moves), "note 5"]


@kind(3)
def it_block(place: Place) -> Lines:
    """An exception in the middle of an IT block: its state is stacked in xPSR (B1.4.2) and must come back."""
    condition, opposite = place.rng.choice((("eq", "ne"), ("hi", "ls"), ("ge", "lt"), ("mi", "pl")))
    pattern = "".join(place.rng.choice("te") for _ in range(2))
    names = [condition if letter == "t" else opposite for letter in pattern]
    address, value = place.rng.choice((("ISPR", "0x2000003F"), ("ICSR", "0x14000000")))
    return guarded(
        place,
        [
            *(f"ldr r0, ={address}", f"ldr r1, ={value}", f"movs r2, #{place.rng.randrange(256)}"),
            *(f"cmp r2, #{place.rng.randrange(256)}", f"itt{pattern} {condition}", f"str{condition} r1, [r0]"),
            *(f"isb{condition}", f"add{names[0]} r2, #1", f"add{names[1]} r2, #16"),
            *("movs r0, #0", "movs r1, #0", "movs r3, #0", "note 6"),
        ],
    )


@kind(1)
def bit_band(place: Place) -> Lines:
    """One bit of scratch memory through its alias (B3.1)."""
    bit = place.rng.randrange(0x200 * 8, 0x220 * 8)
    return [f"put {0x22000000 + bit * 4:#x}, {place.rng.randrange(2)}", "ldr r2, [r0]", "movs r3, #0", "note 7"]
