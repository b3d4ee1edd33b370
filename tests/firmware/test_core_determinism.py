# SPDX-License-Identifier: GPL-2.0-or-later
"""The same firmware gives the same state, on every supported Unicorn, however blocks are cut and runs are sliced."""

from __future__ import annotations

import subprocess
import sys

import pytest

from runs import IMAGES, PATIENCE, ROOT

UNICORN_2_1_4 = str(ROOT / "build" / "unicorn-2.1.4")

# Arguments: a folder to import Unicorn from or "", the image, whether to install a code hook, cycles per slice, cycles.
PROGRAM = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]] * bool(sys.argv[1])
from stm32emu.chips import find_chip
from stm32emu.cpu import Reason
from stm32emu.elf import load_firmware
from stm32emu.machine import Machine

console = bytearray()
machine = Machine(load_firmware(Path(sys.argv[2])), find_chip("f407"), on_byte=lambda uart, byte: console.append(byte))
if sys.argv[3] == "hook":
    machine.cpu.code_hook()
step, end = int(sys.argv[4]), int(sys.argv[5])
while machine.clock.now < end:
    reason = machine.run(min(machine.clock.now + step, end))
    if reason is Reason.FAULT:
        machine.cpu.fault()
    elif reason is Reason.SLEEP:
        machine.sleep(min(end, machine.clock.now + step))
print(machine.clock.now, machine.state_hash(), bytes(console).hex())
"""
IMAGES_AND_CYCLES = {"exceptions": 8_000_000, "tls_server": 170_000_000}
VARIANTS = {
    "again": ("", "plain", 100_000),
    "other slices": ("", "plain", 33_333),
    "code hook": ("", "hook", 100_000),
    "Unicorn 2.1.4": (UNICORN_2_1_4, "plain", 100_000),
    "Unicorn 2.1.4, code hook": (UNICORN_2_1_4, "hook", 77_777),
}


def state(image: str, unicorn: str, hook: str, step: int) -> str:
    """Cycle, hash over RAM and registers, and console at the end of a run."""
    words = [unicorn, str(IMAGES / f"{image}.elf"), hook, str(step), str(IMAGES_AND_CYCLES[image])]
    command = [sys.executable, "-c", PROGRAM, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout


@pytest.fixture(scope="module", params=IMAGES_AND_CYCLES)
def reference(request: pytest.FixtureRequest) -> tuple[str, str]:
    """An image and its state on the installed Unicorn."""
    return request.param, state(request.param, "", "plain", 100_000)


@pytest.mark.parametrize("variant", VARIANTS)
def test_same_state(reference: tuple[str, str], variant: str) -> None:
    image, expected = reference
    assert state(image, *VARIANTS[variant]) == expected
