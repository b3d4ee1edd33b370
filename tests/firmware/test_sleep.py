# SPDX-License-Identifier: GPL-2.0-or-later
"""A sleeping CPU sleeps until something wakes it, in however many pieces that time passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stm32emu.chips import find_chip
from stm32emu.cpu import Reason
from stm32emu.elf import load_firmware
from stm32emu.machine import Machine

# r4 counts how often sleep ended; SysTick ends it every 100 000 cycles.
PROGRAM = """
.syntax unified
.thumb
.section .isr_vector, "a"
    .word 0x20020000, Reset_Handler
    .fill 13, 4, 0
    .word SysTick_Handler
.text
.thumb_func
.global Reset_Handler
Reset_Handler:
    movs r4, #0
    ldr r0, =0xE000E010
    ldr r1, =99999
    str r1, [r0, #4]
    movs r1, #7
    str r1, [r0]
idle:
    {sleep}
    adds r4, #1
    b idle
.thumb_func
SysTick_Handler:
    bx lr
"""
END = 1_050_000


def run(elf: Path, step: int) -> Machine:
    """The machine after END cycles, asleep, with time passing `step` cycles at a time."""
    machine = Machine(load_firmware(elf), find_chip("f407"))
    while machine.clock.now < END:
        if machine.run(END) is Reason.SLEEP:
            machine.sleep(min(machine.clock.now + step, END))
    return machine


# An exception return is an event for WFE (ARMv7-M ARM B1.5.18), so every second WFE finds one and does not sleep.
@pytest.mark.parametrize(("instruction", "ends"), [("wfi", 10), ("wfe", 20)])
@pytest.mark.parametrize("step", [END, 33_333, 7])
def test_only_an_interrupt_ends_sleep(
    instruction: str, ends: int, step: int, compile_firmware: Callable[..., Path]
) -> None:
    elf = compile_firmware(f"sleep_{instruction}", PROGRAM.format(sleep=instruction), suffix=".s")
    machine = run(elf, step)
    assert machine.registers().r4 == ends
    assert machine.state_hash() == run(elf, END).state_hash()
