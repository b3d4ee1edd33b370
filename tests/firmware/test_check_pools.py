# SPDX-License-Identifier: GPL-2.0-or-later
"""`--check alloc,heap` on lwIP's pools and on functions that hand out a part of another function's block."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from checked import compile_low
from test_check_heap import run

# Pools with lwIP's names (memp.c, memp_std.h), memalign over malloc, and mem_malloc over a pool (MEM_USE_POOLS).
SOURCE = """
#include <stddef.h>
#include <stdint.h>
struct memp_desc { uint16_t size, num; uint8_t *base; void **tab; };
uint8_t memp_memory_PBUF_base[3 * 16], memp_memory_TCP_PCB_base[2 * 32];
static void *pbufs, *pcbs;
const struct memp_desc memp_PBUF = {16, 3, memp_memory_PBUF_base, &pbufs};
const struct memp_desc memp_TCP_PCB = {32, 2, memp_memory_TCP_PCB_base, &pcbs};
const struct memp_desc *const memp_pools[] = {&memp_PBUF, &memp_TCP_PCB};
static void start(const struct memp_desc *pool)
{
    for (int n = 0; n < pool->num; n++) {
        void **element = (void **)(pool->base + n * pool->size);
        *element = *pool->tab, *pool->tab = element;
    }
}
__attribute__((noinline)) void *memp_malloc_pool(const struct memp_desc *pool)
{
    void **element = *pool->tab;
    if (element) *pool->tab = *element;
    return element;
}
__attribute__((noinline)) void memp_free_pool(const struct memp_desc *pool, void *element)
{
    if (element) *(void **)element = *pool->tab, *pool->tab = element;
}
__attribute__((noinline)) void *memp_malloc(int type) { return memp_malloc_pool(memp_pools[type]); }
__attribute__((noinline)) void memp_free(int type, void *element) { memp_free_pool(memp_pools[type], element); }
__attribute__((noinline)) void *mem_malloc(size_t size) { return (uint8_t *)memp_malloc(1) + 8; }
__attribute__((noinline)) void mem_free(void *p) { memp_free(1, (uint8_t *)p - 8); }
static uint8_t arena[1024] __attribute__((aligned(8)));
static size_t used;
__attribute__((noinline)) void *malloc(size_t size) { return used += 64, arena + used - 64; }
__attribute__((noinline)) void *memalign(size_t grain, size_t size) { return (uint8_t *)malloc(size + grain) + 16; }
__attribute__((noinline)) void free(void *p) { __asm volatile("" ::"r"(p)); }
__attribute__((noinline)) void ask_again(void *oldest) /* as tcp_alloc() in tcp.c */
{
    void *p = memp_malloc(1);
    p = memp_malloc(1);
    if (!p) p = memp_malloc(1);
    if (!p) memp_free(1, oldest), p = memp_malloc(1);
    __asm volatile("" ::"r"(p));
}
__attribute__((noinline)) void mistake(void)
{
    MISTAKE
    __asm volatile("");
}
int Reset_Handler(void)
{
    start(&memp_PBUF), start(&memp_TCP_PCB);
    mistake();
    for (;;) __asm volatile("wfi");
}
__attribute__((section(".isr_vector"), used)) static void *const vectors[] = {(void *)0x20020000, Reset_Handler};
"""
CASES = {
    "nothing": ("void *p = memp_malloc(0), *q = memp_malloc(1); memp_free(1, q); memp_free(0, p);", []),
    "exhausted": (
        "for (int n = 0; n < 3; n++) memp_malloc(1);",
        ["alloc: memp_malloc had no memory: pool TCP_PCB is empty"],
    ),
    "exhausted by its descriptor": (
        "for (int n = 0; n < 4; n++) memp_malloc_pool(&memp_PBUF);",
        ["alloc: memp_malloc_pool had no memory: pool PBUF is empty"],
    ),
    "exhausted, and helped": ("void *p = memp_malloc(1); ask_again(p);", []),
    "exhausted, and asked for another": (
        "memp_malloc(1), memp_malloc(1), memp_malloc(1), memp_malloc(0);",
        ["alloc: memp_malloc had no memory: pool TCP_PCB is empty"],
    ),
    "double free": (
        "void *p = memp_malloc(0); memp_free(0, p); memp_free(0, p);",
        ["heap: memp_free was given the element of pool PBUF at 0x2000"],
    ),
    "wild pointer": ("memp_free(0, arena + 8);", ["heap: memp_free was given 0x2000"]),
    "a part of an element": ("void *p = mem_malloc(10); mem_free(p);", []),
    "a part of an element, twice": (
        "void *p = mem_malloc(10); mem_free(p); mem_free(p);",
        ["heap: mem_free was given the block of 10 bytes at 0x2000"],
    ),
    "memalign": ("void *p = memalign(16, 20); free(p);", []),
    "memalign, twice": (
        "void *p = memalign(16, 20); free(p); free(p);",
        ["heap: free was given the block of 20 bytes at 0x2000"],
    ),
}


@pytest.mark.parametrize("level", ["-O0", "-Os"])
@pytest.mark.parametrize("case", CASES)
def test_case(case: str, level: str, compile_firmware: Callable[..., Path]) -> None:
    code, expected = CASES[case]
    name = f"pools_{case.replace(' ', '_').replace(',', '')}{level}"
    source = SOURCE.replace("MISTAKE", code)
    elf = compile_firmware(name, source, level, "-g", "-w", "-fno-builtin")
    state, log = run(elf, ("alloc", "heap"))
    assert [text.startswith(start) for text, start in zip(log, expected, strict=True)] == [True] * len(expected), log
    assert all("called from mistake" in text for text in log), log
    assert state == run(elf, ())[0]


def test_who_holds_an_empty_pool(compile_firmware: Callable[..., Path]) -> None:
    code = "memp_malloc(0); for (int n = 0; n < 3; n++) memp_malloc(0);"
    elf = compile_firmware("pool_holders", SOURCE.replace("MISTAKE", code), "-Os", "-g", "-w")
    [text] = run(elf, ("alloc",))[1]
    assert "its 3 elements were allocated from mistake (pool_holders.c:" in text


@pytest.mark.parametrize("low", [False, True])
def test_another_task_settles_nothing(low: bool, compile_firmware: Callable[..., Path]) -> None:
    """It gets an element of another pool between the two questions of the first, also in a firmware at address 0."""
    code = "void *p = memp_malloc(1); ask_again_slowly(p);"
    functions = """
int tcbs[2], *volatile pxCurrentTCB;
__attribute__((noinline)) void ask_again_slowly(void *oldest)
{
    pxCurrentTCB = tcbs, memp_malloc(1);
    void *p = memp_malloc(1);
    pxCurrentTCB = tcbs + 1, memp_malloc(0), pxCurrentTCB = tcbs;
    memp_free(1, oldest), p = memp_malloc(1);
    __asm volatile("" ::"r"(p));
}
__attribute__((noinline)) void mistake(void)"""
    source = SOURCE.replace("__attribute__((noinline)) void mistake(void)", functions).replace("MISTAKE", code)
    build = partial(compile_low, compile_firmware) if low else compile_firmware
    elf = build(f"pools_slowly_{low}", source, "-Os", "-g", "-w", "-fno-builtin")
    assert run(elf, ("alloc",))[1] == []
