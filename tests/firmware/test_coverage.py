# SPDX-License-Identifier: GPL-2.0-or-later
"""--coverage: the code that ran is the code that QEMU executed; the files that it writes are read by others."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from runs import IMAGES, PATIENCE
from stm32emu.coverage import Coverage, read_coverage
from stm32emu.errors import UserError
from stm32emu.symbols import Symbols
from test_console import stm32emu

# Calls, loops, IT blocks, a table branch, SysTick and SVC, and two faults in the middle of code; the handler skips
# the instruction: `undefined`, and `sometimes`, whose first access is good.
PROGRAM = """
static volatile unsigned ticks, faults;
void SysTick_Handler(void) { ticks = ticks + 1; }
void SVC_Handler(void) { ticks = ticks + (ticks & 1); }
__attribute__((naked)) void fault(void)
{
    __asm__("ldr r0, [sp, #24]\\n add r0, #2\\n str r0, [sp, #24]\\n ldr r1, =faults\\n ldr r0, [r1]\\n add r0, #1\\n"
            "str r0, [r1]\\n bx lr\\n .ltorg");
}
static unsigned never(unsigned n) { return n * 3; }
__attribute__((noinline)) static unsigned choose(unsigned n)
{
    switch (n & 7) {
    case 0: return n / 3;
    case 1: return n ^ 0x55;
    case 2: return never(n);
    case 3: return n > 40 ? n : 40;
    case 5: return n << 2;
    default: return 1;
    }
}
__attribute__((noinline)) static void fail(const unsigned *place)
{
    __asm__ volatile(".global undefined\\nundefined: udf #0\\n mov r2, r2" ::: "memory");
    __asm__ volatile(".global sometimes\\nsometimes: ldr r2, [%0]\\n mov r3, r3" : : "r"(place) : "r2", "memory");
}
static void leave(void) { __asm__ volatile("movs r0, #0x18\\n ldr r1, =0x20026\\n bkpt #0xab\\n" ::: "r0", "r1"); }
void Reset_Handler(void)
{
    unsigned sum = 0;
    *(volatile unsigned *)0xE000ED24 = 0x70000; /* SHCSR */
    *(volatile unsigned *)0xE000E014 = 20000;
    *(volatile unsigned *)0xE000E018 = 0;
    *(volatile unsigned *)0xE000E010 = 7;
    while (ticks < 5)
        for (unsigned n = 0; n < 100; n += 1 + (n & 1))
            sum += (n & 7) == 2 ? 0 : choose(n);
    __asm__ volatile("svc 0");
    fail(&sum);
    fail((const unsigned *)0x60000000);
    leave();
    never(sum);
}
__attribute__((section(".isr_vector"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))0x20020000, Reset_Handler, fault, fault, fault, fault, fault, 0, 0, 0, 0, SVC_Handler,
    0, 0, 0, SysTick_Handler,
};
"""


def by_qemu(elf: Path, trace: Path) -> set[int]:
    """Halfwords of the instructions that QEMU executes: one to each of its blocks, listed when first met."""
    machine = ["qemu-system-arm", "-M", "netduinoplus2", "-display", "none", "-nodefaults", "-semihosting"]
    command = [*machine, "-singlestep", "-d", "in_asm", "-D", str(trace), "-kernel", str(elf)]
    subprocess.run(command, check=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    found = re.findall(r"^0x([0-9a-f]{8}):  ([0-9a-f]{4})( [0-9a-f]{4})?", trace.read_text(), re.MULTILINE)
    return {int(address, 16) + at for address, _first, second in found for at in ((0, 2) if second else (0,))}


def halfwords(coverage: Coverage) -> set[int]:
    return {address for start, end in coverage.ranges for address in range(start, end, 2)}


@pytest.mark.parametrize("level", ["-Og", "-O2", "-Os"])
def test_what_ran_is_what_qemu_executes(level: str, compile_firmware: Callable[..., Path], tmp_path: Path) -> None:
    elf = compile_firmware(f"covered{level}", PROGRAM, level, "-g")
    file = tmp_path / "run.json"
    code, _console, log = stm32emu(str(elf), "--coverage", str(file), "--on-fault", "continue")
    assert code == 0, log
    coverage = read_coverage(file, elf.read_bytes())
    undefined = Symbols.from_elf(elf).address("undefined")  # translated by QEMU, and never completed
    assert by_qemu(elf, tmp_path / "trace") - {undefined} == halfwords(coverage)
    assert len(halfwords(coverage)) > 80


def test_lcov_reads_the_tracefile(tmp_path: Path) -> None:
    tracefile = tmp_path / "run.info"
    code, _console, log = stm32emu(str(IMAGES / "uart_hello.elf"), "--until", "hello", "--coverage", str(tracefile))
    assert code == 0, log
    done = subprocess.run(["lcov", "--summary", str(tracefile)], capture_output=True, text=True, check=True)
    text = tracefile.read_text()
    lines = text.count("\nDA:"), len(re.findall(r"\nDA:\d+,1\b", text))
    functions = text.count("\nFN:"), text.count("\nFNDA:1,")
    assert f"({lines[1]} of {lines[0]} lines)" in done.stdout
    assert f"({functions[1]} of {functions[0]} functions)" in done.stdout
    assert "FNDA:1,main" in text
    assert "FNDA:0,Default_Handler" in text


def test_lcov_needs_debug_information(stripped: Callable[..., Path], tmp_path: Path) -> None:
    copy = tmp_path / "hello.elf"
    copy.write_bytes((IMAGES / "uart_hello.elf").read_bytes())
    code, console, log = stm32emu(str(stripped(copy, "-g")), "--until", "hello", "--coverage", str(tmp_path / "a.info"))
    assert (code, console) == (2, b"")
    assert "has no debug information, so no lines for LCOV; compile with -g, or write .json" in log


def test_the_file_is_for_its_own_firmware(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    elf = IMAGES / "uart_hello.elf"
    stm32emu(str(elf), "--until", "hello", "--coverage", str(file))
    contents = elf.read_bytes()
    data = json.loads(file.read_text())
    assert (data["format"], data["sha256"]) == ("stm32emu coverage 1", sha256(contents).hexdigest())
    assert read_coverage(file, contents).ranges == [tuple(pair) for pair in data["ranges"]]
    with pytest.raises(UserError, match="is the coverage of another firmware"):
        read_coverage(file, (IMAGES / "echo.elf").read_bytes())


@pytest.mark.parametrize("text", ["", "{}", "[]", "TN:\nSF:a.c\n", '{"format": "stm32emu coverage 1", "ranges": [2]}'])
def test_another_file_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text(text)
    with pytest.raises(UserError, match="is no coverage of stm32emu"):
        read_coverage(file, b"")


def test_bytes_of_a_range() -> None:
    coverage = Coverage(b"", [(20, 30), (0, 10), (40, 41)])
    ran = {*range(10), *range(20, 30), 40}
    for start in range(45):
        for end in range(start, 45):
            assert coverage.size(start, end) == len(ran & {*range(start, end)})
