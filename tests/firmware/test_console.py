# SPDX-License-Identifier: GPL-2.0-or-later
"""How runs end, and what the console and the crash report show."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runs import IMAGES, PATIENCE, ROOT, Run

HELLO = IMAGES / "uart_hello.elf"
EXCEPTIONS = IMAGES / "exceptions.elf"

# A vector table, and a program that loads from where nothing is; its handler only loops.
CRASHING = """
.syntax unified
.thumb
.section .isr_vector, "a"
    .word 0x20020000, Reset_Handler, 0, HardFault_Handler
.text
.thumb_func
.global Reset_Handler
Reset_Handler:
    ldr r1, =0x2FFF0000
    ldr r0, [r1, #4]
    b .
.thumb_func
.global HardFault_Handler
HardFault_Handler:
    b .
"""
# Reads a register of DCMI, a stub, whose clock it has enabled (RCC_AHB2ENR.DCMIEN).
CLOCKED = """
    ldr r1, =0x40023834
    movs r0, #1
    str r0, [r1]
    ldr r1, =0x50050000"""
UNMODELLED = CRASHING.replace("    ldr r1, =0x2FFF0000", CLOCKED)


def stm32emu(*words: str) -> tuple[int, bytes, str]:
    """Run to the end: exit code, console, log."""
    command = [sys.executable, "-m", "stm32emu", "run", *words]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr.decode()


def test_until_seen() -> None:
    code, console, _log = stm32emu(str(HELLO), "--until", "115200 8N1")
    assert code == 0
    assert console == b"hello from uart_hello: USART2, 115200 8N1"


def test_duration_reached() -> None:
    code, console, _log = stm32emu(str(HELLO), "--duration", "50ms")
    assert code == 0
    assert console == b"hello from uart_hello: USART2, 115200 8N1\r\n"


def test_until_not_seen() -> None:
    code, _console, log = stm32emu(str(HELLO), "--duration", "50ms", "--until", "nonsense")
    assert code == 3
    assert "'nonsense'" in log


def test_interrupt() -> None:
    run = Run(str(HELLO))
    run.wait_for("hello", of=lambda: run.console)
    assert run.end() == 130
    assert "Traceback" not in run.log


UNICORNS = {"installed": [], "2.1.4": [str(ROOT / "build" / "unicorn-2.1.4")]}


@pytest.mark.parametrize("unicorn", UNICORNS)
def test_exceptions_on_each_unicorn(unicorn: str) -> None:
    """10 000 switches by PendSV and SVC with FP, nesting, masks, faults: judged by the image itself, which passes on
    QEMU too; traps included."""
    program = "import sys; sys.path[:0] = sys.argv[1:2]; del sys.argv[1:2]; from stm32emu.cli.main import main; main()"
    path = UNICORNS[unicorn] or [""]
    command = [
        sys.executable,
        "-c",
        program,
        *path,
        "run",
        str(EXCEPTIONS),
        "--until",
        "traps PASS",
        "--duration",
        "60s",
    ]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert b"FAIL" not in done.stdout
    assert b"switches: at least 10000" in done.stdout


def test_a_fault_whose_handler_only_loops(compile_firmware: Callable[..., Path]) -> None:
    elf = compile_firmware("crashing", CRASHING, suffix=".s")
    code, _console, log = stm32emu(str(elf))
    assert code == 1
    assert "precise data bus error" in log
    assert "0x2fff0004" in log
    assert "Reset_Handler" in log
    assert "handler only loops" in log


def test_a_fault_may_be_let_go_on(compile_firmware: Callable[..., Path]) -> None:
    elf = compile_firmware("crashing_on", CRASHING, suffix=".s")
    code, _console, _log = stm32emu(str(elf), "--on-fault", "continue", "--duration", "10ms")
    assert code == 0


def test_the_first_unmodelled_access_ends_a_strict_run(compile_firmware: Callable[..., Path]) -> None:
    elf = compile_firmware("unmodelled", UNMODELLED, suffix=".s")
    code, _console, log = stm32emu(str(elf), "--duration", "1ms", "--on-fault", "continue")
    assert code == 0
    assert re.search(r"used by the firmware and not modelled:\n  DCMI\+0x004 .* pc 0x0800001[0-9a-f]  1 x\n", log)
    code, _console, log = stm32emu(str(elf), "--strict")
    assert code == 1
    assert re.search(r"\nstrict: the firmware used DCMI\+0x4 read near 0x0800001[0-9a-f], .*\n\Z", log)


@pytest.mark.parametrize(("level", "lines"), [("info", 3), ("warning", 2), ("error", 0)])
def test_log_level(level: str, lines: int, compile_firmware: Callable[..., Path]) -> None:
    """The chip is information, the ledger's table a warning."""
    elf = compile_firmware("unmodelled", UNMODELLED, suffix=".s")
    words = ("--duration", "1ms", "--on-fault", "continue", "--log-level", level)
    assert len(stm32emu(str(elf), *words)[2].splitlines()) == lines


def test_the_debug_log_has_every_frame() -> None:
    log = stm32emu(str(IMAGES / "echo.elf"), "--duration", "1s", "--log-level", "debug")[2]
    assert re.search(r"^0\.\d{6} s from guest: 60 bytes, type 0x0806\n", log, re.MULTILINE)
