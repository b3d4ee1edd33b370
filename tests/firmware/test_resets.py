# SPDX-License-Identifier: GPL-2.0-or-later
"""Resets that a firmware asks for, or suffers: memory stays, RCC_CSR tells the cause."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stm32emu.chips import find_chip
from stm32emu.elf import load_firmware
from stm32emu.machine import Machine

# Counts its starts and keeps RCC_CSR in RAM; the first start resets the chip, the second sleeps for ever.
PROGRAM = """
.syntax unified
.thumb
.section .isr_vector, "a"
    .word 0x20020000, Reset_Handler
.text
.thumb_func
.global Reset_Handler
Reset_Handler:
    ldr r0, =0x20000100
    ldr r1, [r0]
    adds r1, #1
    str r1, [r0]
    ldr r2, =0x40023874
    ldr r3, [r2]
    str r3, [r0, #4]
    cmp r1, #2
    beq done
{reset}
wait:
    b wait
done:
    wfi
    b done
"""
SOFTWARE = """
    ldr r0, =0xE000ED0C
    ldr r1, =0x05FA0004
    str r1, [r0]
    dsb
"""
WATCHDOG = """
    ldr r0, =0x40003000
    ldr r1, =0xCCCC
    str r1, [r0]
"""
CAUSES = {"software": (SOFTWARE, 28), "iwdg": (WATCHDOG, 29)}  # RCC_CSR.SFTRSTF, IWDGRSTF (RM0090 section 7.3.21)


@pytest.mark.parametrize("cause", CAUSES)
def test_reset(cause: str, compile_firmware: Callable[..., Path]) -> None:
    code, flag = CAUSES[cause]
    elf = compile_firmware(f"reset_{cause}", PROGRAM.format(reset=code), suffix=".s")
    machine = Machine(load_firmware(elf), find_chip("f407"))
    machine.run(40_000_000)  # a watchdog at its reset values takes 0.5 s of the 16 MHz that a chip starts with
    starts, csr = (int.from_bytes(machine.memory.peek(address, 4), "little") for address in (0x2000_0100, 0x2000_0104))
    assert (machine.resets, starts) == (1, 2)
    assert csr >> flag & 1
