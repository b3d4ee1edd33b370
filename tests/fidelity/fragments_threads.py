# SPDX-License-Identifier: GPL-2.0-or-later
"""Fragments about stacks, privilege and tasks."""

from __future__ import annotations

from fragments import PENDSV, SVCALL, Lines, Place, guarded, in_handler, in_thread, kind
from fragments_interrupts import pend_lines


@kind(3)
def misaligned_stack(place: Place) -> Lines:
    """An exception while SP is not a multiple of eight: CCR.STKALIGN (B1.5.7)."""
    return ["sub sp, #4", *guarded(place, [*pend_lines(place), "isb"]), "add sp, #4"]


@kind(2, in_thread)
def change_stack(place: Place) -> Lines:
    """CONTROL.SPSEL; what was on the other stack stays there."""
    return ["mrs r0, control", "eor r0, #2", "msr control, r0", "isb"]


@kind(2, in_thread)
def drop_privilege(place: Place) -> Lines:
    """CONTROL.nPRIV set by the thread, which cannot clear it."""
    place.unprivileged = True
    return ["mrs r0, control", "orr r0, #1", "msr control, r0", "isb"]


@kind(2, in_handler)
def change_privilege(place: Place) -> Lines:
    """CONTROL.nPRIV changed by a handler; SPSEL is not for handlers (B1.4.4)."""
    value = place.rng.choice((0, 0, 1, 2, 3))
    return [f"set control, {value}"]


@kind(2, in_handler)
def look_at_stacks(place: Place) -> Lines:
    """Both stack pointers and CONTROL, as a handler sees them."""
    return ["mrs r0, msp", "mrs r1, psp", "mov r2, sp", "movs r3, #0", "note 10"]


@kind(6, lambda place: place.exception in (PENDSV, SVCALL))
def switch_tasks(place: Place) -> Lines:
    """As an RTOS does: the other task's PSP and EXC_RETURN for this one's, FP state stacked if there is any."""
    return [
        *("ldr r3, [sp, #16]", "and r0, r3, #0xD", "cmp r0, #0xD", "bne 1f"),
        *("tst r3, #0x10", "it eq", "vmrseq r0, fpscr", "ldr r2, =CONTROL_BLOCK"),
        *("mrs r0, psp", "ldr r1, [r2, #OTHER_PSP]", "str r0, [r2, #OTHER_PSP]", "msr psp, r1", "isb"),
        *("ldr r1, [r2, #OTHER_LR]", "str r3, [r2, #OTHER_LR]", "str r1, [sp, #16]", "1:"),
    ]
