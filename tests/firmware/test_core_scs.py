# SPDX-License-Identifier: GPL-2.0-or-later
"""The System Control Space and what belongs to it: VTOR, CCR.STKALIGN, privilege, SysTick, the exclusive monitor,
bit-banding (ARMv7-M ARM B1.5.7, B3.1, B3.2, B3.3, A3.4)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core_programs import FAULTS_ON, Program

Compile = Callable[..., Path]
BUSFAULT, PRECISERR, BFARVALID = 5, 1 << 9, 1 << 15
TRAP = ".thumb_func\n .global trap\n trap: "
UNPRIVILEGED = "movs r0, #1\n msr control, r0\n isb\n"
COUNTFLAG = 1 << 16


def registers(compile_firmware: Compile, name: str, code: str) -> dict[str, int]:
    """All registers at a program's end."""
    p = Program(compile_firmware, name, code)
    assert p.run().exception == 0
    return p.machine.cpu.snapshot().as_dict()


def test_vtor_moves_the_table(compile_firmware: Compile) -> None:
    """B3.2.5: bits 31 to 7; the next exception goes through the table there."""
    code = """
    ldr r0, =0x08000000
    ldr r1, =0x20004000
    movs r2, #64
1:  ldr r3, [r0], #4
    str r3, [r1], #4
    subs r2, #1
    bne 1b
    ldr r1, =0x20004000
    ldr r0, =there
    str r0, [r1, #44]
    ldr r0, =0xE000ED08
    adds r1, #0x7F
    str r1, [r0]
    dsb
    isb
    svc 0
    ldr r4, [r0]
    mov r0, r7
    b done
.ltorg
.thumb_func
there:
    movs r7, #9
    bx lr
"""
    p = Program(compile_firmware, "vtor", code)
    assert p.run().r0 == 9
    assert p.machine.cpu.snapshot().r4 == 0x2000_4000


@pytest.mark.parametrize(("stkalign", "frame"), [(0x200, 0x2000_8000 - 0x20), (0, 0x2000_8004 - 0x20)])
def test_stkalign(compile_firmware: Compile, stkalign: int, frame: int) -> None:
    """B1.5.7: with it the frame is moved to a multiple of 8, and xPSR bit 9 tells."""
    code = f"ldr r0, =0xE000ED14\n ldr r1, ={stkalign:#x}\n str r1, [r0]\n ldr r1, =0x20008004\n mov sp, r1\n svc 0\n"
    code += "mov r5, sp\n b done\n .ltorg\n .thumb_func\n svc_handler: mov r6, sp\n ldr r7, [sp, #28]\n bx lr\n"
    found = registers(compile_firmware, f"stkalign_{stkalign}", code)
    assert found["r6"] == frame
    assert found["r7"] >> 9 & 1 == (stkalign != 0)
    assert found["r5"] == 0x2000_8004


@pytest.mark.parametrize("access", ["ldr r0, [r4]", "str r0, [r4]", "ldrb r0, [r4, #1]"])
@pytest.mark.parametrize("address", [0xE000_ED04, 0xE000_E010, 0xE000_E100, 0xE000_1000])
def test_the_ppb_is_privileged(compile_firmware: Compile, access: str, address: int) -> None:
    """B3.1.1: unprivileged accesses to the private peripheral bus are BusFaults."""
    code = FAULTS_ON + UNPRIVILEGED + f"ldr r4, ={address:#x}\n" + TRAP + access + "\n"
    p = Program(compile_firmware, "ppb", code)
    seen = p.run()
    assert (seen.exception, seen.cfsr, seen.pc) == (BUSFAULT, PRECISERR | BFARVALID, p.label("trap"))
    assert seen.bfar == address + ("[r4, #1]" in access)


SYSTICK = "ldr r4, =0xE000E010\n"


def start(load: int) -> str:
    return SYSTICK + f"ldr r0, ={load}\n str r0, [r4, #4]\n str r0, [r4, #8]\n movs r0, #5\n str r0, [r4]\n"


def spin(turns: int) -> str:
    return f"ldr r0, ={turns}\n 1: subs r0, #1\n bne 1b\n"


