# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of a few instructions: r7 points to a word for their result, which is r0 when they end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from stm32emu.chips import find_chip
from stm32emu.elf import load_firmware
from stm32emu.machine import Machine

HEAD = """
.syntax unified
.thumb
.fpu fpv4-sp-d16
.section .isr_vector, "a"
    .word 0x20020000, Reset_Handler
.text
.thumb_func
.global Reset_Handler
Reset_Handler:
    ldr r7, =0x20000100
"""
TAIL = """
    str r0, [r7]
wait:
    b wait
"""


def run_program(
    compile_firmware: Callable[..., Path], name: str, code: str, cycles: int = 10_000, **wiring: Any
) -> Machine:
    """An F407 after `cycles` of `code`; `wiring` is for Machine."""
    elf = compile_firmware(name.replace(" ", "_"), HEAD + code + TAIL, suffix=".s")
    machine = Machine(load_firmware(elf), find_chip("f407"), **wiring)
    machine.run(cycles)
    return machine


def result(machine: Machine) -> int:
    """The word the program left."""
    return int.from_bytes(machine.memory.peek(0x2000_0100, 4), "little")
