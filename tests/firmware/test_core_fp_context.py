# SPDX-License-Identifier: GPL-2.0-or-later
"""The FP context of exceptions (ARMv7-M ARM B1.5.7, B3.2.21): what is stacked when, and what FPCCR says about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core_programs import FPU_ON, Program

Compile = Callable[..., Path]
FRAME = 0x2000_8000 - 0x68
LSPACT, USER, THREAD, HFRDY, MMRDY, BFRDY = 1 << 0, 1 << 1, 1 << 3, 1 << 4, 1 << 5, 1 << 6
ASPEN, LSPEN = 1 << 31, 1 << 30
MLSPERR, MEMMANAGE_ON = 1 << 5, 1 << 16

# The frame's words are 0x55..., S0 is 0x11, FPSCR has N and Z; the process stack is at 0x20008000. Then SVC.
START = (
    FPU_ON
    + """
    ldr r4, =0x20008000
    ldr r5, =0x55555555
    movs r6, #32
1:  str r5, [r4, #-4]!
    subs r6, #1
    bne 1b
    ldr r4, =0x20008000
    msr psp, r4
    movs r0, #0x11
    vmov s0, r0
    movs r0, #0xC0000000
    vmsr fpscr, r0
    movs r0, #{control}
    msr control, r0
    isb
    svc 0
.global after
after:
    vmov r0, s0
    b done
.ltorg
.thumb_func
svc_handler:
    ldr r1, =0x20000300
    ldr r2, =0xE000EF34
    str lr, [r1]
    ldr r3, [r2]
    str r3, [r1, #4]      @ FPCCR
    ldr r3, [r2, #4]
    str r3, [r1, #8]      @ FPCAR
    mrs r0, psp
    ldr r3, [r0, #0x20]
    str r3, [r1, #12]     @ S0 in the frame
    {handler}
    ldr r3, [r2]
    str r3, [r1, #16]     @ FPCCR
    ldr r3, [r0, #0x20]
    str r3, [r1, #20]     @ S0 in the frame
    ldr r3, [r0, #0x60]
    str r3, [r1, #24]     @ FPSCR in the frame
    bx lr
"""
)


def run(compile_firmware: Compile, name: str, *, before: str = "", handler: str = "nop", control: int = 6) -> Program:
    """`control` is CONTROL's value at the SVC: PSP, FP context active."""
    p = Program(compile_firmware, name, before + START.format(handler=handler, control=control))
    p.run()
    return p


def notes(p: Program) -> list[int]:
    return [p.word(0x2000_0300 + 4 * n) for n in range(7)]


def test_lazily_nothing_is_stacked(compile_firmware: Compile) -> None:
    """Room is left, FPCAR points to it, LSPACT tells; on return the registers are as they were."""
    p = run(compile_firmware, "lazy")
    exc_return, fpccr, fpcar, s0, fpccr_after, s0_after, _ = notes(p)
    assert exc_return == 0xFFFF_FFED
    assert fpccr == fpccr_after == ASPEN | LSPEN | LSPACT | THREAD | HFRDY
    assert fpcar == FRAME + 0x20
    assert s0 == s0_after == 0x5555_5555
    assert p.word(0x2000_0200) == 0x11
    assert p.word(FRAME + 0x20) == 0x5555_5555


def test_an_fp_instruction_closes_the_frame(compile_firmware: Compile) -> None:
    """PreserveFPState(): S0 to S15 and FPSCR are saved, LSPACT cleared; the return loads them."""
    p = run(compile_firmware, "lazy_used", handler="vmov s0, r0")
    _, fpccr, _, s0, fpccr_after, s0_after, fpscr = notes(p)
    assert fpccr & LSPACT
    assert not fpccr_after & LSPACT
    assert (s0, s0_after, fpscr) == (0x5555_5555, 0x11, 0xC000_0000)
    assert p.word(0x2000_0200) == 0x11


def test_in_an_it_block(compile_firmware: Compile) -> None:
    """As context switches save the rest: only if the task has an FP frame."""
    p = run(compile_firmware, "lazy_it", handler="mov r3, r1\n tst lr, #0x10\n it eq\n vstmdbeq r3!, {s16}")
    assert notes(p)[5] == 0x11
    p = run(compile_firmware, "lazy_it_not", handler="mov r3, r1\n tst lr, #0x10\n it ne\n vstmdbne r3!, {s16}")
    assert notes(p)[5] == 0x5555_5555


def test_a_frame_declared_closed_is_loaded(compile_firmware: Compile) -> None:
    """Software that clears LSPACT gives the context up: the return loads what is in memory."""
    p = run(compile_firmware, "lazy_dropped", handler="ldr r3, [r2]\n bic r3, #1\n str r3, [r2]")
    assert p.word(0x2000_0200) == 0x5555_5555


@pytest.mark.parametrize(("bits", "exc_return", "stacked"), [(2, 0xFFFF_FFED, True), (0, 0xFFFF_FFFD, False)])
def test_not_lazily(compile_firmware: Compile, bits: int, exc_return: int, stacked: bool) -> None:
    """ASPEN without LSPEN stacks at once; without ASPEN the frame is basic."""
    before = f"ldr r0, =0xE000EF34\n ldr r1, ={bits << 30:#x}\n str r1, [r0]\n"
    p = run(compile_firmware, f"eager_{bits}", before=before, control=6)
    found = notes(p)
    assert found[0] == exc_return
    assert not found[1] & LSPACT
    assert (p.word(FRAME + 0x20) == 0x11) is stacked


def test_what_fpccr_says_of_the_interrupted_code(compile_firmware: Compile) -> None:
    """UpdateFPCCR(): privilege, mode, and which faults could be taken."""
    before = "ldr r0, =0xE000ED24\n ldr r1, =0x00030000\n str r1, [r0]\n"
    p = run(compile_firmware, "fpccr_user", before=before, control=7)
    assert notes(p)[1] == ASPEN | LSPEN | LSPACT | USER | THREAD | HFRDY | MMRDY | BFRDY


def test_saving_into_a_denied_region(compile_firmware: Compile) -> None:
    """B1.5.7: the FP instruction is a MemManage with MLSPERR; the region was denied after the frame was opened."""
    deny = "ldr r3, =0xE000ED94\n ldr r4, =0x20007C17\n str r4, [r3, #8]\n ldr r4, =0x05000013\n str r4, [r3, #12]\n"
    deny += "ldr r4, =0x20007C16\n movs r4, #5\n str r4, [r3]\n dsb\n isb\n"
    before = f"ldr r0, =0xE000ED24\n ldr r1, ={MEMMANAGE_ON:#x}\n str r1, [r0]\n"
    before += (
        "ldr r0, =0xE000ED20\n movs r1, #0\n str r1, [r0]\n ldr r0, =0xE000ED1C\n ldr r1, =0x80000000\n str r1, [r0]\n"
    )
    trap = "\n .thumb_func\n .global trap\n trap: vmov s0, r0"
    p = Program(compile_firmware, "mlsperr", before + START.format(handler=deny + trap, control=6))
    seen = p.run()
    assert (seen.exception, seen.cfsr, seen.pc) == (4, MLSPERR, p.label("trap"))
