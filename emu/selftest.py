# SPDX-License-Identifier: GPL-2.0-or-later
"""The traps of Unicorn that the core depends on, each as a program of a few instructions: what `stm32emu doctor --self`
runs. A Unicorn that falls into one is named in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stm32emu.cpu import Cpu, Kind, unicorn_version
from stm32emu.errors import UserError

FLASH, RAM, CODE, HANDLER = 0x0800_0000, 0x2000_0000, 0x0800_0100, 0x40
CYCLES = 500


@dataclass(frozen=True)
class Check:
    """A program at CODE, in hexadecimal, whose handler for every exception is at CODE + 0x40; r0 at its end."""

    what: str
    program: str
    r0: int
    handler: str = ""


CHECKS = (
    Check(
        "a Cortex-M4, whose CONTROL is 4 after an FP instruction",
        # ldr r1, =0xE000ED88; mov r2, #0xF00000; str r2, [r1]; dsb; isb; vmov s0, r2; mrs r0, control; b .
        "0649 4ff47002 0a60 bff34f8f bff36f8f 00ee102a eff31480 fee7 0000 88ed00e0",
        4,
    ),
    Check(
        "exception returns without leaving the run",
        "0120 00df 0230 fee7",  # movs r0, #1; svc 0; adds r0, #2; b .
        7,
        "0099 0431 0091 7047",  # ldr r1, [sp]; adds r1, #4; str r1, [sp]; bx lr
    ),
    Check(
        "the exact PC of a bus fault",
        # mov r1, #0x20000000; movs r2, #3; str r2, [r1]; mvns r1, r1; ldr r0, [r1]; b .
        "4ff00051 0322 0a60 c943 0868 fee7",
        CODE + 10,
        "0698 fee7",  # ldr r0, [sp, #24]; b .
    ),
    Check(
        "IT blocks whose stores miss the TLB",
        # ldr r1, =0x20000800; movs r0, #1; cmp r0, #1; itee eq; streq r0, [r1]; movne r0, #8; movne r0, #8;
        # b 1f; 1: adds r0, #1; adds r0, #1; b .
        "0549 0120 0128 0ebf 0860 0820 0820 ffe7 0130 0130 fee7 0000 00080020",
        3,
    ),
    Check(
        "code in RAM that is replaced, under the virtual TLB",
        # ldr r1, =0x20000400; ldr r2, =(movs r0, #1; bx lr); str r2, [r1]; adds r3, r1, #1; blx r3;
        # ldr r2, =(movs r0, #5; bx lr); str r2, [r1]; dsb; isb; blx r3; b .
        "0649 074a 0a60 4b1c 9847 064a 0a60 bff34f8f bff36f8f 9847 fee7 0000 00040020 01207047 05207047",
        5,
    ),
    Check(
        "checks of a base register when a block starts",
        "1049 ffe7 0120 d1e90023 fee7",  # ldr r1, =0x20000002; b 1f; 1: movs r0, #1; ldrd r2, r3, [r1]; b .
        CODE + 6,
        "0698 fee7 02000020",
    ),
    Check(
        "hooks on single instructions",
        "1049 0c46 94e80c00 fee7",  # ldr r1, =0x20000002; mov r4, r1; ldm r4, {r2, r3}; b .
        CODE + 4,
        "0698 fee7 02000020",
    ),
)


def _run(check: Check, cpu: Cpu) -> int:
    """r0 at the end of the program."""
    flash, ram = bytearray(0x1000), bytearray(0x1000)
    vectors = [RAM + 0x1000, CODE | 1] + [CODE + HANDLER | 1] * 14
    for n, vector in enumerate(vectors):
        flash[4 * n : 4 * n + 4] = vector.to_bytes(4, "little")
    for address, words in ((CODE, check.program), (CODE + HANDLER, check.handler)):
        code = bytes.fromhex(words)
        flash[address - FLASH : address - FLASH + len(code)] = code
    cpu.add_memory(FLASH, flash, Kind.FLASH, FLASH)
    cpu.add_memory(RAM, ram, Kind.RAM, RAM)
    cpu.reset(FLASH, True)
    while cpu.now < CYCLES:
        cpu.run(CYCLES)
    return cpu.snapshot().r0


def self_test(make_cpu: Callable[[], Cpu] = Cpu) -> Iterator[str]:
    """Yield what works, check by check. Raises UserError, naming the Unicorn, at the first that does not."""
    for check in CHECKS:
        r0 = _run(check, make_cpu())
        if r0 != check.r0:
            raise UserError(
                f"Unicorn {unicorn_version()} does not do what stm32emu relies on ({check.what}: {r0:#x} in place of "
                f"{check.r0:#x}); install another one with: pip install unicorn==2.1.3"
            )
        yield check.what
