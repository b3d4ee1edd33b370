# SPDX-License-Identifier: GPL-2.0-or-later
"""Resets that a firmware asks for, or suffers: memory stays, RCC_CSR tells the cause."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from stm32emu.chips import find_chip
from stm32emu.elf import load_firmware
from stm32emu.machine import Machine
from test_console import stm32emu

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


def test_resets_are_in_the_log(compile_firmware: Callable[..., Path]) -> None:
    """At its reset values it counts 4096 periods of LSI / 4, which last 0.512 s (RM0090 section 21.4)."""
    elf = compile_firmware("reset_logged", PROGRAM.format(reset=WATCHDOG), suffix=".s")
    code, _console, log = stm32emu(str(elf), "--duration", "1s")
    assert code == 0
    assert re.search(r"^reset by the independent watchdog at 0\.5\d* s$", log, re.MULTILINE)


def test_a_boot_loop_does_not_flood_the_log(compile_firmware: Callable[..., Path]) -> None:
    elf = compile_firmware(
        "boot_loop", PROGRAM.format(reset=SOFTWARE).replace("cmp r1, #2", "cmp r1, #100"), suffix=".s"
    )
    code, _console, log = stm32emu(str(elf), "--duration", "10ms")
    assert code == 0
    assert log.count("reset by software at ") == 5
    assert log.count("further resets are not shown") == 1
