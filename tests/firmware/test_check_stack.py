# SPDX-License-Identifier: GPL-2.0-or-later
"""`--check stack`: how deep a stack gets, judged by paint and by SP itself, and the instruction that leaves it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from checked import Checked
from runs import IMAGES
from stm32emu.machine import Machine

TOP = 0x2002_0000
HEAD = """
.syntax unified
.thumb
.fpu fpv4-sp-d16
.section .isr_vector, "a"
    .word 0x20020000, Reset_Handler
.text
.thumb_func
.type Reset_Handler, %function
.global Reset_Handler
Reset_Handler:
    ldr r0, =0xE000ED88
    ldr r1, =0x00F00000
    str r1, [r0]
    dsb
    isb
"""
TAIL = """
    b next
next:
    ldr r0, =0x20000100
    mov r1, sp
    str r1, [r0]
wait:
    wfi
    b wait
"""
# Every way to move SP by a constant, and some that give back.
MOVES = {
    "push": "push {r0-r3, lr}",
    "push.w": "push.w {r4-r8, lr}",
    "str": "str r0, [sp, #-8]!",
    "strd": "strd r0, r1, [sp, #-24]!",
    "vpush": "vpush {s0-s4}",
    "vpush of doubles": "vpush {d8-d10}",
    "sub": "sub sp, #508",
    "sub.w": "sub.w sp, sp, #0x1FC0",
    "sub.w of a pattern": "sub.w sp, sp, #0x40",
    "subw": "subw sp, sp, #0xFFC",
    "several": "push {r0-r7}\n sub sp, #16\n vpush {s0}\n push.w {r8, r9}",
    "register": "movs r2, #48\n sub sp, sp, r2\n b 1f\n1: push {r0}",
}
GIVES_BACK = {
    "pop": ("push {r0-r7}\n pop {r0-r3}", 32),
    "pop.w": ("push.w {r4-r9}\n pop.w {r4-r7}", 24),
    "add": ("sub sp, #64\n add sp, #32", 64),
    "add.w": ("subw sp, sp, #1024\n add.w sp, sp, #512", 1024),
    "vpop": ("vpush {s0-s7}\n vpop {s0-s3}", 32),
}


def checked(elf: Path, cycles: int = 400_000) -> tuple[Machine, list[str], list[str]]:
    """The machine after a run, what was found, and the summary."""
    checked = Checked(elf, ("stack",)).run(cycles)
    return checked.machine, checked.log, checked.summary()


def word(machine: Machine, address: int) -> int:
    """A word of the guest's memory."""
    return int.from_bytes(machine.memory.peek(address, 4), "little")


@pytest.mark.parametrize("move", MOVES)
def test_the_lowest_mark_is_sp(move: str, compile_firmware: Callable[..., Path]) -> None:
    elf = compile_firmware(f"sp_{move.replace(' ', '_')}", HEAD + MOVES[move] + TAIL, suffix=".s")
    machine, _log, summary = checked(elf)
    used = TOP - word(machine, 0x2000_0100)
    assert used > 0
    assert summary == [f"stack: main stack used {used} bytes"]


@pytest.mark.parametrize("move", GIVES_BACK)
def test_what_is_given_back_in_the_same_block_counts(move: str, compile_firmware: Callable[..., Path]) -> None:
    code, deepest = GIVES_BACK[move]
    elf = compile_firmware(f"sp_{move}", HEAD + code + TAIL, suffix=".s")
    machine, _log, summary = checked(elf)
    assert TOP - word(machine, 0x2000_0100) < deepest
    assert summary == [f"stack: main stack used {deepest} bytes"]


