# SPDX-License-Identifier: GPL-2.0-or-later
"""UsageFaults that Unicorn does not raise: alignment, division by zero, the FPU denied (ARMv7-M ARM A3.2.1, B3.2.8,
B3.2.20, B1.5.14)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core_programs import FAULTS_ON, FPU_ON, SCRATCH, Program

NOCP, UNALIGNED, DIVBYZERO = 1 << 19, 1 << 24, 1 << 25
DIV_0_TRP = "ldr r0, =0xE000ED14\n ldr r1, [r0]\n orr r1, #0x10\n str r1, [r0]\n dsb\n isb\n"
ODD = "ldr r4, =0x20000402\n"
ZERO = "movs r4, #0\n movs r5, #7\n"
TRAP = ".thumb_func\n .global trap\n trap: "


def program(compile_firmware: Callable[..., Path], name: str, code: str) -> Program:
    return Program(compile_firmware, name, FAULTS_ON + code)


UNALIGNED_ACCESSES = [
    "ldm r4, {r0, r1}", "ldm r4!, {r0, r1}", "ldmdb r4, {r0, r1}", "ldm.w r4, {r8, r9}", "stm r4!, {r0, r1}",
    "stmdb r4!, {r0, r8}", "stmia.w r4, {r8, r9}", "ldrd r0, r1, [r4]", "ldrd r0, r1, [r4, #8]",
    "ldrd r0, r1, [r4], #8", "ldrd r0, r1, [r4, #-8]!", "strd r0, r1, [r4]", "strd r0, r1, [r4, #4]!",
    "vldr s0, [r4]", "vldr d0, [r4, #8]", "vstr s0, [r4, #-4]", "vldmia r4, {s0-s3}", "vstmia r4!, {d0-d1}",
    "vldmdb r4!, {s0}", "ldrex r0, [r4]", "strex r0, r1, [r4]", "ldrexh r0, [r4]",
    "strexh r0, r1, [r4]",
]  # fmt: skip


@pytest.mark.parametrize("instruction", UNALIGNED_ACCESSES)
@pytest.mark.parametrize("known", ["when the block starts", "in the block"])
def test_multiple_and_exclusive_accesses_must_be_aligned(
    compile_firmware: Callable[..., Path], instruction: str, known: str
) -> None:
    """A3.2.1: LDM, STM, LDRD, STRD, exclusives, VLDR, VSTR, VLDM and VSTM fault whatever CCR.UNALIGN_TRP says."""
    setup = ODD.replace("402", "401") if "exh" in instruction else ODD
    code = FPU_ON + "movs r0, #0\n clrex\n" + setup
    code += "b 1f\n 1:\n" if known == "when the block starts" else ""
    p = program(compile_firmware, "unaligned", code + TRAP + instruction + "\n")
    seen = p.run()
    assert (seen.exception, seen.cfsr, seen.pc) == (6, UNALIGNED, p.label("trap"))
    assert p.word(SCRATCH) == 0


def test_an_unaligned_base_faults_where_it_is_used_not_where_it_is_known(compile_firmware: Callable[..., Path]) -> None:
    """The block starts with the odd base; stores before the faulting one happen, those after it do not."""
    code = ODD + "ldr r6, =0x20000500\n movs r7, #5\n b 1f\n 1: str r7, [r6]\n"
    p = program(compile_firmware, "used_later", code + TRAP + "ldrd r0, r1, [r4]\n str r7, [r6, #4]\n")
    seen = p.run()
    assert (seen.cfsr, seen.pc) == (UNALIGNED, p.label("trap"))
    assert (p.word(0x2000_0500), p.word(0x2000_0504)) == (5, 0)


@pytest.mark.parametrize("instruction", ["ldrd r0, r1, [r4]", "ldm r4, {r0, r1}", "udiv r0, r5, r4"])
@pytest.mark.parametrize("condition", ["eq", "ne"])
def test_in_an_it_block(compile_firmware: Callable[..., Path], instruction: str, condition: str) -> None:
    """A7.3.2: the fault is the conditional instruction's own, with ITSTATE stacked, and only if the condition holds."""
    name, operands = instruction.split(" ", 1)
    code = DIV_0_TRP + ODD + ("movs r4, #0\n" if "div" in name else "")
    code += "ldr r6, =0x20000500\n movs r7, #5\n cmp r7, #5\n"
    code += f"ittt {condition}\n str{condition} r7, [r6]\n {TRAP}{name}{condition} {operands}\n"
    code += f"str{condition} r7, [r6, #4]\n mov r0, r7\n"
    p = program(compile_firmware, "it_" + condition, code)
    seen = p.run()
    if condition == "ne":
        assert (seen.exception, seen.done, seen.r0) == (0, True, 5)
        assert p.word(0x2000_0500) == 0
        return
    expected = DIVBYZERO if "div" in name else UNALIGNED
    assert (seen.exception, seen.cfsr, seen.pc) == (6, expected, p.label("trap"))
    assert (p.word(0x2000_0500), p.word(0x2000_0504)) == (5, 0)
    assert seen.xpsr >> 25 & 3 | seen.xpsr >> 8 & 0xFC == 0b0000_0100  # EQ; this one and another


