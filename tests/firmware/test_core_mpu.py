# SPDX-License-Identifier: GPL-2.0-or-later
"""The MPU (ARMv7-M ARM B3.5) and the default memory map's execute-never regions (B3.1)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core_programs import FAULTS_ON, FPU_ON, Program

Compile = Callable[..., Path]
IACCVIOL, DACCVIOL, MUNSTKERR, MSTKERR, MMARVALID = 1 << 0, 1 << 1, 1 << 3, 1 << 4, 1 << 7
NO_ACCESS, PRIVILEGED, USER_READS, FULL, PRIVILEGED_READS, ALL_READ = 0, 1, 2, 3, 5, 6
XN = 1 << 28
ENABLE, HFNMIENA, PRIVDEFENA = 1, 2, 4
GUARD = 0x2000_8000
TRAP = ".thumb_func\n .global trap\n trap: "
UNPRIVILEGED = "movs r0, #1\n msr control, r0\n isb\n"


def region(number: int, base: int, size: int, ap: int, *, disabled: int = 0, xn: bool = False) -> str:
    """Set up one region of `size` bytes; `disabled` is a mask of sub-regions."""
    rasr = ap << 24 | disabled << 8 | (size.bit_length() - 2) << 1 | 1 | (XN if xn else 0)
    code = f"ldr r0, =0xE000ED9C\n ldr r1, ={base | 16 | number:#x}\n str r1, [r0]\n"
    return code + f"ldr r1, ={rasr:#x}\n str r1, [r0, #4]\n"


def control(bits: int) -> str:
    return f"ldr r0, =0xE000ED94\n movs r1, #{bits}\n str r1, [r0]\n dsb\n isb\n"


EVERYTHING = region(0, 0, 1 << 32, FULL)


def run(compile_firmware: Compile, name: str, code: str) -> tuple[Program, tuple[int, int, int]]:
    p = Program(compile_firmware, name, FAULTS_ON + code)
    seen = p.run()
    return p, (seen.exception, seen.cfsr, seen.pc)


ACCESSES = {"load": "ldr r0, [r4]", "store": "str r0, [r4]"}
ALLOWED = {
    NO_ACCESS: ((), ()),
    PRIVILEGED: (("load", "store"), ()),
    USER_READS: (("load", "store"), ("load",)),
    FULL: (("load", "store"), ("load", "store")),
    PRIVILEGED_READS: (("load",), ()),
    ALL_READ: (("load",), ("load",)),
}


@pytest.mark.parametrize("ap", ALLOWED)
@pytest.mark.parametrize("access", ACCESSES)
@pytest.mark.parametrize("user", [False, True], ids=["privileged", "unprivileged"])
def test_access_permissions(compile_firmware: Compile, ap: int, access: str, user: bool) -> None:
    """Table B3-15."""
    code = EVERYTHING + region(7, GUARD, 1024, ap) + control(ENABLE) + (UNPRIVILEGED if user else "")
    code += f"ldr r4, ={GUARD + 8:#x}\n" + TRAP + ACCESSES[access] + "\n movs r0, #7\n"
    p, fault = run(compile_firmware, "ap", code)
    if access in ALLOWED[ap][user]:
        assert (fault[0], p.word(0x2000_0200)) == (0, 7)
    else:
        assert fault == (4, DACCVIOL | MMARVALID, p.label("trap"))
        assert p.word(0x2000_0110) == GUARD + 8


@pytest.mark.parametrize(("offset", "faults"), [(-4, False), (0, True), (28, True), (32, False)])
@pytest.mark.parametrize("access", ["ldr r0, [r4]", "strb r0, [r4, #3]", "ldm r4, {r0, r1}"])
def test_a_guard_of_32_bytes(compile_firmware: Compile, offset: int, faults: bool, access: str) -> None:
    """The smallest region, in the middle of a page: its own bytes only, also after the page was used."""
    code = EVERYTHING + region(7, GUARD + 0x100, 32, NO_ACCESS) + control(ENABLE)
    code += f"ldr r4, ={GUARD + 0x200:#x}\n str r4, [r4]\n ldr r4, ={GUARD + 0x100 + offset:#x}\n"
    code += TRAP + access + "\n movs r0, #7\n"
    p, fault = run(compile_firmware, "guard", code)
    crosses = offset == -4 and "ldm" in access
    if faults or crosses:
        assert fault == (4, DACCVIOL | MMARVALID, p.label("trap"))
        expected = GUARD + 0x100 + (0 if crosses else offset + (3 if "strb" in access else 0))
        assert p.word(0x2000_0110) == expected
    else:
        assert (fault[0], p.word(0x2000_0200)) == (0, 7)


@pytest.mark.parametrize("condition", ["eq", "ne"])
def test_a_guard_in_an_it_block(compile_firmware: Compile, condition: str) -> None:
    code = EVERYTHING + region(7, GUARD, 64, NO_ACCESS) + control(ENABLE)
    code += f"ldr r4, ={GUARD}\n str r4, [r4, #256]\n movs r0, #7\n cmp r0, #7\n"
    code += f"itt {condition}\n mov{condition} r0, #9\n" + TRAP + f"str{condition} r0, [r4]\n"
    p, fault = run(compile_firmware, "guard_it_" + condition, code)
    assert fault == ((4, DACCVIOL | MMARVALID, p.label("trap")) if condition == "eq" else (0, 0, 0))


def test_the_highest_region_wins_and_subregions_fall_through(compile_firmware: Compile) -> None:
    """B3.5.3: region 2 denies 2 KB, its second sub-region of 256 bytes is disabled, so region 1 decides there."""
    code = EVERYTHING + region(1, GUARD, 4096, ALL_READ) + region(2, GUARD, 2048, NO_ACCESS, disabled=2)
    code += control(ENABLE) + f"ldr r4, ={GUARD + 0x100:#x}\n ldr r5, [r4]\n ldr r5, [r4, #0xFC]\n"
    p, fault = run(compile_firmware, "subregion", code + TRAP + "ldr r5, [r4, #0x100]\n")
    assert (fault, p.word(0x2000_0110)) == ((4, DACCVIOL | MMARVALID, p.label("trap")), GUARD + 0x200)
    p, fault = run(compile_firmware, "subregion_store", code + TRAP + "str r5, [r4]\n")
    assert (fault, p.word(0x2000_0110)) == ((4, DACCVIOL | MMARVALID, p.label("trap")), GUARD + 0x100)


@pytest.mark.parametrize(("bits", "user", "faults"), [(5, False, False), (5, True, True), (1, False, True)])
def test_the_background_region(compile_firmware: Compile, bits: int, user: bool, faults: bool) -> None:
    """PRIVDEFENA gives privileged code the default memory map where no region is, B3.5.5."""
    code = region(0, 0x0800_0000, 1 << 20, FULL) + region(1, 0x2000_0000, 1 << 15, FULL) + control(bits)
    code += (UNPRIVILEGED if user else "") + f"ldr r4, ={GUARD}\n" + TRAP + "ldr r0, [r4]\n movs r0, #7\n"
    p, fault = run(compile_firmware, "background", "ldr r0, =0x20004000\n mov sp, r0\n" + code)
    assert fault == ((4, DACCVIOL | MMARVALID, p.label("trap")) if faults else (0, 0, 0))


def test_execute_never(compile_firmware: Compile) -> None:
    code = """
    ldr r6, =0x20008000
    ldr r7, =0x47702007  @ movs r0, #7; bx lr
    str r7, [r6]
    adds r3, r6, #1
    blx r3
