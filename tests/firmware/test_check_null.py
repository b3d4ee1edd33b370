# SPDX-License-Identifier: GPL-2.0-or-later
"""`--check alloc`: the access that a NULL leads to is named, those of others are not, and the guest does not change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from checked import compile_low
from test_check_heap import run

# An allocator that has nothing to give. `pxCurrentTCB` is a kernel's; SVC reads a low address, as a handler that looks
# into the vector table does, and makes another task the running one.
SOURCE = """
#include <stddef.h>
#include <stdint.h>
struct tcb { uint32_t words[32]; } a, b;
struct tcb *volatile pxCurrentTCB;
volatile uint32_t sink;
__attribute__((noinline)) void *pvPortMalloc(size_t size) { __asm volatile("" ::"r"(size)); return NULL; }
__attribute__((noinline)) uint32_t peek(uint32_t address) { return *(volatile uint32_t *)address; }
__attribute__((noinline)) void poke(uint32_t address) { *(volatile uint32_t *)address = 1; }
__attribute__((noinline)) uint32_t copy_conditionally(const uint32_t *from)
{
    uint32_t word = 7;
    __asm volatile("cmp %1, #1\\n ite lo\\n ldrlo %0, [%1, #8]\\n movhs %0, #9\\n" : "+r"(word) : "r"(from) : "cc");
    return word;
}
void SVC_Handler(void)
{
    struct tcb *next;
    __asm volatile("mrs %0, psp" : "=r"(next)); /* which no stack uses here */
    sink = peek(4);
    pxCurrentTCB = next;
}
static void become(struct tcb *next) { __asm volatile("msr psp, %0\\n svc 0" ::"r"(next) : "memory"); }
__attribute__((noinline)) void task(void)
{
    sink = peek(0); /* nobody has failed yet */
    void *p = pvPortMalloc(4096);
    become(&b);
    sink = peek(8);
    become(&a);
    USE
    sink = peek(16);
}
int Reset_Handler(void)
{
    pxCurrentTCB = &a;
    task();
    for (;;) __asm volatile("wfi");
}
__attribute__((section(".isr_vector"), used)) static void *const vectors[] = {
    (void *)0x20020000, Reset_Handler, 0, 0, 0, 0, 0, 0, 0, 0, 0, SVC_Handler};
"""
USES = {
    "read": ("sink = peek((uint32_t)p + 12);", "peek", "reads 0x0000000c"),
    "write": ("poke((uint32_t)p + 20);", "poke", "writes 0x00000014"),
    "in an IT block": ("sink = copy_conditionally(p);", "copy_conditionally", "reads 0x00000008"),
    "not at all": ("", "peek", "reads 0x00000010"),
}


@pytest.mark.parametrize("level", ["-O0", "-Os", "-O2"])
@pytest.mark.parametrize("use", USES)
def test_the_first_use_of_null(use: str, level: str, compile_firmware: Callable[..., Path]) -> None:
    code, function, what = USES[use]
    name = f"null_{use.replace(' ', '_')}{level}"
    elf = compile_firmware(name, SOURCE.replace("USE", code), level, "-g", "-w")
    state, log = run(elf, ("alloc",))
    failed, used = log
    assert failed.startswith("alloc: pvPortMalloc had no memory: NULL for 4096 bytes")
    assert used.startswith(f"alloc: NULL is used: {function} ({name}.c:")
    assert what in used
    assert "called from task (" in used
    assert "pvPortMalloc had no memory: NULL for 4096 bytes, called from task (" in used
    assert state == run(elf, ())[0]


def test_without_a_null_low_addresses_are_anybodys(compile_firmware: Callable[..., Path]) -> None:
    source = SOURCE.replace("return NULL", "return (void *)&b").replace("USE", "")
    assert run(compile_firmware("no_null", source, "-Os", "-w"), ("alloc",))[1] == []


def test_a_firmware_may_lie_at_the_lowest_addresses(compile_firmware: Callable[..., Path]) -> None:
    elf = compile_low(compile_firmware, "low", SOURCE.replace("USE", ""), "-Os", "-w")
    assert [text.split(":")[1] for text in run(elf, ("alloc",))[1]] == [" pvPortMalloc had no memory"]
