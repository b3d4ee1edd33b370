# SPDX-License-Identifier: GPL-2.0-or-later
"""Skipping busy idle loops changes nothing: random loops, some idle and some that only look so, with and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from stm32emu.chips import find_chip
from stm32emu.cpu import NEVER, Reason
from stm32emu.elf import load_firmware
from stm32emu.machine import Machine

START = """
    .syntax unified
    .cpu cortex-m4
    .fpu fpv4-sp-d16
    .thumb
    .section .isr_vector, "a"
    .word _estack, Reset_Handler, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, SysTick_Handler
    .text
    .thumb_func
fault: b fault
    .thumb_func
SysTick_Handler:
    ldr r0, =variables
    ldr r1, [r0]
    adds r1, #1
    str r1, [r0]
    bx lr
    .thumb_func
leaf:
    push {r0, r1, lr}
    ldr r1, [r4, #4]
    pop {r0, r1, pc}
    .global Reset_Handler
    .thumb_func
Reset_Handler:
    ldr r0, =0xE000ED88
    mov r1, #0xF00000
    str r1, [r0]
    ldr r0, =0x40023830
    mov r1, #1
    str r1, [r0]        // clock of GPIOA,
    ldr r1, =0x220003
    str r1, [r0, #16]   // of USART2, TIM2, TIM3 and I2C1,
    mov r1, #0x1000
    str r1, [r0, #20]   // and of SPI1
    ldr r0, =0x40000000
    mov r1, #1
    str r1, [r0]        // TIM2 counts
    ldr r12, =0x40000400
    ldr r1, =RELOAD
    str r1, [r12, #44]
    lsr r1, #1
    str r1, [r12, #52]
    mov r1, #PRESCALER
    str r1, [r12, #40]
    mov r1, #MODE
    str r1, [r12]       // and so does TIM3, which comes round many times
    ldr r0, =0xE000EDFC
    mov r1, #0x1000000
    str r1, [r0]
    ldr r0, =0xE0001000
    mov r1, #1
    str r1, [r0]        // and so does DWT
    ldr r4, =variables
    ldr r8, =0x40004400
    ldr r9, =0x40000024
    ldr r10, =0xE000E018
    ldr r11, =0xE0001004
    ldr r0, =0xE000E010
    ldr r1, =PERIOD
    str r1, [r0, #4]
    mov r1, #0
    str r1, [r0, #8]
    mov r1, #7
    str r1, [r0]
"""
END = """
    b .
    .ltorg
    .bss
    .align 3
variables: .space 64
"""
IDLE = (
    "nop",
    "ldr r0, [r4, #4]",
    "ldr r0, [r4, #8]; str r0, [r4, #8]",
    "push {r0-r3}; pop {r0-r3}",
    "str r5, [sp, #-8]",
    "ldr r0, [r8]",  # USART2_SR
    "ldr r0, [r9, #-20]",  # TIM2_SR
    "movw r0, #0x5414; movt r0, #0x4000; ldr r0, [r0]",  # I2C1_SR1
    "movw r0, #0x3008; movt r0, #0x4001; ldr r0, [r0]",  # SPI1_SR
    "movs r0, #0; movt r0, #0x4002; movw r1, #2; movt r1, #4; str r1, [r0, #24]",  # GPIOA_BSRR: the same pins each time
    "bl leaf",
    "ldrex r0, [r4, #4]; strex r1, r0, [r4, #4]",
    "cmp r5, #3; it gt; movgt r2, #1",
    "ldr r1, [r4, #8]; cbz r1, 1f; nop; 1: movs r1, #0",
    "vldr s0, [r4, #4]; vadd.f32 s1, s0, s0",
    "ldrd r0, r1, [r4]; movs r0, #0; dmb",
)
BUSY = (
    "adds r6, #1",
    "ldr r0, [r4, #12]; adds r0, #1; str r0, [r4, #12]; movs r0, #0",
    "ldrb r0, [r4, #16]; eor r0, #1; strb r0, [r4, #16]; movs r0, #0",
    "vmov s2, r5; vadd.f32 s3, s3, s2",
    "ldr r0, [r9]; str r0, [r4, #20]",  # TIM2_CNT
    "ldr r0, [r12, #36]; str r0, [r4, #28]",  # TIM3_CNT
    "movs r0, #0; movt r0, #0x4002; mov r1, #8; str r1, [r0, #24]; lsl r1, #16; str r1, [r0, #24]",  # there and back
    "ldr r0, [r10]; movs r0, #0",  # SysTick VAL
    "ldr r7, [r11]",  # DWT_CYCCNT
    "str r4, [r4, #24]; str r5, [r4, #24]",
)


UNTIL_TICK = "movw r5, #{ticks}", "ldr r0, [r4]; cmp r0, r5"
UNTIL_TIME = "ldr r3, [r9]; movw r5, #{cycles}; add r3, r5", "ldr r0, [r9]; subs r0, r3; asrs r0, #31"
UNTIL_FLAG = "movs r5, #0; str r5, [r12, #16]", "ldr r0, [r12, #16]; and r0, #{flags}; subs r0, #1"
"""What comes before a loop, and sets the flags for the BLT at its end. All leave the registers as they were."""


def start(random: Random) -> str:
    """With some period of SysTick and some course of TIM3: up, down or both."""
    numbers = {
        "PERIOD": random.randint(1500, 9000),
        "RELOAD": random.randint(300, 3000),
        "PRESCALER": random.randint(0, 3),
        "MODE": random.choice((0x01, 0x11, 0x21)),
    }
    text = START
    for name, number in numbers.items():
        text = text.replace(name, str(number))
    return text


def loops(random: Random, count: int) -> str:
    """Loops one after the other, each for a few ticks of SysTick."""
    text, ticks = [], 0
    for n in range(count):
        ticks += random.randint(1, 4)
        body = random.choices(IDLE, k=random.randint(1, 6)) + random.choices(BUSY, k=random.choice((0, 0, 0, 1)))
        random.shuffle(body)
        before, last = random.choice((UNTIL_TICK, UNTIL_TICK, UNTIL_TIME, UNTIL_FLAG))
        entry = before.format(ticks=ticks, cycles=random.randint(2000, 20_000))
        text += [entry, f"loop{n}:", *body, last.format(flags=random.randint(1, 3)), f"blt loop{n}"]
    return "\n".join(text).replace("; ", "\n")


def run(elf: Path, skip: bool, idle_until: int, step: int, end: int) -> tuple[tuple[int, str, list[int]], int]:
    """What can be seen of the machine at cycle `end`, and how often a loop was reported idle."""
    machine = Machine(load_firmware(elf), find_chip("f407"))
    machine.cpu.skip_loops, machine.cpu.idle_until = skip, idle_until
    reports = 0
    while machine.clock.now < end:
        limit = min(machine.clock.now + step, end)
        if machine.run(limit) is Reason.IDLE:
            reports += 1
            machine.skip_idle(limit)
    return (machine.clock.now, machine.state_hash(), machine.cpu.blocks()), reports


@pytest.mark.parametrize("seed", range(8))
def test_skipping_changes_nothing(compile_firmware: Callable[..., Path], seed: int) -> None:
    random = Random(seed)
    source = start(random) + loops(random, 16) + END
    elf = compile_firmware(f"idle{seed}", source, suffix=".s")
    end = random.randint(400_000, 600_000)
    expected, _ = run(elf, False, 0, NEVER, end)
    skipped, _ = run(elf, True, NEVER, random.randint(10_000, 90_000), end)
    waited, reports = run(elf, True, 0, random.randint(10_000, 90_000), end)
    assert skipped == expected
    assert waited == expected
    assert reports > 10