"""
    code += EVERYTHING + region(7, GUARD, 1024, FULL, xn=True) + control(ENABLE) + "ldr r0, [r6]\n blx r3\n"
    _, fault = run(compile_firmware, "xn", code)
    assert fault == (4, IACCVIOL, GUARD)


@pytest.mark.parametrize("address", [0x4000_0000, 0xA000_0000, 0xE000_E000])
def test_the_default_map_never_executes_devices(compile_firmware: Compile, address: int) -> None:
    """Table B3-1."""
    _, fault = run(compile_firmware, "xn_default", f"ldr r3, ={address | 1:#x}\n blx r3\n")
    assert fault == (4, IACCVIOL, address)


def test_stacking_into_a_denied_region(compile_firmware: Compile) -> None:
    """MSTKERR, B1.5.6: the process stack is denied; the handler runs on the main stack."""
    code = EVERYTHING + region(7, GUARD, 1024, PRIVILEGED_READS) + control(ENABLE)
    code += f"ldr r4, ={GUARD + 0x200:#x}\n msr psp, r4\n movs r0, #2\n msr control, r0\n isb\n svc 0\n"
    _, fault = run(compile_firmware, "mstkerr", code)
    assert fault[:2] == (4, MSTKERR)


def test_unstacking_from_a_denied_region(compile_firmware: Compile) -> None:
    """MUNSTKERR, B1.5.8: the handler denies the stack to the unprivileged thread that it is to return to."""
    code = EVERYTHING + control(ENABLE)
    code += f"ldr r4, ={GUARD + 0x200:#x}\n msr psp, r4\n movs r0, #3\n msr control, r0\n isb\n svc 0\n b done\n"
    code += ".thumb_func\n svc_handler:\n" + region(7, GUARD, 1024, PRIVILEGED) + "dsb\n isb\n bx lr\n"
    _, fault = run(compile_firmware, "munstkerr", code)
    assert fault[:2] == (4, MUNSTKERR)


@pytest.mark.parametrize(("bits", "faults"), [(ENABLE, False), (ENABLE | HFNMIENA, True)])
def test_faultmask_switches_it_off(compile_firmware: Compile, bits: int, faults: bool) -> None:
    """B3.5.5: below priority 0 the MPU is off unless HFNMIENA."""
    code = EVERYTHING + region(7, GUARD, 1024, NO_ACCESS) + control(bits)
    code += f"ldr r4, ={GUARD:#x}\n cpsid f\n ldr r0, [r4]\n cpsie f\n movs r0, #7\n"
    p = Program(compile_firmware, "hfnmiena", FAULTS_ON + code)
    seen = p.run()
    assert (seen.r0 == 7 and seen.done) is not faults


def test_registers(compile_firmware: Compile) -> None:
    """B3.5.6 to B3.5.10: RBAR.VALID selects the region, which RBAR reads back; aliases reach the same registers."""
    code = (
        region(5, GUARD, 1024, FULL)
        + """
    ldr r1, =0x20000300
    ldr r0, =0xE000ED90
    ldr r2, [r0]
    str r2, [r1]
    ldr r2, [r0, #8]
    str r2, [r1, #4]
    ldr r2, [r0, #0xC]
    str r2, [r1, #8]
    ldr r2, [r0, #0x1C]
    str r2, [r1, #12]
    ldr r2, [r0, #0x20]
    str r2, [r1, #16]
"""
    )
    p, _ = run(compile_firmware, "mpu_registers", code)
    words = [p.word(0x2000_0300 + 4 * n) for n in range(5)]
    assert words == [0x800, 5, GUARD | 5, GUARD | 5, FULL << 24 | 9 << 1 | 1]


def test_an_fp_frame_is_checked_whole(compile_firmware: Compile) -> None:
    """The basic frame would fit above the denied region, the FP frame does not."""
    code = FPU_ON + EVERYTHING + region(7, GUARD, 1024, PRIVILEGED_READS) + control(ENABLE)
    code += f"ldr r4, ={GUARD + 0x440:#x}\n msr psp, r4\n movs r0, #2\n msr control, r0\n isb\n"
    _, fault = run(compile_firmware, "basic_frame", code + "svc 0\n")
    assert fault[:2] == (11, 0)
    _, fault = run(compile_firmware, "fp_frame", code + "vmov s0, r0\n svc 0\n")
    assert fault[:2] == (4, MSTKERR)
