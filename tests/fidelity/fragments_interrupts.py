# SPDX-License-Identifier: GPL-2.0-or-later
"""Fragments that pend, unpend, enable and prioritise; each is followed by ISB, so that what is due comes at once."""

from __future__ import annotations

from fragments import CONFIGURABLE, IRQ0, IRQS, Lines, Place, guarded, in_thread, kind, may_fault

PENDNMI, PENDSV_SET, PENDSV_CLR, PENDST_SET, PENDST_CLR = (1 << bit for bit in (31, 28, 27, 26, 25))


def irq_mask(place: Place, most: int = 3) -> int:
    """One to `most` of the interrupts, as bits."""
    return sum(1 << irq for irq in place.rng.sample(IRQS, place.rng.randint(1, most)))


def priority(place: Place) -> int:
    """One of the program's priorities."""
    return place.rng.choice(place.priorities)


def pend_lines(place: Place) -> Lines:
    """Pend something, in one of the ways there are, without the ISB."""
    system = PENDSV_SET, PENDST_SET, PENDSV_SET | PENDST_SET
    ways = (
        [f"put ISPR, {irq_mask(place):#x}"],
        [f"put ISPR, {irq_mask(place, 5):#x}"],
        [f"put STIR, {place.rng.choice(IRQS)}"],
        [f"put ICSR, {place.rng.choice(system):#x}"],
        [f"put ICSR, {place.rng.choice(system):#x}", f"put ISPR, {irq_mask(place):#x}"],
    )
    return place.rng.choice(ways)


@kind(12)
def pend(place: Place) -> Lines:
    """Pend interrupts, PendSV or SysTick."""
    return guarded(place, [*pend_lines(place), "isb"])


@kind(1)
def pend_nmi(place: Place) -> Lines:
    """NMI, alone or together with others."""
    others = place.rng.choice((0, 0, PENDSV_SET, PENDST_SET))
    return guarded(place, [f"put ICSR, {PENDNMI | others:#x}", "isb"])


@kind(3)
def unpend(place: Place) -> Lines:
    """Take pending states back."""
    what = place.rng.choice((PENDSV_CLR, PENDST_CLR))
    lines = (f"put ICPR, {irq_mask(place, 5):#x}", f"put ICSR, {what:#x}")
    return guarded(place, [place.rng.choice(lines), "isb"])


@kind(3)
def enable(place: Place) -> Lines:
    """Enable or disable interrupts, pending or not."""
    register = place.rng.choice(("ISER", "ISER", "ICER"))
    return guarded(place, [f"put {register}, {irq_mask(place, 5):#x}", "isb"])


@kind(4)
def set_priority(place: Place) -> Lines:
    """Give an exception another priority, even if it is pending or active."""
    irq, system = place.rng.choice(IRQS), place.rng.choice(CONFIGURABLE)
    address = place.rng.choice((f"IPR + {irq}", f"SHPR + {system}"))
    return guarded(place, [f"put_byte {address}, {priority(place):#x}", "isb"])


@kind(2)
def group_priorities(place: Place) -> Lines:
    """AIRCR.PRIGROUP."""
    return guarded(place, [f"put AIRCR, {0x05FA0000 | place.rng.randrange(8) << 8:#x}", "isb"])


@kind(1)
def read_pending(place: Place) -> Lines:
    """What ICSR and SHCSR show, into the log."""
    lines = ["ldr r3, =ICSR", "ldr r0, [r3]", "ldr r1, [r3, #0x20]", "ldr r2, =ISPR", "ldr r2, [r2]"]
    if place.exception == 0:  # RETTOBASE is unknown in Thread mode, B3.2.4
        lines.append("bic r0, #0x800")
    return guarded(place, [*lines, "note 1"])


@kind(6, may_fault)
def supervisor_call(place: Place) -> Lines:
    """SVC, which becomes a HardFault where it cannot preempt."""
    return ["expect 9f", f"svc #{place.rng.randrange(256)}", "9:", "expect_end"]


@kind(1, in_thread)
def software_trigger(place: Place) -> Lines:
    """STIR, which an unprivileged thread may use if CCR.USERSETMPEND says so."""
    return ["expect 9f", f"put STIR, {place.rng.choice(IRQS)}", "isb", "9:", "expect_end"]


@kind(1)
def pend_by_shcsr(place: Place) -> Lines:
    """Pend or unpend a fault or SVCall by hand; enabled faults come."""
    bits = place.rng.choice((1 << 12, 1 << 13, 1 << 14, 1 << 15, 0))
    lines = ["ldr r1, =SHCSR", "ldr r0, [r1]", "bic r0, #0xF000", f"orr r0, #{bits:#x}", "str r0, [r1]", "isb"]
    return ["expect 9f", *lines, "9:", "expect_end"]


def exception_number(irq: int) -> int:
    """Of an interrupt."""
    return IRQ0 + irq
