# SPDX-License-Identifier: GPL-2.0-or-later
"""`--check alloc,heap`: each mistake is found once and named, correct use is not, and the guest does not change."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from checked import Checked
from stm32emu.allocators import Contract, Kind
from stm32emu.errors import UserError
from test_console import stm32emu

# A first-fit allocator with FreeRTOS's names and header; `mistake` is what each case does with it.
SOURCE = """
#include <stddef.h>
#include <stdint.h>
typedef struct block { struct block *next; size_t size; } block;
static uint8_t arena[4096] __attribute__((aligned(8)));
static block *free_list;
size_t xFreeBytesRemaining;
__attribute__((used)) void *memset(void *to, int c, size_t n)
{
    for (uint8_t *p = to; n--;) *p++ = c;
    return to;
}
__attribute__((noinline)) void *pvPortMalloc(size_t size)
{
    size_t need = (size + sizeof(block) + 7) & ~7u;
    for (block **link = &free_list; *link; link = &(*link)->next) {
        block *b = *link;
        if (b->size < need) continue;
        if (b->size - need >= 16) {
            block *rest = (block *)((uint8_t *)b + need);
            rest->next = b->next, rest->size = b->size - need, b->size = need, *link = rest;
        } else *link = b->next;
        b->next = NULL;
        return b + 1;
    }
    return NULL;
}
__attribute__((noinline)) void vPortFree(void *p)
{
    block *b = (block *)p - 1;
    if (p) b->next = free_list, free_list = b;
}
__attribute__((noinline)) void *pvPortCalloc(size_t n, size_t size)
{
    void *p = pvPortMalloc(n * size);
    return p && CLEARS ? memset(p, 0, n * size) : p;
}
__attribute__((noinline)) void *mbedtls_calloc(size_t n, size_t size) { return pvPortCalloc(n, size); }
__attribute__((noinline)) void mbedtls_free(void *p) { vPortFree(p); }
__attribute__((noinline)) void *pvPortRealloc(void *p, size_t size)
{
    uint8_t *q = pvPortMalloc(size);
    for (size_t n = 0; q && p && n < size; n++) q[n] = ((uint8_t *)p)[n];
    if (q) vPortFree(p);
    return q;
}
__attribute__((noinline)) void mistake(void)
{
    MISTAKE
    __asm volatile(""); /* so that the last call is no jump */
}
int Reset_Handler(void)
{
    free_list = (block *)arena;
    free_list->next = NULL, free_list->size = sizeof arena;
    mistake();
    for (;;) __asm volatile("wfi");
}
__attribute__((section(".isr_vector"), used)) static void *const vectors[] = {(void *)0x20020000, Reset_Handler};
"""
DIRTY = "volatile uint8_t *d = pvPortMalloc(64); memset((void *)d, 7, 64); vPortFree((void *)d); "
CASES = {
    "nothing": ("uint8_t *p = mbedtls_calloc(5, 7); p[34] = 1; mbedtls_free(p); vPortFree(0);", 1, []),
    "realloc": ("void *p = pvPortMalloc(20); p = pvPortRealloc(p, 40); mbedtls_free(p);", 1, []),
    "dirty calloc": (
        DIRTY + "mbedtls_calloc(3, 20);",
        0,
        ["alloc: mbedtls_calloc returned memory that was not zero: 60 of 60 bytes dirty"],
    ),
    "dirty memory, cleared": (DIRTY + "mbedtls_calloc(3, 20);", 1, []),
    "overflow": (
        "mbedtls_calloc(0x10000001, 16);",
        1,
        ["alloc: mbedtls_calloc returned a block for a product that does not fit 32 bits: 16 bytes of it"],
    ),
    "no memory": ("mbedtls_calloc(1, 5000);", 1, ["alloc: mbedtls_calloc had no memory: NULL for 5000 bytes"]),
    "wild pointer": ("mbedtls_free(arena + 100);", 1, ["heap: mbedtls_free was given 0x2000"]),
    "double free": (
        "void *p = pvPortMalloc(24); vPortFree(p); vPortFree(p);",
        1,
        ["heap: vPortFree was given the block of 24 bytes"],
    ),
    "write before": (
        "uint8_t *p = pvPortMalloc(24); p[-3] = 9; vPortFree(p);",
        1,
        ["heap: something wrote before the block of 24 bytes"],
    ),
    "write behind": (
        "uint8_t *p = pvPortMalloc(21); p[21] = 9; vPortFree(p);",
        1,
        ["heap: something wrote past the end of the block of 21 bytes"],
    ),
    "write after free": (
        "volatile uint8_t *p = pvPortMalloc(40); vPortFree((void *)p); p[30] = 9; pvPortMalloc(40);",
        1,
        ["heap: something wrote to freed memory at 0x2000"],
    ),
}


def run(elf: Path, checks: tuple[str, ...], own: Mapping[str, Contract] | None = None) -> tuple[str, list[str]]:
    """The state at the end, and what was found."""
    checked = Checked(elf, checks, own or {}).run(200_000)
    checked.finish()
    return checked.machine.state_hash(), checked.log


@pytest.mark.parametrize("level", ["-O0", "-Os", "-O2"])
@pytest.mark.parametrize("case", CASES)
def test_case(case: str, level: str, compile_firmware: Callable[..., Path]) -> None:
    code, clears, expected = CASES[case]
    source = SOURCE.replace("MISTAKE", code).replace("CLEARS", str(clears))
    elf = compile_firmware(f"heap_{case.replace(' ', '_')}{level}", source, level, "-g", "-w")
    state, log = run(elf, ("alloc", "heap"))
    assert [text.startswith(start) for text, start in zip(log, expected, strict=True)] == [True] * len(expected), log
    assert all("called from mistake" in text for text in log), log
    assert state == run(elf, ())[0]
    only_alloc = [text for text in log if text.startswith("alloc")]
    assert run(elf, ("alloc",))[1] == only_alloc


@pytest.mark.parametrize(
    ("code", "free"),
    [
        ("pvPortMalloc(5000);", "4096 bytes were free in one piece"),
        (
            "void *p[4]; for (int n = 0; n < 4; n++) p[n] = pvPortMalloc(200); vPortFree(p[1]); pvPortMalloc(3400);",
            "3472 bytes were free in 2 pieces, the largest of 3264",
        ),
        ("while (pvPortMalloc(56));", "nothing was free"),
    ],
)
def test_what_was_free_when_nothing_was_large_enough(
    code: str, free: str, compile_firmware: Callable[..., Path]
) -> None:
    source = SOURCE.replace("MISTAKE", code).replace("CLEARS", "1").replace("arena", "ucHeap")
    elf = compile_firmware("heap_room", source, "-Os", "-w")
    [text] = run(elf, ("alloc",))[1]
    assert f"\n       {free}; " in text


def test_allocators_that_only_the_user_knows(compile_firmware: Callable[..., Path]) -> None:
    """Here the size is the second argument."""
    source = SOURCE.replace("MISTAKE", "void *p = my_take(1, 20); my_drop(p); my_drop(p);").replace("CLEARS", "1")
    for name, mine in (("pvPortMalloc", "take"), ("vPortFree", "my_drop"), ("pvPort", "other"), ("mbedtls", "none")):
        source = source.replace(name, mine)
    take = "__attribute__((noinline)) void *my_take(int heap, size_t size) { return take(size); }\n"
    source = source.replace("__attribute__((noinline)) void mistake", take + "__attribute__((noinline)) void mistake")
    elf = compile_firmware("heap_own", source, "-Os", "-w")
    assert "has no allocator of a known name" in run(elf, ("heap",))[1][0]
    [text] = run(elf, ("heap",), {"my_take": Contract(Kind.MALLOC, 1), "my_drop": Contract(Kind.FREE)})[1]
    assert text.startswith("heap: my_drop was given the block of 20 bytes at 0x")
    with pytest.raises(UserError, match=r"--allocator my_tke: heap_own\.elf has no function of that name"):
        run(elf, ("heap",), {"my_tke": Contract(Kind.MALLOC)})


def test_a_reset_forgets_the_blocks(compile_firmware: Callable[..., Path]) -> None:
    """The same address is allocated again after the reset, and freed once more: no double free."""
    code = """
    void *p = pvPortMalloc(24);
    vPortFree(p);
    if (arena[4090]++ == 0) *(volatile uint32_t *)0xE000ED0C = 0x05FA0004;
    vPortFree(pvPortMalloc(24));
    """
    elf = compile_firmware("heap_reset", SOURCE.replace("MISTAKE", code).replace("CLEARS", "1"), "-Os", "-w")
    assert run(elf, ("alloc", "heap"))[1] == []


def test_findings_as_data(compile_firmware: Callable[..., Path], tmp_path: Path) -> None:
    """--json has every finding with its chain, and how often it was met."""
    code = "void *p = pvPortMalloc(24); vPortFree(p); for (volatile int n = 0; n < 3; n++) vPortFree(p);"
    elf = compile_firmware("heap_json", SOURCE.replace("MISTAKE", code).replace("CLEARS", "1"), "-Os", "-g", "-w")
    path = tmp_path / "findings.json"
    assert stm32emu(str(elf), "--check", "heap", "--json", str(path), "--duration", "10ms")[0] == 0
    data = json.loads(path.read_text())
    assert (data["elf"], data["exit_code"]) == (str(elf), 0)
    [finding] = data["findings"]
    assert (finding["check"], finding["count"], finding["size"]) == ("heap", 3, 24)
    assert finding["calls"][0]["function"] == "mistake"
    assert finding["calls"][0]["file"] == "heap_json.c"
