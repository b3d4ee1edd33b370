# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs by hand for what the generator hardly ever meets, compared with QEMU like its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compare import run_all
from fragments import NMI, PENDSV, Fragment
from ours import Ours
from program import THREAD, Program, exception_name

READ_MASKS = ["mrs r0, primask", "mrs r1, faultmask", "mrs r2, basepri", "movs r3, #0", "note 2"]
CASES = {
    # B1.5.8, DeActivate(): FAULTMASK outlives NMI, and nothing else.
    "NMI under FAULTMASK": {THREAD: ["cpsid f", "isb", "put ICSR, 0x80000000", "isb", *READ_MASKS, "cpsie f", "isb"]},
    "FAULTMASK cleared by NMI": {
        THREAD: ["cpsid f", "isb", "put ICSR, 0x90000000", "isb", *READ_MASKS],
        exception_name(NMI): ["cpsie f", "isb"],
    },
    "FAULTMASK set by PendSV": {
        THREAD: ["put ICSR, 0x10000000", "isb", *READ_MASKS],
        exception_name(PENDSV): ["cpsid f", "isb", *READ_MASKS],
    },
    # B1.5.6: HardFault cannot come in place of NMI when NMI's vector cannot be read.
    "NMI without a vector": {THREAD: ["put VTOR, 0x30000000", "dsb", "put ICSR, 0x80000000", "isb"]},
    "PendSV and HardFault without vectors": {THREAD: ["put VTOR, 0x30000000", "dsb", "put ICSR, 0x10000000", "isb"]},
}

# B1.5.8: BX, LDR and POP to PC return from exceptions. MOV is a simple branch (A2.3.1), here to execute-never memory.
RETURN = ["expect 9f", "ldr r0, =0xFFFFFFF9", "ldr r1, =0xFFFFFFE9"]
CASES |= {
    f"{how} to EXC_RETURN in {place}": {
        THREAD: ["put ICSR, 0x10000000", "isb", "note 1"] if place != THREAD else [*RETURN, how, "9:", "expect_end"],
        exception_name(PENDSV): [*RETURN, how, "9:", "expect_end"] if place != THREAD else ["note 2"],
    }
    for how in ("mov pc, r0", "mov pc, r1", "bx r0")
    for place in (THREAD, exception_name(PENDSV))
    if (how, place) != ("bx r0", exception_name(PENDSV))  # the frame of which would be lost
}
# The end of system space, B3.1: nothing to read, write or execute there, but for what docs/limits.md says.
READABLE = range(0xFFFFF000, 0xFFFFF400)
VOID = (0xFFFFF004, 0xFFFFF00C, 0xFFFFF3FC, 0xFFFFF410, 0xFFFFF810, 0xFFFFFC10, 0xFFFFFFC0)
ACCESSES = {"a load": ["ldr r1, [r0]"], "a store": ["str r0, [r0]"], "a branch": ["orr r0, #1", "bx r0"]}
CASES |= {
    f"{what} at {address:#x}": {THREAD: ["expect 9f", f"ldr r0, ={address:#x}", *lines, "9:", "expect_end"]}
    for address in VOID
    for what, lines in ACCESSES.items()
    if not (what == "a load" and address in READABLE)
}
# UNPREDICTABLE outside Debug state, B3.2.6: without effect on both.
CASES["VECTRESET and VECTCLRACTIVE"] = {
    THREAD: ["put ICSR, 0x10000000", "isb", "note 1"],
    exception_name(PENDSV): ["put AIRCR, 0x05FA0003", "dsb", "isb", "note 2"],
}


@pytest.fixture(scope="module")
def core() -> Iterator[Ours]:
    """stm32emu on the installed Unicorn."""
    with Ours() as ours:
        yield ours


@pytest.mark.parametrize("case", CASES)
def test_case_agrees_with_qemu(case: str, core: Ours, tmp_path: Path) -> None:
    sections = {name: (Fragment(case, tuple(lines)),) for name, lines in CASES[case].items()}
    [[found]] = run_all([Program(0, 0, sections)], tmp_path, [core])
    assert found.difference is None
    assert found.part is None
