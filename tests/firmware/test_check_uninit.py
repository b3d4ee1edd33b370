# SPDX-License-Identifier: GPL-2.0-or-later
"""`--check uninit`: a value that was never written is found where it decides something, once; its clean twin is not."""

from __future__ import annotations

import gc
import re
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from checked import Checked
from runs import IMAGES, free_port, running
from test_check_heap import SOURCE, run
from test_tls_clients import page, s_client

MORE = (
    SOURCE.replace("CLEARS", "1")
    .replace(
        "size_t xFreeBytesRemaining;",
        """size_t xFreeBytesRemaining;
typedef struct { uint32_t words[6]; } six;
volatile uint32_t kept;
six copy;
void SVC_Handler(void) {}
__attribute__((noinline)) void nothing(volatile void *p) { __asm volatile("" : : "r"(p)); }
__attribute__((noinline)) void dive(void)
{
    volatile uint32_t room[40];
    room[3] = 1;
}
""",
    )
    .replace("Reset_Handler};", "Reset_Handler, [11] = SVC_Handler};")
)
HEADS = {"heap": "volatile uint32_t *p = pvPortMalloc(24);", "stack": "volatile uint32_t p[20]; nothing(p);"}
OWNERS = {
    "heap": r"in the block of 24 bytes at 0x2000\w+\n +allocated from mistake \(",
    "stack": "in the stack frame of mistake",
}
ASM = '__asm volatile("{}" : : "r"(p) : "r0", "r1", "r2", "r3", "cc", "memory");'


def asm(*lines: str) -> str:
    return ASM.format("\\n ".join(lines))


BRANCH, ADDRESS, TARGET = (
    "decides a branch",
    "is used as an address",
    "is jumped to",
)
# What mistakes decide by p[2]; the clean twin writes it before.
USES = {
    "comparison": ("if (p[2] > 3) kept = 1;", BRANCH),
    "zero": (asm("ldr r0, [%0, #8]", "cbz r0, 1f", "nop", "1:"), BRANCH),
    "byte": ("if (((volatile uint8_t *)p)[9]) kept = 1;", BRANCH),
    "halfword": ("if (((volatile int16_t *)p)[5] < 0) kept = 1;", BRANCH),
    "address": (asm("ldr r0, [%0, #8]", "ldr r0, [r0]"), ADDRESS),
    "index": (asm("ldr r0, [%0, #8]", "ldr r1, =arena", "ldrb r2, [r1, r0]"), ADDRESS),
    "shifted": (asm("ldr r0, [%0, #8]", "lsls r0, r0, #31", "bmi 1f", "nop", "1:"), BRANCH),
    "sum": (asm("ldr r0, [%0, #8]", "ldr r1, =arena", "add r0, r1, r0, lsl #2", "ldrb r0, [r0]"), ADDRESS),
    "test": (asm("ldr r0, [%0, #8]", "tst r0, #4", "beq 1f", "nop", "1:"), BRANCH),
    "conditional store": (asm("ldr r0, [%0, #8]", "cmp r0, #0", "it ne", "strne r1, [%0]"), BRANCH),
    "choice": (
        asm("ldr r0, [%0, #8]", "cmp r0, #5", "ite ne", "movne r1, #1", "moveq r1, #0", "cbz r1, 1f", "nop", "1:"),
        BRANCH,
    ),
    "table": (
        asm("ldrb r0, [%0, #8]", "and r0, #1", "tbb [pc, r0]", "0: .byte (1f-0b)/2, (1f-0b)/2", "1:"),
        BRANCH,
    ),
    "copied by words": (
        asm("ldm %0, {r0-r3}", "ldr r0, =copy", "stm r0, {r0-r3}") + "if (copy.words[2] == 7) kept = 1;",
        BRANCH,
    ),
    "saved and restored": (asm("ldr r0, [%0, #8]", "push {r0, r1}", "pop {r2, r3}", "cbz r2, 1f", "nop", "1:"), BRANCH),
    "across an exception": (asm("ldr r0, [%0, #8]", "cmp r0, #0", "svc 0", "beq 1f", "nop", "1:"), BRANCH),
}


def build(compile_firmware: Callable[..., Path], name: str, code: str, level: str) -> Path:
    source = MORE.replace("MISTAKE", code)
    return compile_firmware(f"uninit_{name.replace(' ', '_')}{level}", source, level, "-g", "-w")