def test_systick_countflag(compile_firmware: Compile) -> None:
    """B3.3.3: set when 1 becomes 0, cleared by reading CSR and by writing CVR."""
    code = start(500) + "ldr r5, [r4]\n" + spin(500) + "ldr r6, [r4]\n ldr r7, [r4]\n"
    found = registers(compile_firmware, "countflag_read", code)
    assert (found["r5"] & COUNTFLAG, found["r6"] & COUNTFLAG, found["r7"] & COUNTFLAG) == (0, COUNTFLAG, 0)
    code = start(500) + spin(500) + "str r0, [r4, #8]\n ldr r5, [r4]\n ldr r6, [r4, #8]\n"
    found = registers(compile_firmware, "countflag_write", code)
    assert (found["r5"] & COUNTFLAG, found["r6"]) == (0, 0)


def test_systick_without_a_reload_value_stands_still(compile_firmware: Compile) -> None:
    """B3.3.1: a reload value of 0 disables the counter."""
    found = registers(compile_firmware, "load_0", start(0) + spin(500) + "ldr r5, [r4]\n ldr r6, [r4, #8]\n")
    assert (found["r5"], found["r6"]) == (5, 0)


def test_systick_takes_a_new_reload_value_at_the_next_wrap(compile_firmware: Compile) -> None:
    """B3.3.4: RVR is copied when the counter has reached 0."""
    code = start(1000) + spin(10) + "ldr r5, =100000\n str r5, [r4, #4]\n ldr r5, [r4, #8]\n"
    found = registers(compile_firmware, "reload", code + spin(1000) + "ldr r6, [r4, #8]\n")
    assert 0 < found["r5"] <= 1000
    assert 90_000 < found["r6"] <= 100_000


def test_systick_holds_its_value_while_disabled(compile_firmware: Compile) -> None:
    code = (
        start(10_000) + spin(10) + "movs r0, #4\n str r0, [r4]\n ldr r5, [r4, #8]\n" + spin(100) + "ldr r6, [r4, #8]\n"
    )
    found = registers(compile_firmware, "stopped", code)
    assert 0 < found["r5"] == found["r6"] < 10_000


@pytest.mark.parametrize(("between", "failed"), [("nop", 0), ("svc 0", 1), ("clrex", 1)])
def test_the_exclusive_monitor(compile_firmware: Compile, between: str, failed: int) -> None:
    """A3.4.4: exception entry and return clear the local monitor, so STREX fails."""
    code = (
        f"ldr r4, =0x20004000\n movs r5, #7\n ldrex r0, [r4]\n {between}\n strex r6, r5, [r4]\n ldr r7, [r4]\n b done\n"
    )
    code += ".ltorg\n .thumb_func\n svc_handler: bx lr\n"
    found = registers(compile_firmware, "monitor", code)
    assert (found["r6"], found["r7"]) == (failed, 0 if failed else 7)


def test_bit_banding_of_peripherals(compile_firmware: Compile) -> None:
    """B3.1: the clock gate of GPIOA in RCC_AHB1ENR, then bit 3 of GPIOA_ODR, through their aliases."""
    alias = {name: 0x4200_0000 + offset * 32 for name, offset in (("enr", 0x2_3830), ("odr", 0x2_0014))}
    code = f"ldr r4, ={alias['enr']:#x}\n movs r0, #1\n str r0, [r4]\n ldr r4, ={alias['odr'] + 12:#x}\n str r0, [r4]\n"
    code += "ldr r5, =0x40020014\n ldr r6, [r5]\n ldr r7, [r4]\n movs r0, #0\n str r0, [r4]\n ldr r5, [r5]\n"
    found = registers(compile_firmware, "bit_band_io", code)
    assert (found["r6"], found["r7"], found["r5"]) == (8, 1, 0)


def test_actlr_is_kept(compile_firmware: Compile) -> None:
    """Cortex-M4 TRM table 4-2: DISDEFWBUF and its neighbours; stores are precise with it and without."""
    found = registers(compile_firmware, "actlr", "ldr r4, =0xE000E008\n mvns r5, r0\n str r5, [r4]\n ldr r6, [r4]\n")
    assert found["r6"] == 0x307
