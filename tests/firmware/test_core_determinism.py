# SPDX-License-Identifier: GPL-2.0-or-later
"""The same firmware gives the same state, on every supported Unicorn, however blocks are cut and runs are sliced."""

from __future__ import annotations

import subprocess
import sys

import pytest

from runs import IMAGES, PATIENCE, ROOT

UNICORN_2_1_4 = str(ROOT / "build" / "unicorn-2.1.4")

# Arguments: a folder to import Unicorn from or "", the image, whether to install a code hook, what to do about idle
# loops, cycles per slice, cycles.
PROGRAM = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]] * bool(sys.argv[1])
from stm32emu.chips import find_chip
from stm32emu.cpu import NEVER, Reason
from stm32emu.elf import load_firmware
from stm32emu.machine import Machine

console = bytearray()
machine = Machine(load_firmware(Path(sys.argv[2])), find_chip("f407"), on_byte=lambda uart, byte: console.append(byte))
if sys.argv[3] == "hook":
    machine.cpu.code_hook()
machine.cpu.skip_loops = sys.argv[4] != "run"
machine.cpu.idle_until = NEVER if sys.argv[4] == "skip" else 0
step, end = int(sys.argv[5]), int(sys.argv[6])
while machine.clock.now < end:
    reason = machine.run(min(machine.clock.now + step, end))
    if reason is Reason.FAULT:
        machine.cpu.fault()
    elif reason is Reason.SLEEP:
        machine.sleep(min(end, machine.clock.now + step))
    elif reason is Reason.IDLE:
        machine.skip_idle(min(end, machine.clock.now + step))
print(machine.clock.now, machine.state_hash(), bytes(console).hex())
"""
IMAGES_AND_CYCLES = {"exceptions": 8_000_000, "bench_delay": 40_000_000, "tls_server": 170_000_000}
VARIANTS = {
    "again": ("", "plain", "run", 100_000),
    "other slices": ("", "plain", "run", 33_333),
    "code hook": ("", "hook", "run", 100_000),
    "idle loops skipped": ("", "plain", "skip", 100_000),
    "idle loops reported": ("", "hook", "report", 33_333),
    "Unicorn 2.1.4": (UNICORN_2_1_4, "plain", "run", 100_000),
    "Unicorn 2.1.4, code hook": (UNICORN_2_1_4, "hook", "skip", 77_777),
}


def state(image: str, unicorn: str, hook: str, idle: str, step: int) -> str:
    """Cycle, hash over RAM and registers, and console at the end of a run."""
    words = [unicorn, str(IMAGES / f"{image}.elf"), hook, idle, str(step), str(IMAGES_AND_CYCLES[image])]
    command = [sys.executable, "-c", PROGRAM, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout


@pytest.fixture(scope="module", params=IMAGES_AND_CYCLES)
def reference(request: pytest.FixtureRequest) -> tuple[str, str]:
    """An image and its state on the installed Unicorn."""
    return request.param, state(request.param, "", "plain", "run", 100_000)


@pytest.mark.parametrize("variant", VARIANTS)
def test_same_state(reference: tuple[str, str], variant: str) -> None:
    image, expected = reference
    assert state(image, *VARIANTS[variant]) == expected
