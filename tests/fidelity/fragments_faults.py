# SPDX-License-Identifier: GPL-2.0-or-later
"""Fragments that fault, or that set the scene for faults: where they go to and what they find."""

from __future__ import annotations

from fragments import IRQ0, IRQS, NMI, Lines, Place, guarded, in_handler, in_thread, kind, may_fault
from fragments_interrupts import pend_lines

HOLES = (0x30000000, 0x60000010, 0x90000FFC, 0x20030000, 0x200303F0)
"""nothing answers here on either machine"""
LOST = (0x30001000, 0x60001000, 0x90001000)
"""for stacks: away from where regions meet, since no order of a frame's accesses is laid down (B1.5.6)"""
EXECUTE_NEVER = (0x40000001, 0x50000001, 0xA0000001, 0xE0000001)


def faulting(lines: Lines) -> Lines:
    """Lines that fault somewhere; the handler goes on behind them."""
    return ["expect 9f", *lines, "9:", "expect_end"]


def hole(place: Place) -> str:
    """The address of no memory."""
    return f"{place.rng.choice(HOLES) + 4 * place.rng.randrange(4):#x}"


@kind(4, may_fault)
def bad_load(place: Place) -> Lines:
    """A load from nowhere, by all kinds of instructions: BusFault, precise."""
    loads = (
        *("ldr r2, [r0]", "ldrb r2, [r0, #3]", "ldrh r2, [r0, #2]", "ldr r2, [r0, r1]", "ldr r2, [r0, r1, lsl #2]"),
        *("ldr.w r2, [r0, #0x40]", "ldr r2, [r0, #-4]", "ldr r2, [r0], #4", "ldr r2, [r0, #4]!", "ldrsb r2, [r0]"),
        *("ldrd r2, r3, [r0, #8]", "ldmia r0, {r2, r3}", "ldrex r2, [r0]", "ldrbt r2, [r0]", "tbb [r0, r1]"),
    )
    return faulting([f"ldr r0, ={hole(place)}", f"movs r1, #{4 * place.rng.randrange(4)}", place.rng.choice(loads)])


@kind(3, may_fault)
def bad_store(place: Place) -> Lines:
    """A store to nowhere."""
    stores = (
        *("str r1, [r0]", "strb r1, [r0, #5]", "strh r1, [r0, #2]", "str r1, [r0, r2]", "str r1, [r0], #4"),
        *("str r1, [r0, #8]!", "strd r1, r2, [r0]", "stmia r0!, {r1, r2}", "strt r1, [r0]"),
    )
    return faulting([f"ldr r0, ={hole(place)}", "movs r1, #1", "movs r2, #8", place.rng.choice(stores)])


@kind(2, may_fault)
def bad_fetch(place: Place) -> Lines:
    """A branch to where no code can be: BusFault, or MemManage in an execute-never region (B3.1)."""
    target = place.rng.choice((f"{place.rng.choice(HOLES) | 1:#x}", f"{place.rng.choice(EXECUTE_NEVER):#x}"))
    return faulting([f"ldr r0, ={target}", place.rng.choice(("bx r0", "blx r0"))])


@kind(2, may_fault)
def no_thumb(place: Place) -> Lines:
    """A branch to an even address: INVSTATE at the target."""
    return faulting(["ldr r0, =vectors", place.rng.choice(("bx r0", "blx r0"))])


@kind(3, may_fault)
def undefined(place: Place) -> Lines:
    """UDF, 16 and 32 bits wide, and inside an IT block."""
    return faulting(place.rng.choice((["udf #1"], ["udf.w #2"], ["cmp r0, r0", "itt eq", "moveq r1, #1", "udfeq #3"])))


@kind(1, may_fault)
def no_coprocessor(place: Place) -> Lines:
    """An instruction for a coprocessor that is not there."""
    return faulting(
        [place.rng.choice(("mrc p15, 0, r0, c1, c0, 0", "mcr p14, 0, r0, c0, c0, 0", "cdp p3, 0, c0, c0, c0"))]
    )


@kind(2, may_fault)
def divide_by_zero(place: Place) -> Lines:
    """Zero, or a fault if CCR.DIV_0_TRP says so."""
    divide = place.rng.choice(("udiv", "sdiv"))
    return faulting(
        ["movs r0, #7", "movs r1, #0", "movs r2, #1", "movs r3, #0", "isb", f"{divide} r2, r0, r1", "note 11"]
    )