# 600 bytes at once by other means than a constant, once the stack has been 508 bytes deep and is not any more.
COMPUTED = {
    "mov": "mov r2, sp\n subw r2, r2, #600\n mov sp, r2",
    "sub": "movw r2, #600\n sub sp, sp, r2",
    "add": "movw r2, #600\n rsbs r2, #0\n add sp, r2",
    "msr": "mrs r2, msp\n subw r2, r2, #600\n msr msp, r2",
    "ldr": "mov r2, sp\n subw r2, r2, #600\n ldr r3, =0x20000200\n str r2, [r3]\n ldr sp, [r3]",
    "post-decrement": "sub sp, #8\n .rept 4\n str r0, [sp], #-148\n .endr",
    "ldrd": "ldrd r0, r1, [sp, #-600]!",
    "ldmdb": "sub sp, #500\n sub sp, #88\n ldmdb sp!, {r0-r2}",
}


@pytest.mark.parametrize("way", COMPUTED)
def test_computed_depth_is_seen_at_the_next_push(way: str, compile_firmware: Callable[..., Path]) -> None:
    before = "sub sp, #508\n add sp, #508\n b 1f\n1: push {r0}\n pop {r0}\n b 2f\n2:\n"
    code = f"{before}{COMPUTED[way]}\n b 3f\n3: push {{r0}}"
    elf = compile_firmware(f"computed_{way}", HEAD + code + TAIL, suffix=".s")
    machine, _log, summary = checked(elf)
    assert TOP - word(machine, 0x2000_0100) == 604
    assert summary == ["stack: main stack used 604 bytes"]


RECURSION = """
#include <stdint.h>
static volatile uint32_t sink;
__attribute__((noinline)) uint32_t dive(uint32_t n)
{
    volatile uint32_t room[5];
    room[n % 5] = n;
    return n ? dive(n - 1) + room[n % 5] : 1;
}
int Reset_Handler(void)
{
    for (uint32_t *p = (uint32_t *)0x20010000; p < (uint32_t *)0x2001FF00; p++) *p = 0xA5A5A5A5;
    sink = dive(DEPTH);
    for (;;) __asm volatile("wfi");
}
__attribute__((section(".isr_vector"), used)) static void *const vectors[] = {(void *)0x20020000, Reset_Handler};
"""


@pytest.mark.parametrize("level", ["-O0", "-Os", "-O1"])
def test_paint_agrees_and_the_first_overflow_is_named(level: str, compile_firmware: Callable[..., Path]) -> None:
    limit = TOP - 2000
    flags = [level, "-g", f"-Wl,--defsym=_end={limit}"]
    elf = compile_firmware(f"dive{level}", RECURSION.replace("DEPTH", "100"), *flags)
    machine, log, summary = checked(elf)
    painted = next(a for a in range(0x2001_0000, TOP, 4) if word(machine, a) != 0xA5A5_A5A5)
    used = int(summary[0].split()[4])
    assert TOP - painted <= used <= TOP - painted + 24  # a frame may begin with words that nothing writes
    assert len(log) == 1
    assert log[0].startswith("stack: the main stack overflows: dive (dive")
    assert f"the lowest address of that stack is {limit:#010x}" in log[0]
    assert "called from dive" in log[0]


def test_shallow_recursion_finds_nothing(compile_firmware: Callable[..., Path]) -> None:
    elf = compile_firmware("paddle", RECURSION.replace("DEPTH", "5"), "-Os", f"-Wl,--defsym=_end={TOP - 2000}")
    _machine, log, summary = checked(elf)
    assert log == []
    assert summary[0].endswith("of 2000 bytes")


def test_every_task_of_the_server_has_its_mark() -> None:
    """The kernel paints its stacks: what was painted over lies within what was used."""
    machine, log, summary = checked(IMAGES / "tls_server.elf", 170_000_000)
    assert log == []
    assert [line.split('"')[1] for line in summary if "task" in line] == ["tls", "tcpip", "eth_rx", "IDLE"]
    for tcb, limit, lowest, highest in machine.cpu.stack_marks()[1:]:
        painted = next(a for a in range(limit, highest, 4) if word(machine, a) != 0xA5A5_A5A5)
        assert limit < lowest <= painted < highest, hex(tcb)
