# SPDX-License-Identifier: GPL-2.0-or-later
"""The same firmware gives the same state, on every supported Unicorn, however blocks are cut and runs are sliced."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runs import IMAGES, PATIENCE, ROOT
from stm32emu.symbols import Symbols

UNICORN_2_1_4 = str(ROOT / "build" / "unicorn-2.1.4")

# Arguments: a folder to import Unicorn from or "", the image, whether to install a code hook, what to do about idle
# loops, cycles per slice, cycles.
PROGRAM = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]] * bool(sys.argv[1])
from stm32emu.chips import find_chip
from stm32emu.cpu import NEVER, Reason
from stm32emu.elf import load_firmware
from stm32emu.machine import Machine

console = bytearray()
machine = Machine(load_firmware(Path(sys.argv[2])), find_chip("f407"), on_byte=lambda uart, byte: console.append(byte))
if sys.argv[3] == "hook":
    machine.cpu.code_hook()
machine.cpu.start_coverage()
machine.cpu.skip_loops = sys.argv[4] != "run"
machine.cpu.idle_until = NEVER if sys.argv[4] == "skip" else 0
step, end = int(sys.argv[5]), int(sys.argv[6])
while machine.clock.now < end:
    reason = machine.run(min(machine.clock.now + step, end))
    if reason is Reason.FAULT:
        machine.cpu.fault()
    elif reason is Reason.SLEEP:
        machine.sleep(min(end, machine.clock.now + step))
    elif reason is Reason.IDLE:
        machine.skip_idle(min(end, machine.clock.now + step))
print(machine.cpu.coverage())
print(machine.clock.now, machine.state_hash(), bytes(console).hex(), machine.memory.peek(0x2000_0100, 64).hex())
"""
IMAGES_AND_CYCLES = {"exceptions": 26_000_000, "bench_delay": 40_000_000, "tls_server": 170_000_000}
VARIANTS = {
    "again": ("", "plain", "run", 100_000),
    "other slices": ("", "plain", "run", 33_333),
    "code hook": ("", "hook", "run", 100_000),
    "idle loops skipped": ("", "plain", "skip", 100_000),
    "idle loops reported": ("", "hook", "report", 33_333),
    "Unicorn 2.1.4": (UNICORN_2_1_4, "plain", "run", 100_000),
    "Unicorn 2.1.4, code hook": (UNICORN_2_1_4, "hook", "skip", 77_777),
}