@kind(1, may_fault)
def breakpoint(place: Place) -> Lines:
    """BKPT without a debugger."""
    return faulting([f"bkpt #{place.rng.randrange(128)}"])


@kind(2, in_thread)
def forbidden(place: Place) -> Lines:
    """What an unprivileged thread may not do; a privileged one may."""
    accesses = (
        "ldr r1, [r0]",
        "str r1, [r0]",
        "ldrt r1, [r0]",
        "strt r1, [r0]",
        "ldrb r1, [r0, #1]",
        "strb r1, [r0, #1]",
    )
    address = place.rng.choice(("0xE000E010", "CFSR", "VTOR", "IPR + 4"))
    access = place.rng.choice(accesses if address.startswith("IPR") else accesses[:4])  # others by words only, B3.1.1
    return faulting([f"ldr r0, ={address}", "movs r1, #0", access])


@kind(1, may_fault)
def lost_stack(place: Place) -> Lines:
    """The stack is nowhere when something comes: STKERR, the end. One write, since no stacked PC tells when it came."""
    register = place.rng.choice(("psp", "psp", "msp"))
    pending = place.rng.choice(("put ICSR, 0x14000000", "put ISPR, 0x4002003F"))
    return [f"ldr r0, ={place.rng.choice(LOST):#x}", f"msr {register}, r0", *guarded(place, [pending, "isb"])]


@kind(2)
def enable_faults(place: Place) -> Lines:
    """Which faults have handlers of their own."""
    return guarded(
        place,
        ["ldr r1, =SHCSR", "ldr r0, [r1]", f"eor r0, #{place.rng.randrange(1, 8) << 16:#x}", "str r0, [r1]", "isb"],
    )


@kind(2)
def clear_status(place: Place) -> Lines:
    """CFSR and HFSR, whose bits are sticky."""
    register = place.rng.choice(("CFSR", "HFSR"))
    return guarded(place, [f"ldr r1, ={register}", "ldr r0, [r1]", "str r0, [r1]"])


@kind(1)
def short_vector_table(place: Place) -> Lines:
    """A table that ends where memory does: IRQ 16 and up have no vector (B1.5.6)."""
    copy = ["ldr r0, =LAST_VECTORS", "ldr r1, =vectors", "movs r3, #32"]
    loop = ["1:", "ldr r2, [r1], #4", "str r2, [r0], #4", "subs r3, #1", "bne 1b"]
    return guarded(place, [*copy, *loop, "put VTOR, LAST_VECTORS", "dsb", *pend_lines(place), "isb"])


@kind(1)
def even_vector(place: Place) -> Lines:
    """A vector with bit 0 clear: INVSTATE at the handler's first instruction."""
    victim = place.rng.choice((NMI, *(IRQ0 + irq for irq in IRQS)))
    copy = ["ldr r0, =RAM_VECTORS", "ldr r1, =vectors", "movs r3, #VECTORS"]
    loop = ["1:", "ldr r2, [r1], #4", "str r2, [r0], #4", "subs r3, #1", "bne 1b"]
    spoil = [f"ldr r0, =RAM_VECTORS + {4 * victim}", "ldr r1, =handler", "bic r1, #1", "str r1, [r0]"]
    return guarded(place, [*copy, *loop, *spoil, "put VTOR, RAM_VECTORS", "dsb", *pend_lines(place), "isb"])


@kind(3, in_handler)
def spoil_return(place: Place) -> Lines:
    """An EXC_RETURN that is illegal, or legal and not what was given: INVPC, or the other stack's frame."""
    legal = ("0xFFFFFFF1", "0xFFFFFFF9", "0xFFFFFFFD") * 2
    value = place.rng.choice((*legal, "0xFFFFFFF5", "0xFFFFFFF0", "0xFFFFFFF3"))
    return [f"ldr r0, ={value}", "str r0, [sp, #16]"]


@kind(1.5, in_handler)
def spoil_frame(place: Place) -> Lines:
    """A stacked xPSR or PC that does not fit: another IPSR, no T bit, other flags."""
    changes = (
        ["ldr r1, [r0, #28]", "eor r1, #0x40", "str r1, [r0, #28]"],
        ["ldr r1, [r0, #28]", "lsrs r1, r1, #9", "lsls r1, r1, #9", "str r1, [r0, #28]"],
        ["ldr r1, [r0, #28]", "bic r1, #0x01000000", "str r1, [r0, #28]"],
        ["ldr r1, [r0, #28]", "eor r1, #0xF0000000", "str r1, [r0, #28]"],
    )
    return ["frame r0", *place.rng.choice(changes)]
