# SPDX-License-Identifier: GPL-2.0-or-later
"""Watches: callbacks where code is entered, the same on every Unicorn, however blocks are cut and runs are sliced."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runs import PATIENCE, ROOT
from stm32emu.chips import find_chip
from stm32emu.elf import load_firmware
from stm32emu.machine import Machine
from stm32emu.symbols import Symbols

# 20 calls of `twice`, with SysTick every 64 cycles so that interrupts fall on every place; then tail calls: `jumps` to
# the function right behind it, and `before`, which runs into `after` without a branch.
SOURCE = """
.syntax unified
.thumb
.section .isr_vector, "a"
    .word 0x20020000, Reset_Handler, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, SysTick_Handler
.text
.macro function name
.thumb_func
.global \\name
.type \\name, %function
\\name:
.endm
function Reset_Handler
    ldr r0, =0xE000E010
    movs r1, #63
    str r1, [r0, #4]
    movs r1, #7
    str r1, [r0]
    ldr r7, =0x20000100
    movs r6, #0
    movs r5, #0
loop:
    mov r0, r6
    mov r1, r5
    bl twice
returned:
    add r5, r5, r0
    adds r6, #1
    cmp r6, #20
    blo loop
    bl jumps
    bl before
    str r5, [r7]
    str r4, [r7, #4]
done:
    b done
function twice
    adds r0, r0, r0
    bx lr
function jumps
    b.n behind
function behind
    adds r4, #1
    bx lr
function before
    adds r4, #16
function after
    adds r4, #32
    bx lr
function SysTick_Handler
    bx lr
"""
SUM = 2 * sum(range(20))
RESULT = 0x2000_0100

# Arguments: a folder to import Unicorn from or "", the ELF, whether to install a code hook, cycles per slice.
PROGRAM = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]] * bool(sys.argv[1])
from stm32emu.chips import find_chip
from stm32emu.elf import load_firmware
from stm32emu.machine import Machine
from stm32emu.symbols import Symbols

elf = Path(sys.argv[2])
machine = Machine(load_firmware(elf), find_chip("f407"))
if sys.argv[3] == "hook":
    machine.cpu.code_hook()
hits = []
for symbol in Symbols.from_elf(elf):
    machine.cpu.watch(symbol.address, lambda address: hits.append((address, machine.cpu.snapshot())))
while machine.clock.now < 2000:
    machine.run(min(machine.clock.now + int(sys.argv[4]), 2000))
print(*hits, machine.state_hash(), sep="\\n")
"""
UNICORN_2_1_4 = str(ROOT / "build" / "unicorn-2.1.4")
VARIANTS = {
    "one cycle at a time": ("", "plain", "1"),
    "code hook": ("", "hook", "7"),
    "Unicorn 2.1.4": (UNICORN_2_1_4, "plain", "2000"),
    "Unicorn 2.1.4, code hook": (UNICORN_2_1_4, "hook", "3"),
}


@pytest.fixture(scope="module")
def elf(compile_firmware: Callable[..., Path]) -> Path:
    return compile_firmware("watched", SOURCE, suffix=".s")


class Watched(Machine):
    """The program, its functions by name, and what watches heard: (name, r0)."""

    def __init__(self, elf: Path) -> None:
        super().__init__(load_firmware(elf), find_chip("f407"))
        self.symbols = Symbols.from_elf(elf)
        self.heard: list[tuple[str, int]] = []

    def place(self, name: str) -> int:
        address = self.symbols.address(name)
        assert address is not None
        return address

    def hear(self, *names: str) -> None:
        for name in names:
            self.cpu.watch(self.place(name), self._hear)

    def _hear(self, address: int) -> None:
        self.heard.append((str(self.symbols.lookup(address)), self.cpu.call_registers()[0]))

    def finish(self) -> tuple[int, int]:
        """The two words that the program ends with."""
        self.run(4000)
        words = self.memory.peek(RESULT, 8)
        return int.from_bytes(words[:4], "little"), int.from_bytes(words[4:], "little")


def test_every_call_is_heard_once_with_its_arguments(elf: Path) -> None:
    machine = Watched(elf)
    machine.hear("twice")
    assert machine.finish() == (SUM, 49)
    assert machine.heard == [("twice", n) for n in range(20)]


def test_a_return_is_heard_with_its_result(elf: Path) -> None:
    machine = Watched(elf)
    results: list[int] = []
    machine.cpu.watch(machine.place("returned"), lambda address: results.append(machine.cpu.call_registers()[0]))
    machine.finish()
    assert results == [2 * n for n in range(20)]


def test_a_jump_to_the_function_behind_is_heard_and_running_into_one_is_not(elf: Path) -> None:
    machine = Watched(elf)
    machine.hear("jumps", "behind", "before", "after")
    machine.finish()
    assert [name for name, _r0 in machine.heard] == ["jumps", "behind", "before"]


def test_a_call_can_be_skipped(elf: Path) -> None:
    machine = Watched(elf)
    machine.cpu.watch(machine.place("twice"), lambda address: machine.cpu.skip_call(1000))
    assert machine.finish() == (20 * 1000, 49)


def test_the_place_that_a_callback_sees_is_the_watched_one(elf: Path) -> None:
    machine = Watched(elf)
    places: list[tuple[int, int, int]] = []
    twice, returned = machine.place("twice"), machine.place("returned")
    machine.cpu.watch(twice, lambda address: places.append((address, *_pc_and_lr(machine))))
    machine.finish()
    assert set(places) == {(twice, twice, returned | 1)}


def _pc_and_lr(machine: Machine) -> tuple[int, int]:
    registers = machine.cpu.snapshot()
    return registers.pc, registers.lr


def test_all_callbacks_of_an_address_are_called_until_they_are_taken_back(elf: Path) -> None:
    machine = Watched(elf)
    twice = machine.place("twice")
    once: list[int] = []

    def first_only(address: int) -> int:
        once.append(address)
        machine.cpu.unwatch(twice, first_only)
        return machine.cpu.skip_call(7)

    machine.cpu.watch(twice, first_only)
    machine.hear("twice")
    assert machine.finish() == (SUM + 7, 49)
    assert (len(once), len(machine.heard)) == (1, 20)
    with pytest.raises(ValueError, match="not in list"):
        machine.cpu.unwatch(twice, first_only)


def test_an_interrupt_at_the_entry_does_not_repeat_or_lose_it(elf: Path) -> None:
    machine = Watched(elf)
    machine.hear("twice", "SysTick_Handler")
    while machine.clock.now < 4000:
        machine.run(machine.clock.now + 1)
    names = [name for name, _r0 in machine.heard]
    assert names.count("twice") == 20
    assert names.count("SysTick_Handler") > 20


def test_code_at_the_alias_of_flash_is_the_same_code(elf: Path) -> None:
    machine = Watched(elf)
    machine.hear("twice")
    machine.memory.show_at_zero(machine.cpu, 3)
    machine.memory.show_at_zero(machine.cpu, 0)
    twice = machine.place("twice")
    machine.cpu.watch(machine.place("jumps"), lambda address: (twice & 0xFFFF) | 1)
    machine.finish()
    assert [name for name, _r0 in machine.heard].count("twice") == 21


def test_what_blocks_are_translated_anew_for_is_heard_still(elf: Path) -> None:
    machine = Watched(elf)
    machine.hear("twice")
    machine.run(100)
    heard = len(machine.heard)
    machine.cpu.watch_stacks(0, 0x2002_0000, 0, lambda *facts: None)
    machine.finish()
    assert 0 < heard < len(machine.heard) == 20


def test_what_a_callback_raises_ends_the_run(elf: Path) -> None:
    machine = Watched(elf)
    machine.cpu.watch(machine.place("twice"), lambda address: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        machine.run(4000)


@pytest.mark.parametrize("address", [0x3000_0000, 0x4002_0000, 0x0800_0101])
def test_where_no_code_can_start(elf: Path, address: int) -> None:
    with pytest.raises(ValueError, match="no code can start"):
        Watched(elf).cpu.watch(address, lambda address: None)


def test_watching_changes_nothing(elf: Path) -> None:
    plain, watched = Watched(elf), Watched(elf)
    watched.hear("twice", "behind", "SysTick_Handler")
    assert plain.finish() == watched.finish()
    assert plain.state_hash() == watched.state_hash()


def hits(elf: Path, unicorn: str, hook: str, step: str) -> str:
    """Every entry of every function with all registers, and the final state."""
    command = [sys.executable, "-c", PROGRAM, unicorn, str(elf), hook, step]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout


@pytest.fixture(scope="module")
def reference(elf: Path) -> str:
    """The same in one piece on the installed Unicorn."""
    return hits(elf, "", "plain", "2000")


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_entries_everywhere(elf: Path, reference: str, variant: str) -> None:
    assert hits(elf, *VARIANTS[variant]) == reference