@pytest.mark.parametrize("instruction", ["udiv r0, r5, r4", "sdiv r0, r5, r4"])
def test_division_by_zero(compile_firmware: Callable[..., Path], instruction: str) -> None:
    """B3.2.8: CCR.DIV_0_TRP makes it a UsageFault; otherwise the quotient is 0 (A7.7.125)."""
    quiet = program(compile_firmware, "div_quiet", ZERO + instruction + "\n").run()
    assert (quiet.exception, quiet.done, quiet.r0) == (0, True, 0)
    p = program(compile_firmware, "div_trap", DIV_0_TRP + ZERO + TRAP + instruction + "\n")
    seen = p.run()
    assert (seen.exception, seen.cfsr, seen.pc) == (6, DIVBYZERO, p.label("trap"))
    fine = program(compile_firmware, "div_fine", DIV_0_TRP + "movs r5, #42\n movs r4, #6\n" + instruction + "\n").run()
    assert (fine.exception, fine.r0) == (0, 7)


@pytest.mark.parametrize("instruction", ["vmov s0, r4", "vadd.f32 s0, s1, s2", "vpush {s0}", "vmrs r0, fpscr"])
def test_the_fpu_is_off_after_reset(compile_firmware: Callable[..., Path], instruction: str) -> None:
    """B3.2.20 and B1.5.14: CPACR resets to 0, and FP instructions are UsageFaults with NOCP."""
    p = program(compile_firmware, "nocp", TRAP + instruction + "\n")
    seen = p.run()
    assert (seen.exception, seen.cfsr, seen.pc) == (6, NOCP, p.label("trap"))
    on = program(compile_firmware, "cp_on", FPU_ON + instruction + "\n").run()
    assert (on.exception, on.done) == (0, True)


def test_the_fpu_in_an_it_block(compile_firmware: Callable[..., Path]) -> None:
    code = "movs r0, #1\n cmp r0, #1\n itte eq\n addeq r0, #1\n" + TRAP + "vmoveq s0, r0\n movne r0, #9\n"
    p = program(compile_firmware, "nocp_it", code)
    seen = p.run()
    assert (seen.exception, seen.cfsr, seen.pc) == (6, NOCP, p.label("trap"))


def test_the_fpu_for_privileged_code_only(compile_firmware: Callable[..., Path]) -> None:
    """CPACR.CP10 = 1: unprivileged FP instructions are denied."""
    code = FPU_ON.replace("0x00F00000", "0x00500000") + "vmov s0, r4\n movs r0, #1\n msr control, r0\n isb\n"
    p = program(compile_firmware, "cp_privileged", code + TRAP + "vmov s0, r4\n")
    seen = p.run()
    assert (seen.exception, seen.cfsr, seen.pc) == (6, NOCP, p.label("trap"))


def test_code_in_ram_that_changes(compile_firmware: Callable[..., Path]) -> None:
    """Code that ran and was replaced is looked at again."""
    code = """
    ldr r4, =0x20000402
    ldr r6, =0x20004000
    ldr r7, =0x47702001  @ movs r0, #1; bx lr
    str r7, [r6]
    adds r3, r6, #1
    blx r3
    ldr r7, =0x0100E9D4  @ ldrd r0, r1, [r4]
    str r7, [r6]
    ldr r7, =0x4770
    strh r7, [r6, #4]
    dsb
    isb
    blx r3
"""
    seen = program(compile_firmware, "changing", code).run()
    assert (seen.exception, seen.cfsr, seen.pc) == (6, UNALIGNED, 0x2000_4000)


UNALIGN_TRP = DIV_0_TRP.replace("#0x10", "#0x8")
SINGLE_ACCESSES = [
    "ldr r0, [r4]", "str r0, [r4]", "ldrh r0, [r4, #1]", "strh r0, [r4, #1]", "ldrsh r0, [r4, r5]", "ldr r0, [r4], #4",
    "ldr.w r0, [r4, #-4]", "strh.w r0, [r4, r5, lsl #2]",
]  # fmt: skip


@pytest.mark.parametrize("instruction", SINGLE_ACCESSES)
def test_unalign_trp(compile_firmware: Callable[..., Path], instruction: str) -> None:
    """B3.2.8: with CCR.UNALIGN_TRP all unaligned word and halfword accesses fault; without, these do not (A3.2.1)."""
    setup = "ldr r4, =0x20000402\n movs r5, #1\n movs r0, #0\n"
    if "lsl" in instruction:
        setup = setup.replace("402", "401")
    free = program(compile_firmware, "unalign_free", setup + instruction + "\n movs r0, #7\n").run()
    assert (free.exception, free.r0) == (0, 7)
    p = program(compile_firmware, "unalign_trap", UNALIGN_TRP + setup + TRAP + instruction + "\n")
    seen = p.run()
    assert (seen.exception, seen.cfsr, seen.pc) == (6, UNALIGNED, p.label("trap"))


def test_unalign_trp_lets_aligned_accesses_be(compile_firmware: Callable[..., Path]) -> None:
    code = (
        UNALIGN_TRP + "ldr r4, =0x20000402\n ldrb r0, [r4, #1]\n ldrh r0, [r4]\n push {r4}\n pop {r0}\n movs r0, #7\n"
    )
    seen = program(compile_firmware, "unalign_aligned", code).run()
    assert (seen.exception, seen.r0) == (0, 7)


def test_unalign_trp_in_an_it_block(compile_firmware: Callable[..., Path]) -> None:
    code = UNALIGN_TRP + "ldr r4, =0x20000402\n movs r0, #7\n cmp r0, #7\n itte eq\n moveq r1, #1\n"
    p = program(compile_firmware, "unalign_it", code + TRAP + "ldreq r0, [r4]\n ldrne r0, [r4]\n")
    seen = p.run()
    assert (seen.exception, seen.cfsr, seen.pc) == (6, UNALIGNED, p.label("trap"))
