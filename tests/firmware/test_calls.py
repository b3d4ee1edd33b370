# SPDX-License-Identifier: GPL-2.0-or-later
"""Followed calls: nesting, tail calls, recursion, interrupts in between and longjmp, against what the program does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stm32emu.calls import Call, Event, FollowedCalls, Interest
from stm32emu.chips import find_chip
from stm32emu.elf import load_firmware
from stm32emu.machine import Machine

SOURCE = """
#define NOINLINE __attribute__((noinline, noclone))
volatile unsigned ticks, sink;
void Reset_Handler(void);
void SysTick_Handler(void);
extern unsigned _estack;
__attribute__((section(".isr_vector"), used)) void *const vectors[16] = {
    &_estack, Reset_Handler, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, SysTick_Handler};

NOINLINE void handled(void) { ticks++; }
void SysTick_Handler(void) { handled(); }
NOINLINE int leaf(int n) { sink = n; return -n; }
NOINLINE int tail(int n) { sink = n; return leaf(n + 1); }
NOINLINE int nested(int n) { int sum = leaf(n) + tail(n); sink = sum; return sum; }
NOINLINE int recursive(int n) { int deeper = n ? recursive(n - 1) : 0; sink = n; return deeper + n; }
int jumps(void);
__asm__(".thumb_func\\n.type jumps, %function\\njumps: push {r4, lr}\\n bl leaves\\n pop {r4, pc}\\n"
        ".thumb_func\\n.type leaves, %function\\n"
        "leaves: push {r4, lr}\\n add sp, #8\\n movs r0, #5\\n pop {r4, pc}\\n");
NOINLINE int swallows(int n) { return leaf(n) < 0 ? 0 : 1; }

void Reset_Handler(void)
{
    volatile unsigned *systick = (unsigned *)0xE000E010;
    systick[1] = 96;
    systick[0] = 7;
    for (int n = 0; n < 40; n++) {
        nested(n);
    }
    systick[0] = 0;
    recursive(3);
    jumps();
    leaf(9);
    swallows(7);
    for (;;) {
    }
}
"""


@pytest.fixture(scope="module")
def elf(compile_firmware: Callable[..., Path]) -> Path:
    return compile_firmware("calls", SOURCE, "-O2", "-g")


class Heard:
    """A run of the program, and what was heard of some of its functions."""

    def __init__(self, elf: Path, interest: Interest, *names: str) -> None:
        self.machine = Machine(load_firmware(elf), find_chip("f407"))
        addresses = {self.machine.symbols.address(name): name for name in names}
        self.events: list[tuple[Event, str, Call]] = []
        FollowedCalls(
            self.machine,
            dict.fromkeys((address for address in addresses if address is not None), interest),
            lambda event, call: self.events.append((event, addresses[call.function], call)),
        )
        self.machine.run(100_000)

    def tree(self) -> list[str]:
        """Entries as "name(" and returns as ")result", in order."""
        return [f"{name}(" if event is Event.ENTERED else f"){call.code}" for event, name, call in self.events]


def test_nested_and_tail_calls(elf: Path) -> None:
    """Each call of `nested` calls `leaf`, and `tail`, whose jump to `leaf` returns for both; interrupts or not."""
    heard = Heard(elf, Interest.ALL, "nested", "leaf", "tail")
    expected = [
        part
        for n in range(40)
        for part in ("nested(", "leaf(", f"){-n}", "tail(", "leaf(", f"){-n - 1}", f"){-n - 1}", f"){-2 * n - 1}")
    ]
    assert heard.tree()[: len(expected)] == expected
    outer = {name: call.outer for event, name, call in heard.events[:8] if event is Event.ENTERED}
    assert outer == {"nested": 0, "leaf": 3, "tail": 1}


def test_handlers_are_not_inside_what_they_interrupt(elf: Path) -> None:
    heard = Heard(elf, Interest.ALL, "nested", "handled")
    entered = [call for event, name, call in heard.events if name == "handled" and event is Event.ENTERED]
    ticks = heard.machine.memory.peek(heard.machine.symbols.address("ticks") or 0, 4)
    assert len(entered) == int.from_bytes(ticks, "little") > 5
    assert {call.outer for call in entered} == {0}


def test_recursion(elf: Path) -> None:
    assert Heard(elf, Interest.ALL, "recursive").tree() == [*["recursive("] * 4, ")0", ")1", ")3", ")6"]


def test_a_call_that_never_returns_is_forgotten(elf: Path) -> None:
    """`leaves` returns to the caller of its caller, as longjmp does."""
    heard = Heard(elf, Interest.ALL, "jumps", "leaves", "recursive")
    assert heard.tree()[8:] == ["jumps(", "leaves(", ")5"]
    assert {call.outer for event, name, call in heard.events if name == "jumps"} == {0}


def test_failures_only(elf: Path) -> None:
    """-1 and below are results of `leaf`; -1 alone is none of interest. Who takes care of one is heard, too."""
    heard = Heard(elf, Interest.FAILURES, "leaf", "swallows")
    assert all(event is Event.RETURNED for event, _name, _call in heard.events)
    codes = [call.code for _event, name, call in heard.events if name == "leaf"]
    assert codes == [code for n in range(40) for code in (-n, -n - 1) if code < -1] + [-9, -7]
    assert [(name, call.code) for _event, name, call in heard.events][-2:] == [("leaf", -7), ("swallows", 0)]
    assert heard.events[-2][2].outer == heard.events[-1][2].number