def state(elf: Path, cycles: int, unicorn: str, hook: str, idle: str, step: int) -> str:
    """Which code ran; cycle, hash over RAM and registers, console, and 64 bytes of RAM at the end of a run."""
    words = [unicorn, str(elf), hook, idle, str(step), str(cycles)]
    command = [sys.executable, "-c", PROGRAM, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout


@pytest.fixture(scope="module", params=IMAGES_AND_CYCLES)
def reference(request: pytest.FixtureRequest) -> tuple[str, str]:
    """An image and its state on the installed Unicorn."""
    return request.param, image_state(request.param, "", "plain", "run", 100_000)


@pytest.mark.parametrize("variant", VARIANTS)
def test_same_state(reference: tuple[str, str], variant: str) -> None:
    image, expected = reference
    assert image_state(image, *VARIANTS[variant]) == expected


def image_state(image: str, unicorn: str, hook: str, idle: str, step: int) -> str:
    return state(IMAGES / f"{image}.elf", IMAGES_AND_CYCLES[image], unicorn, hook, idle, step)


# SysTick comes due within 3 KB of straight-line code, five times, elsewhere each time; its handler notes the PC.
STRAIGHT_LINE = """
.syntax unified
.thumb
.section .isr_vector, "a"
    .word 0x20020000, Reset_Handler
    .zero 4 * 13
    .word SysTick_Handler
.text
.thumb_func
SysTick_Handler:
    ldr r0, [sp, #24]
    str r0, [r7], #4
    movs r0, #0
    str r0, [r6]
    bx lr
.thumb_func
.global Reset_Handler
Reset_Handler:
    ldr r7, =0x20000100
    ldr r6, =0xE000E010
    movs r5, #5
again:
    movs r1, #200
    mul r1, r5
    str r1, [r6, #4]
    str r1, [r6, #8]
    movs r1, #7
    str r1, [r6]
    b line
    .ltorg
line:
    .rept 1536
    adds r4, #1
    .endr
.global after
    b after
    nop
after:
    subs r5, #1
    bne again
    b .
"""


def test_straight_line_code(compile_firmware: Callable[..., Path]) -> None:
    """Unicorn cuts 3 KB of straight-line code where hooks, versions and hosts have it; interrupts come at its end."""
    elf = compile_firmware("straight_line", STRAIGHT_LINE, suffix=".s")
    after = Symbols.from_elf(elf).address("after")
    states = {name: state(elf, 60_000, *variant) for name, variant in VARIANTS.items()}
    assert set(states.values()) == {states["again"]}
    log = bytes.fromhex(states["again"].split()[-1])
    assert struct.unpack("<6I", log[:24]) == (*[after] * 5, 0)


# Everything that the core traps, each inside a block and in an IT block: the handler notes CFSR and the stacked PC in a
# running checksum, and goes on behind the instruction. Then the same with an MPU guard in the slow exact mode.
TRAPS = """
.syntax unified
.thumb
.fpu fpv4-sp-d16
.section .isr_vector, "a"
    .word 0x20010000, Reset_Handler, 0, fault, fault, fault, fault
    .zero 4 * 4
    .word lazy
.text
.thumb_func
fault:
    ldr r0, =0xE000ED28
    ldr r1, [r0]
    str r1, [r0]
    ldr r2, [sp, #24]
    eor r11, r1
    ror r11, #7
    eor r11, r2
    add r10, #1
    ldrh r1, [r2]
    lsrs r1, #11
    cmp r1, #0x1D
    ite hs
    addhs r2, #4
    addlo r2, #2
    str r2, [sp, #24]
    ldr r2, [sp, #28]
    bic r2, #0x06000000
    bic r2, #0x0000FC00
    str r2, [sp, #28]
    bx lr
.thumb_func
lazy:
    tst r10, #1
    it eq
    vmoveq s3, r10
    bx lr
.thumb_func
.global Reset_Handler
Reset_Handler:
    ldr r0, =0xE000ED24
    ldr r1, =0x00070000
    str r1, [r0]
    vmov s0, r0
    ldr r0, =0xE000ED88
    ldr r1, =0x00F00000
    str r1, [r0]
    ldr r0, =0xE000ED14
    ldr r1, =0x00000210
    str r1, [r0]
    dsb
    isb
    movs r9, #0
again:
    ldr r4, =0x20004002
    ldrd r0, r1, [r4]
    and r5, r9, #3
    add r4, r5
    b 1f
1:  strd r0, r1, [r4]
    ldm r4!, {r2, r3}
    cmp r5, #2
    itt eq
    udiveq r0, r9, r10
    stmeq r4, {r2, r3}
    ands r6, r9, #7
    udiv r0, r9, r6
    vldr s1, [r4]
    vmov s2, r9
    svc 0
    add r9, #1
    cmp r9, #200
    bne again
    ldr r0, =0xE000ED9C
    ldr r1, =0x20004011
    str r1, [r0]
    movs r1, #9
    str r1, [r0, #4]
    movs r1, #5
    str r1, [r0, #-8]
    dsb
    isb
more:
    ldr r4, =0x20003FF0
    and r5, r9, #0x3F
    add r4, r5
    str r9, [r4]
    ldr r2, [r4, #4]
    add r9, #1
    cmp r9, #600
    bne more
    ldr r0, =0x20000100
    str r10, [r0]
    str r11, [r0, #4]
    b .
"""


def test_traps(compile_firmware: Callable[..., Path]) -> None:
    """Where instructions trap does not depend on hooks, slices or Unicorn's version either."""
    elf = compile_firmware("traps", TRAPS, suffix=".s")
    states = {name: state(elf, 200_000, *variant) for name, variant in VARIANTS.items()}
    assert set(states.values()) == {states["again"]}
    count, checksum = struct.unpack("<2I", bytes.fromhex(states["again"].split()[-1])[:8])
    assert count > 600
    assert checksum
