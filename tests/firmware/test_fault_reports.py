# SPDX-License-Identifier: GPL-2.0-or-later
"""The report of a real crash, wherever it happens: each field as the program and the manual say it must be."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from test_console import stm32emu

# load() faults; the cases differ in who calls it, or in how they fault instead. The TCB is FreeRTOS's, as far as read.
SOURCE = """
typedef unsigned u32;
typedef struct xITEM { u32 xItemValue; void *pxNext, *pxPrevious, *pvOwner, *pvContainer; } ListItem_t;
typedef struct tskTaskControlBlock {
    volatile u32 *pxTopOfStack; ListItem_t xStateListItem, xEventListItem;
    u32 uxPriority, *pxStack; char pcTaskName[16];
} TCB_t;
u32 stack[256];
const TCB_t task = { .pxTopOfStack = stack, .uxPriority = 1, .pxStack = stack, .pcTaskName = "worker" };
const TCB_t *volatile pxCurrentTCB;
void vTaskSwitchContext(void) { pxCurrentTCB = &task; }
void Reset_Handler(void);
void HardFault_Handler(void) { HANDLER; }
static __attribute__((noinline)) u32 load(volatile u32 *from) { return *from + 1; }
static __attribute__((noinline)) u32 bad(u32 n) { return load((u32 *)(0x2fff0000 + n)) * 3; }
void SysTick_Handler(void) { bad(8); }
__attribute__((section(".isr_vector"), used)) void *const vectors[16] = {
    (void *)0x20020000, Reset_Handler, 0, HardFault_Handler, [15] = SysTick_Handler };
static __attribute__((noinline)) u32 deeper(u32 n)
{
    volatile u32 room[64];
    room[n & 63] = n;
    return deeper(n + 1) + room[n & 63];
}
static __attribute__((noinline)) void wait(void) { for (volatile u32 n = 0;; n++) ; }
static __attribute__((noinline)) void call(void (*function)(void)) { function(); __asm volatile("nop"); }
static __attribute__((noinline)) void ticking(void)
{
    *(volatile u32 *)0xE000E014 = 1000;
    *(volatile u32 *)0xE000E010 = 7;
    wait();
}
void work(void) { bad(4); wait(); }
static __attribute__((noinline)) void tasking(void)
{
    vTaskSwitchContext();
    __asm volatile("msr psp, %0\\n movs r0, #2\\n msr control, r0\\n isb\\n bl work" ::"r"(&stack[256]) : "r0", "lr");
}
void Reset_Handler(void) { START; wait(); }
"""
LOOP, UNDEFINED = "for (;;) ;", '__asm volatile("udf #0")'


@pytest.fixture
def crash(compile_firmware: Callable[..., Path]) -> Callable[..., str]:
    """`crash(start, handler)`: the log of a firmware that faults in `start`; the exit code must be 1."""

    def run(start: str, handler: str = LOOP) -> str:
        flags = ["-g", "-O1", "-fno-optimize-sibling-calls", f"-DSTART={start}", f"-DHANDLER={handler}"]
        code, _console, log = stm32emu(str(compile_firmware("fault_report", SOURCE, *flags)))
        assert code == 1, log
        return log

    return run


def calls(log: str) -> list[str]:
    """The functions of the last report's call chain, the interrupted one marked."""
    chain = log.rpartition("call chain")[2].partition("\n\n")[0]
    rows = re.findall(r"#\d+ +[0-9a-f]{8}  (\w+)[^\n]*?( +\(interrupted\))?$", chain, re.MULTILINE)
    return [name + (" interrupted" if interrupted else "") for name, interrupted in rows]


def test_in_thread_mode(crash: Callable[..., str]) -> None:
    log = crash("bad(4)")
    assert "HardFault (was BusFault)" in log
    assert "precise data bus error: load from 0x2fff0004, where nothing is mapped\n" in log
    assert re.search(r"CFSR 0x00008200 PRECISERR BFARVALID +HFSR 0x40000000 FORCED", log)
    assert re.search(r"r0  2fff0004 .*\n(.*\n){2}.*sp  2001fff0", log)
    assert re.search(r"exc_return fffffff9 \(to Thread mode, MSP, basic frame\)\n  lr is bad\+", log)
    assert calls(log) == ["load", "bad", "Reset_Handler"]
    assert re.search(r"> [0-9a-f]{8}  ldr     r0, \[r0\]\n  [0-9a-f]{8}  adds    r0, #1", log)
    assert re.search(r"last 3 blocks, newest last\n  Reset_Handler, bad, load\n", log)
    assert log.endswith("the firmware faulted and its handler only loops\n")


def test_in_a_handler(crash: Callable[..., str]) -> None:
    log = crash("ticking()")
    assert "exc_return fffffff1 (to Handler mode, MSP, basic frame)" in log
    assert calls(log) == ["load", "bad", "SysTick_Handler", "wait interrupted", "ticking", "Reset_Handler"]
    assert "last 16 blocks, newest last" in log


def test_in_a_task(crash: Callable[..., str]) -> None:
    log = crash("tasking()")
    assert re.search(r'HardFault .* task "worker"\n', log)
    assert "exc_return fffffffd (to Thread mode, PSP, basic frame)" in log
    assert calls(log)[:3] == ["load", "bad", "work"]


def test_a_stack_overflow(crash: Callable[..., str]) -> None:
    log = crash("deeper(1)")
    assert re.search(
        r"precise data bus error: store to 0x1fff[0-9a-f]{4}, where nothing is mapped: the stack has overflowed", log
    )
    assert set(calls(log)) == {"deeper"}
    assert "16 x (deeper)" in log


def test_a_call_of_a_null_pointer(crash: Callable[..., str]) -> None:
    log = crash("call(0)")
    assert "HardFault (was UsageFault)" in log
    assert "a call or return to an even address: pc is 0x00000000, which looks like a null pointer" in log
    assert "CFSR 0x00020000 INVSTATE" in log
    assert "#0  00000000" in log
    assert calls(log)[1:] == ["call", "Reset_Handler"]


def test_lockup(crash: Callable[..., str]) -> None:
    """Both faults are reported, the second in the handler of the first."""
    log = crash("bad(4)", UNDEFINED)
    assert log.count("call chain") == 2
    assert "undefined instruction" in log
    assert "exc_return 0" not in log
    assert calls(log) == ["HardFault_Handler", "load interrupted", "bad", "Reset_Handler"]
    assert log.endswith("the core is locked up\n")
