# SPDX-License-Identifier: GPL-2.0-or-later
"""`--check heap=exact`: the very instruction that touches what is not its own, once, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from checked import Checked
from test_check_heap import SOURCE, run

# An exception and a change of tasks inside the allocator, and a function that looks at the free list.
MORE = (
    SOURCE.replace("CLEARS", "1")
    .replace(
        "size_t xFreeBytesRemaining;",
        """size_t xFreeBytesRemaining;
volatile int tasks[2], *volatile pxCurrentTCB = tasks;
void (*volatile inside)(void);
volatile uint8_t *volatile touched;
void touch(void) { touched[0]; }
void SVC_Handler(void) { touch(); }
void other_task(void) { pxCurrentTCB = tasks + 1; touch(); pxCurrentTCB = tasks; }
__attribute__((noinline)) size_t vPortGetHeapStats(void)
{
    size_t sum = 0;
    for (volatile block *b = free_list; b; b = b->next) sum += b->size;
    return sum;
}
typedef struct { uint32_t words[6]; } six;
six kept;
""",
    )
    .replace("        b->next = NULL;\n", "        b->next = NULL;\n        if (inside) inside();\n")
    .replace("Reset_Handler};", "Reset_Handler, [11] = SVC_Handler};")
)
BLOCK = r"the block of {} bytes at 0x2000[0-9a-f]{{4}}"
MISTAKES = {
    "write behind": (
        "uint8_t *p = pvPortMalloc(21); p[21] = 9;",
        ("an access past the end of a block", "mistake", r"writes 1 byte at 0x\w+, byte 21 of " + BLOCK.format(21)),
    ),
    "read behind": (
        "uint16_t *p = pvPortMalloc(12); xFreeBytesRemaining = p[7];",
        ("an access past the end of a block", "mistake", r"reads 2 bytes at 0x\w+, byte 14 of " + BLOCK.format(12)),
    ),
    "write before": (
        "uint8_t *p = pvPortMalloc(24); p[-3] = 9;",
        ("an access in front of a block", "mistake", r"writes 1 byte at 0x\w+, 3 before " + BLOCK.format(24)),
    ),
    "several words": (
        "uint32_t *p = pvPortMalloc(21); six *volatile s = (six *)p; kept = *s;",
        ("an access past the end of a block", "mistake", r"reads \d+ bytes at 0x\w+, byte 21 of " + BLOCK.format(21)),
    ),
    "a callee": (
        "uint8_t *p = pvPortMalloc(30); memset(p, 0, 31);",
        ("an access past the end of a block", "memset", r"writes 1 byte at 0x\w+, byte 30 of " + BLOCK.format(30)),
    ),
    "read after free": (
        "volatile uint8_t *p = pvPortMalloc(40); vPortFree((void *)p); p[30];",
        ("freed memory is used", "mistake", r"reads 1 byte at 0x\w+, in " + BLOCK.format(40)),
    ),
    "write after free": (
        "volatile uint8_t *p = pvPortMalloc(40); vPortFree((void *)p); p[3] = 1;",
        ("freed memory is used", "mistake", r"writes 1 byte at 0x\w+, in " + BLOCK.format(40)),
    ),
    "an exception inside the allocator": (
        "touched = pvPortMalloc(8); vPortFree((void *)touched);"
        'void svc(void) { __asm volatile("svc 0"); } inside = svc; pvPortMalloc(100);',
        ("freed memory is used", "touch", r"reads 1 byte at 0x\w+, in " + BLOCK.format(8)),
    ),
    "another task inside the allocator": (
        "touched = pvPortMalloc(8); vPortFree((void *)touched); inside = other_task; pvPortMalloc(100);",
        ("freed memory is used", "touch", r"reads 1 byte at 0x\w+, in " + BLOCK.format(8)),
    ),
}
CLEAN = {
    "a block used to the last byte": "uint8_t *p = mbedtls_calloc(5, 7); memset(p, 1, 35); mbedtls_free(p);",
    "the allocator's own accesses": "void *p = pvPortMalloc(20); p = pvPortRealloc(p, 40); mbedtls_free(p);",
    "what the allocator calls": (
        "touched = pvPortMalloc(8); vPortFree((void *)touched); inside = touch; pvPortMalloc(100);"
    ),
    "a look at the free list": "vPortFree(pvPortMalloc(9)); vPortGetHeapStats();",
    "memory freed and allocated again": (
        "for (int n = 0; n < 9; n++) { uint8_t *p = pvPortMalloc(40 - n); memset(p, 0, 40 - n); vPortFree(p); }"
    ),
    "an access that an IT block skips": (
        "uint8_t *p = pvPortMalloc(24); vPortFree(p);"
        '__asm volatile("cmp sp, #0\\n itt eq\\n ldreq r1, [%0]\\n streq r1, [%0]" : : "r"(p) : "r1", "cc");'
    ),
}


@pytest.mark.parametrize("level", ["-O0", "-Os", "-O2"])
@pytest.mark.parametrize("case", MISTAKES)
def test_the_instruction_is_named(case: str, level: str, compile_firmware: Callable[..., Path]) -> None:
    code, (kind, function, expected) = MISTAKES[case]
    source = MORE.replace("MISTAKE", code)
    elf = compile_firmware(f"exact_{case.replace(' ', '_')}{level}", source, level, "-g", "-w")
    state, log = run(elf, ("heap=exact",))
    assert len(log) == 1, log
    assert re.match(rf"heap: {kind}: \w+ \(exact_\w+-O\w\.c:\d+\) {expected}", log[0]), log
    assert f": {function} (" in log[0] or level != "-O0", log
    assert re.search(r"allocated from mistake \(exact_.*:\d+\) <- Reset_Handler", log[0]), log
    assert ("freed from mistake (" in log[0]) == ("freed" in kind), log
    assert state == run(elf, ())[0]


@pytest.mark.parametrize("level", ["-O0", "-Os", "-O2"])
@pytest.mark.parametrize("case", CLEAN)
def test_correct_use_is_not(case: str, level: str, compile_firmware: Callable[..., Path]) -> None:
    source = MORE.replace("MISTAKE", CLEAN[case])
    elf = compile_firmware(f"right_{case.replace(' ', '_')[:20]}{level}", source, level, "-g", "-w")
    assert run(elf, ("heap=exact",))[1] == []


def test_memory_that_no_block_has(compile_firmware: Callable[..., Path]) -> None:
    """The variable's name tells that it is the allocator's; start-up code may clear it before the first allocation."""
    code = "memset(ucHeap, 0, 2000); Start; uint8_t *p = pvPortMalloc(24); p[1000] = 1;"
    start = "free_list = (block *)ucHeap; free_list->next = NULL, free_list->size = sizeof ucHeap"
    source = SOURCE.replace("MISTAKE", code.replace("Start", start)).replace("CLEARS", "1").replace("arena", "ucHeap")
    log = run(compile_firmware("exact_arena", source, "-Os", "-g", "-w"), ("heap=exact",))[1]
    assert len(log) == 1
    assert re.match(
        r"heap: an access to memory of the heap that no block has: mistake \(.*\) writes 1 byte at 0x\w+\n", log[0]
    )


def test_a_dma_controller(compile_firmware: Callable[..., Path]) -> None:
    """What bus masters do is looked up, too; only its address and block are known."""
    source = SOURCE.replace("MISTAKE", "vPortFree(pvPortMalloc(64));").replace("CLEARS", "1")
    checked = Checked(compile_firmware("exact_dma", source, "-Os", "-w"), ("heap=exact",)).run(200_000)
    machine = checked.machine
    address = machine.symbols.address("arena") or 0
    machine.memory.read(address + 8, 4)
    machine.memory.write(address + 4000, bytes(16))
    for _ in range(2):
        machine.memory.write(address + 16, bytes(4))
    block = f"the block of 64 bytes at {address + 8:#010x}"
    assert [text.split("\n")[0] for text in checked.log] == [
        f"heap: freed memory is used: a DMA controller {does} 4 bytes at {at:#010x}, in {block}"
        for does, at in [("reads", address + 8), ("writes", address + 16)]
    ]
    assert all("freed from mistake" in text for text in checked.log)