CLEAN = {
    "bits set one by one": (
        "p[2] |= 4; p[2] &= ~8; if (p[2] & 4) kept = 1; if (p[2] & 8) kept = 2;"
        + asm("ldr r0, [%0, #8]", "lsls r0, r0, #29", "bmi 1f", "nop", "1:")
    ),
    "a bit field": asm(
        "movs r1, #5", "ldr r0, [%0, #8]", "bfi r0, r1, #7, #4", "str r0, [%0, #8]", "ldr r0, [%0, #8]",
        "ubfx r0, r0, #8, #3", "cbz r0, 1f", "nop", "1:",
    ),
    "a byte of a word": (
        "((volatile uint8_t *)p)[8] = 1;" + asm("ldr r0, [%0, #8]", "uxtb r1, r0", "cbz r1, 1f", "nop", "1:")
    ),
    "a sign": "((volatile int8_t *)p)[11] = -1; if ((int32_t)p[2] < 5) kept = 1;",
    "a comparison that the upper byte decides": "((volatile uint8_t *)p)[11] = 1; if (p[2] > 0xFFFF) kept = 1;",
    "two values that differ": "((volatile uint8_t *)p)[8] = 1; if (p[2] == 0x100) kept = 1;",
    "a mask": asm("ldr r0, [%0, #8]", "movs r1, #0", "ands r0, r1", "beq 1f", "nop", "1:"),
    "nothing but itself": asm("ldr r0, [%0, #8]", "eors r0, r0", "beq 1f", "nop", "1:"),
    "a product with zero": asm("ldr r0, [%0, #8]", "movs r1, #0", "mul r0, r1", "cbz r0, 1f", "nop", "1:"),
    "a conditional use that is not reached": asm("ldr r0, [%0, #8]", "cmp sp, #0", "it eq", "ldreq r1, [r0]"),
    "copies that nobody looks at": "copy = *(six *)p; copy = copy;",
    "cleared memory": "p = mbedtls_calloc(3, 4); if (p[2]) kept = 1;",
}  # fmt: skip


@pytest.mark.parametrize("level", ["-O0", "-Os", "-O2"])
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("memory", HEADS)
def test_the_use_is_named(memory: str, use: str, level: str, compile_firmware: Callable[..., Path]) -> None:
    code, expected = USES[use]
    elf = build(compile_firmware, f"{memory}_{use}", HEADS[memory] + code, level)
    state, log = run(elf, ("uninit",))
    assert len(log) == 1, log
    assert re.match(rf"uninit: a value that was never written {expected}: mistake \(uninit_.*\.c:\d+\)\n", log[0]), log
    assert "it was first read by mistake (" in log[0]
    assert re.search(OWNERS[memory], log[0]), log
    assert state == run(elf, ())[0]
    twin = build(compile_firmware, f"{memory}_{use}_twin", HEADS[memory] + "p[2] = 0;" + code, level)
    assert run(twin, ("uninit",))[1] == []


@pytest.mark.parametrize("level", ["-O0", "-Os", "-O2"])
@pytest.mark.parametrize("case", CLEAN)
def test_what_is_decided_by_what_was_written(case: str, level: str, compile_firmware: Callable[..., Path]) -> None:
    code = "volatile uint32_t *p = pvPortMalloc(24);" + CLEAN[case]
    assert run(build(compile_firmware, f"clean_{case}", code, level), ("uninit",))[1] == []


@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_what_is_below_the_stack_pointer(level: str, compile_firmware: Callable[..., Path]) -> None:
    """Kernels look there for how deep a stack got."""
    code = "dive(); volatile uint32_t *q = (uint32_t *)0x2001FE00; while (!*q) q++; kept = (uint32_t)q;"
    assert run(build(compile_firmware, "scan", code, level), ("uninit",))[1] == []


def test_what_a_dma_controller_writes(compile_firmware: Callable[..., Path]) -> None:
    """Four of the six words."""
    code = "volatile uint32_t *p = pvPortMalloc(24); nothing(p); for (int n = 0; n < 6; n++) if (p[n] > 3) kept = 1;"
    checked = Checked(build(compile_firmware, "dma", code, "-Os"), ("uninit",))
    machine = checked.machine

    def receive(_address: int) -> None:
        machine.memory.write(machine.cpu.call_registers()[0], bytes(16))

    machine.cpu.watch(machine.symbols.address("nothing") or 0, receive)
    checked.run(200_000)
    assert len(checked.log) == 1
    kind, places = checked.summary()[0].split("\n")
    assert kind == "uninit: a value that was never written decides a branch"
    assert places.startswith("        2 times called from Reset_Handler (")


def test_what_a_machine_leaves_behind(compile_firmware: Callable[..., Path]) -> None:
    """Its core, heap and shadows refer to each other; the collector takes them apart in any order."""
    elf = build(compile_firmware, "left", "kept = 1;", "-Os")
    machines = [weakref.ref(Checked(elf, ("heap=exact", "uninit")).run(20_000).machine) for _ in range(3)]
    gc.collect()
    assert [machine() for machine in machines] == [None] * 3


def found(image: str, cycles: int) -> list[str]:
    """What is found in the first cycles of a bundled image, without a network."""
    return Checked(IMAGES / image, ("uninit", "heap=exact")).run(cycles).log


def test_a_calloc_that_does_not_clear() -> None:
    """mbedTLS reads limbs that nobody wrote; the first ones while it parses certificates."""
    log = found("tls_server-calloc-dirty.elf", 5_000_000)
    assert {text.split(": ")[2].split(" ")[0] for text in log} == {"mbedtls_mpi_bitlen", "mbedtls_mpi_cmp_mpi"}
    for text in log:
        assert "first read by mbedtls_mpi_shift_l (bignum.c:" in text
        assert re.search(
            r"in the block of \d+ bytes at 0x\w+\n +allocated from mbedtls_mpi_grow \(bignum.c:\d+\) <- ", text
        )
    assert found("tls_server.elf", 5_000_000) == []


def test_a_handshake_of_optimised_code() -> None:
    """Live, too."""
    words = ("--port", f"{free_port()}:4433", "--check", "uninit,heap=exact")
    with running(str(IMAGES / "tls_server-O2.elf"), *words) as run:
        page(s_client(run.port()))
    assert "tls: TLSv1.2" in run.console
    assert "virtual time" not in run.log  # which every finding has
