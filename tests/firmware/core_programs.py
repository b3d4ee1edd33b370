# SPDX-License-Identifier: GPL-2.0-or-later
"""Small assembler programs on a machine, and what their fault handler saw."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stm32emu.chips import find_chip
from stm32emu.cpu import Reason
from stm32emu.elf import load_firmware
from stm32emu.machine import Machine
from stm32emu.symbols import Symbols

RESULTS = 0x2000_0100
SCRATCH = 0x2000_0400
FPU_ON = "ldr r0, =0xE000ED88\n ldr r1, =0x00F00000\n str r1, [r0]\n dsb\n isb\n"
FAULTS_ON = "ldr r0, =0xE000ED24\n ldr r1, =0x00070000\n str r1, [r0]\n"

# Every fault, SVC, PendSV and DebugMonitor lands in one handler, which notes what it sees and stays there; a program
# may have an svc_handler and a pendsv_handler of its own.
HEAD = """
.syntax unified
.thumb
.fpu fpv4-sp-d16
.section .isr_vector, "a"
    .word 0x20020000, Reset_Handler, note, note, note, note, note
    .word 0, 0, 0, 0, SVC_HANDLER, note, 0, PENDSV_HANDLER, note
.text
.thumb_func
note:
    tst lr, #4
    ite eq
    mrseq r0, msp
    mrsne r0, psp
    ldr r1, =0x20000100
    mrs r2, ipsr
    str r2, [r1]
    ldr r3, =0xE000ED28
    ldr r2, [r3]
    str r2, [r1, #4]     @ CFSR
    ldr r2, [r3, #4]
    str r2, [r1, #8]     @ HFSR
    ldr r2, [r3, #8]
    str r2, [r1, #12]    @ DFSR
    ldr r2, [r3, #12]
    str r2, [r1, #16]    @ MMFAR
    ldr r2, [r3, #16]
    str r2, [r1, #20]    @ BFAR
    ldr r2, [r0, #24]
    str r2, [r1, #24]    @ stacked PC
    ldr r2, [r0, #28]
    str r2, [r1, #28]    @ stacked xPSR
    str lr, [r1, #32]    @ EXC_RETURN
1:  b 1b
.thumb_func
.global Reset_Handler
Reset_Handler:
"""
TAIL = """
.global done
done:
    ldr r1, =0x20000200
    str r0, [r1]
    movs r2, #1
    str r2, [r1, #4]
1:  b 1b
.ltorg
"""


@dataclass(frozen=True)
class Seen:
    """What the handler noted (`exception` 0: it never ran), and r0 at the end of a program that reached `done`."""

    exception: int
    cfsr: int
    hfsr: int
    dfsr: int
    mmfar: int
    bfar: int
    pc: int
    xpsr: int
    exc_return: int
    r0: int
    done: bool


class Program:
    """A program after HEAD, with `done` as its end; labels are found by name."""

    def __init__(self, compile_firmware: Callable[..., Path], name: str, code: str) -> None:
        name = re.sub(r"\W+", "_", name)
        head = HEAD
        for handler in ("svc_handler", "pendsv_handler"):
            head = head.replace(handler.upper(), handler if f"{handler}:" in code else "note")
        elf = compile_firmware(name, head + code + TAIL, suffix=".s")
        self._symbols = Symbols.from_elf(elf)
        self.machine = Machine(load_firmware(elf), find_chip("f407"))

    def label(self, name: str) -> int:
        """The address of a global label."""
        address = self._symbols.address(name)
        assert address is not None, name
        return address & ~1

    def word(self, address: int) -> int:
        """A word of memory."""
        return int.from_bytes(self.machine.memory.peek(address, 4), "little")

    def run(self, cycles: int = 100_000) -> Seen:
        """Run for a while, past faults and sleep."""
        machine = self.machine
        end = machine.clock.now + cycles
        while machine.clock.now < end:
            reason = machine.run(end)
            if reason is Reason.LOCKUP:
                break
            if reason is Reason.SLEEP:
                machine.sleep(end)
            machine.cpu.fault()
        notes = struct.unpack("<9I", machine.memory.peek(RESULTS, 36))
        return Seen(*notes, self.word(RESULTS + 0x100), bool(self.word(RESULTS + 0x104)))
