# SPDX-License-Identifier: GPL-2.0-or-later
"""Traps of Unicorn that the core works around, each as the smallest program that fell into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from programs import result, run_program

PROGRAMS = {
    # A first store to a page makes Unicorn fill its TLB in the middle of an IT block, and forget to leave the block.
    "a TLB fill in an IT block": (
        """
    ldr r1, =0x20008000
    ldr r2, =0x20009000
    movs r0, #0
    cmp r0, #0
    itee eq
    streq r0, [r1]
    strne r0, [r2]
    strne r0, [r2, #4]
    b next
next:
    movs r0, #1
    adds r0, #1
    adds r0, #1
""",
        3,
    ),
    # UC_MODE_MCLASS would make this a Cortex-M33, whose CONTROL has SFPA in bit 3.
    "CONTROL after an FP instruction": (
        """
    ldr r1, =0xE000ED88
    ldr r2, =0x00F00000
    str r2, [r1]
    dsb
    isb
    vmov s0, r0
    mrs r0, control
""",
        4,
    ),
    # Fetch, then store, then fetch again: code that was replaced in RAM must run as it is now.
    "code replaced in RAM": (
        """
    ldr r1, =0x20004000
    ldr r2, =0x47702001  @ movs r0, #1; bx lr
    str r2, [r1]
    adds r3, r1, #1
    blx r3
    ldr r2, =0x47702005  @ movs r0, #5; bx lr
    str r2, [r1]
    dsb
    isb
    blx r3
""",
        5,
    ),
    # Bit 3 of the word at 0x20000200 through its alias.
    "bit-banding": (
        """
    ldr r1, =0x2200400C
    movs r2, #1
    str r2, [r1]
    ldr r1, =0x20000200
    ldr r0, [r1]
""",
        8,
    ),
}


@pytest.mark.parametrize("trap", PROGRAMS)
def test_trap(trap: str, compile_firmware: Callable[..., Path]) -> None:
    code, expected = PROGRAMS[trap]
    assert result(run_program(compile_firmware, trap, code)) == expected


@pytest.mark.parametrize("phase", range(8))
def test_a_block_is_translated_anew_when_the_table_of_traps_is_full(
    phase: int, compile_firmware: Callable[..., Path]
) -> None:
    """A UDIV that may trap begins a block of its own. Each LDRD, one in 8 cycles, puts another block into the table."""
    code = """
    ldr r1, =0xE000ED14     @ CCR.DIV_0_TRP
    mov r2, #0x210
    str r2, [r1]
    dsb
    isb
    movs r5, #84
    movs r6, #2
    b first
divide:
    udiv r0, r5, r6
    bx lr
first:
    .rept 200
    ldrd r2, r3, [r7]
    bl divide
    b 1f
    .balign 4
1:
    .endr
"""
    machine = run_program(compile_firmware, "growing", code, cycles=0)
    for cycle in range(phase, 2000, 8):
        machine.cpu.flush()
        machine.run(cycle)
    assert result(machine) == 42
