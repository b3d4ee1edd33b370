# SPDX-License-Identifier: GPL-2.0-or-later
"""Fragments that use the FPU, whose registers go with the frame of whatever interrupts them."""

from __future__ import annotations

from fragments import Lines, Place, guarded, in_thread, kind
from fragments_faults import faulting
from fragments_interrupts import pend_lines


def single(place: Place) -> str:
    """Some small float, as bits."""
    return f"{place.rng.choice((0x3F800000, 0x40490FDB, 0xC2280000, 0x00000001, 0x7F800000, 0x4B000001)):#x}"


@kind(4)
def compute(place: Place) -> Lines:
    """Arithmetic that sets registers and FPSCR."""
    to, a, b = (place.rng.randrange(16) for _ in range(3))
    op = place.rng.choice(("vadd.f32", "vmul.f32", "vsub.f32", "vdiv.f32"))
    return [
        *(f"ldr r0, ={single(place)}", f"vmov s{a}, r0", f"ldr r0, ={single(place)}", f"vmov s{b}, r0"),
        *(f"{op} s{to}, s{a}, s{b}", f"vcmp.f32 s{to}, s{a}", "vmrs r1, fpscr", f"vmov r0, s{to}"),
        *("movs r2, #0", "movs r3, #0", "note 8"),
    ]


@kind(3)
def compute_across(place: Place) -> Lines:
    """FP values that must survive whatever comes between."""
    a, b = place.rng.sample(range(16), 2)
    return [
        *(f"ldr r0, ={single(place)}", f"vmov s{a}, r0"),
        *guarded(place, [*pend_lines(place), "isb"]),
        *(f"vmov r0, s{a}", f"vmov r1, s{b}", "vmrs r2, fpscr", "movs r3, #0", "note 9"),
    ]


@kind(1)
def set_fpscr(place: Place) -> Lines:
    """Rounding mode, flush to zero, default NaN, flags."""
    return [f"ldr r0, ={place.rng.getrandbits(32) & 0xF7C0009F:#x}", "vmsr fpscr, r0"]


@kind(1, in_thread)
def forget_fp(place: Place) -> Lines:
    """CONTROL.FPCA cleared by hand: the next frame has no FP registers."""
    return ["mrs r0, control", "bic r0, #4", "msr control, r0", "isb"]


@kind(2, in_thread)
def denied_fpu(place: Place) -> Lines:
    """CPACR denies the FPU, to all or without privilege: NOCP. The frame has no FP context."""
    forget = ["mrs r0, control", "bic r0, #4", "msr control, r0", "isb"]
    deny = guarded(place, [f"put CPACR, {place.rng.choice((0, 0x00500000)):#x}", "dsb", "isb"])
    use = place.rng.choice(("vmov s3, r0", "vadd.f32 s1, s2, s3", "vmrs r1, fpscr", "vldr s4, [r0]"))
    allow = guarded(place, ["put CPACR, 0x00F00000", "dsb", "isb"])
    return [*forget, *deny, *faulting(["ldr r0, =SCRATCH", use]), *allow]
