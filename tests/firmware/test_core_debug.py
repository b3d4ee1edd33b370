# SPDX-License-Identifier: GPL-2.0-or-later
"""DebugMonitor (ARMv7-M ARM C1.5, C1.6.5) and the DWT (C1.8), as firmware without a debugger uses them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core_programs import Program

Compile = Callable[..., Path]
DEBUGMON, HARDFAULT = 12, 3
DFSR_BKPT, DFSR_DWTTRAP, DEBUGEVT, MATCHED = 1 << 1, 1 << 2, 1 << 31, 1 << 24
MONITOR = "ldr r0, =0xE000EDFC\n ldr r1, =0x01010000\n str r1, [r0]\n dsb\n isb\n"
TRACE_ONLY = MONITOR.replace("0x01010000", "0x01000000")
TRAP = ".thumb_func\n .global trap\n trap: "
NEXT = ".thumb_func\n .global next\n next: "
WATCHED = 0x2000_0500


def comparator(n: int, address: str, mask: int, function: int) -> str:
    return f"""
    ldr r0, ={0xE000_1020 + 16 * n:#x}
    ldr r1, ={address}
    bic r1, #1
    str r1, [r0]
    movs r1, #{mask}
    str r1, [r0, #4]
    movs r1, #{function}
    str r1, [r0, #8]
    dsb
    isb
"""


def run(compile_firmware: Compile, name: str, code: str) -> tuple[Program, tuple[int, int, int]]:
    p = Program(compile_firmware, name, code)
    seen = p.run()
    return p, (seen.exception, seen.dfsr, seen.pc)


def test_bkpt_is_a_debug_monitor_exception_when_enabled(compile_firmware: Compile) -> None:
    """C1.5.1: DebugMonitor with the BKPT's address if MON_EN, HardFault with DEBUGEVT otherwise."""
    p, fault = run(compile_firmware, "bkpt_monitor", MONITOR + TRAP + "bkpt 1\n")
    assert fault == (DEBUGMON, DFSR_BKPT, p.label("trap"))
    assert p.word(0x2000_0108) == 0
    p, fault = run(compile_firmware, "bkpt_fault", TRAP + "bkpt 1\n")
    assert fault == (HARDFAULT, DFSR_BKPT, p.label("trap"))
    assert p.word(0x2000_0108) == DEBUGEVT


def test_bkpt_where_the_monitor_cannot_preempt(compile_firmware: Compile) -> None:
    """C1.5.1: DebugMonitor masked by PRIMASK; the breakpoint becomes a HardFault."""
    p, fault = run(compile_firmware, "bkpt_masked", MONITOR + "cpsid i\n" + TRAP + "bkpt 1\n")
    assert fault == (HARDFAULT, DFSR_BKPT, p.label("trap"))
    assert p.word(0x2000_0108) == DEBUGEVT


def test_software_pends_the_monitor(compile_firmware: Compile) -> None:
    """C1.6.5: MON_PEND pends it whether MON_EN is set or not."""
    code = "ldr r0, =0xE000EDFC\n ldr r1, =0x00020000\n str r1, [r0]\n dsb\n isb\n" + NEXT + "nop\n"
    p, fault = run(compile_firmware, "mon_pend", code)
    assert fault == (DEBUGMON, 0, p.label("next"))


@pytest.mark.parametrize(
    ("function", "load", "store"), [(5, True, False), (6, False, True), (7, True, True)], ids=["load", "store", "both"]
)
@pytest.mark.parametrize("instruction", ["ldr r5, [r4]", "str r5, [r4]", "ldrb r5, [r4, #3]", "stm r4, {r5, r6}"])
def test_data_watchpoints(compile_firmware: Compile, function: int, load: bool, store: bool, instruction: str) -> None:
    """Table C1-14: the access happens, then DebugMonitor comes, before the next instruction."""
    code = f"movs r5, #5\n movs r0, #0\n ldr r4, ={WATCHED:#x}\n"
    code = MONITOR + comparator(1, hex(WATCHED), 2, function) + code + instruction + "\n" + NEXT + "movs r7, #9\n"
    p, fault = run(compile_firmware, "watchpoint", code)
    if store if instruction.startswith("st") else load:
        assert fault == (DEBUGMON, DFSR_DWTTRAP, p.label("next"))
        assert p.machine.cpu.snapshot().r7 == 0
        assert p.word(WATCHED) == (5 if instruction.startswith("st") else 0)
    else:
        assert fault == (0, 0, 0)


@pytest.mark.parametrize(("offset", "hit"), [(-4, False), (0, True), (12, True), (16, False)])
def test_a_watched_range(compile_firmware: Compile, offset: int, hit: bool) -> None:
    """C1.8.1: MASK low bits of the address are not compared."""
    code = MONITOR + comparator(3, hex(WATCHED), 4, 7) + f"ldr r4, ={WATCHED + offset:#x}\n ldr r5, [r4]\n"
    _, fault = run(compile_firmware, f"range_{offset}", code)
    assert fault[0] == (DEBUGMON if hit else 0)


def test_a_watched_instruction(compile_firmware: Compile) -> None:
    """Function 4: the instruction runs, then DebugMonitor comes."""
    code = MONITOR + comparator(0, "trap", 0, 4) + "movs r7, #1\n adds r7, #1\n" + TRAP + "adds r7, #1\n"
    p, fault = run(compile_firmware, "pc_match", code + NEXT + "adds r7, #1\n")
    assert fault == (DEBUGMON, DFSR_DWTTRAP, p.label("next"))
    assert p.machine.cpu.snapshot().r7 == 3


def test_a_watched_instruction_in_an_it_block(compile_firmware: Compile) -> None:
    """Unicorn cannot be left inside an IT block: DebugMonitor comes behind it, and only if the instruction ran."""
    code = (
        MONITOR
        + comparator(0, "trap", 0, 4)
        + "movs r7, #1\n cmp r7, #{0}\n itt eq\n"
        + TRAP
        + "addeq r7, #1\n addeq r7, #1\n"
    )
    p, fault = run(compile_firmware, "pc_match_it", code.format(1) + NEXT + "nop\n")
    assert fault == (DEBUGMON, DFSR_DWTTRAP, p.label("next"))
    assert p.machine.cpu.snapshot().r7 == 3
    _, fault = run(compile_firmware, "pc_match_it_not", code.format(2) + NEXT + "nop\n")
    assert fault == (0, 0, 0)


def test_without_the_monitor_watchpoints_are_ignored(compile_firmware: Compile) -> None:
    code = TRACE_ONLY + comparator(0, hex(WATCHED), 2, 7) + f"ldr r4, ={WATCHED:#x}\n ldr r5, [r4]\n"
    assert run(compile_firmware, "ignored", code)[1] == (0, 0, 0)


def test_matched_is_cleared_by_reading(compile_firmware: Compile) -> None:
    """C1.8.17: FUNCTION.MATCHED; under PRIMASK the event itself is lost."""
    code = MONITOR + comparator(0, hex(WATCHED), 2, 7) + f"cpsid i\n ldr r4, ={WATCHED:#x}\n ldr r5, [r4]\n"
    code += "ldr r0, =0xE0001028\n ldr r5, [r0]\n ldr r6, [r0]\n cpsie i\n isb\n"
    p, fault = run(compile_firmware, "matched", code)
    registers = p.machine.cpu.snapshot()
    assert fault == (0, 0, 0)
    assert (registers.r5, registers.r6) == (MATCHED | 7, 7)


def test_cyccnt_stops_and_goes_on(compile_firmware: Compile) -> None:
    """C1.8.8: it counts while CYCCNTENA and TRCENA are set, keeps its value otherwise, and can be written."""
    code = (
        MONITOR
        + """
    ldr r4, =0xE0001000
    ldr r5, [r4]
    orr r5, #1
    str r5, [r4]
    ldr r0, =1000
    str r0, [r4, #4]
    b 1f
    nop
1:  ldr r6, [r4, #4]
    bic r5, #1
    str r5, [r4]
    b 1f
    nop
1:  ldr r7, [r4, #4]
    b 1f
    nop
1:  ldr r0, [r4, #4]
    subs r0, r7
"""
    )
    p, _ = run(compile_firmware, "cyccnt", code)
    registers = p.machine.cpu.snapshot()
    assert 1000 < registers.r6 <= registers.r7 < 1030
    assert p.word(0x2000_0200) == 0


def test_the_dwt_outlives_a_system_reset(compile_firmware: Compile) -> None:
    """C1.8.7: power-on resets it. The second time round the comparator is as it was."""
    code = f"""
    ldr r0, =0xE0001020
    ldr r1, [r0]
    cmp r1, #0
    bne again
    ldr r1, ={WATCHED:#x}
    str r1, [r0]
    ldr r0, =0xE000ED0C
    ldr r1, =0x05FA0004
    str r1, [r0]
    b .
again:
    mov r0, r1
"""
    p, _ = run(compile_firmware, "dwt_reset", code)
    assert p.word(0x2000_0200) == WATCHED
