# SPDX-License-Identifier: GPL-2.0-or-later
"""Ctrl-C and SIGTERM end every kind of run in order: documented exit code, complete files, nothing else to read."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.utils import rdpcap

from runs import PATIENCE, Run, free_port
from test_console import CRASHING
from test_sleep import PROGRAM as SLEEPING

BUSY = CRASHING.replace("ldr r0, [r1, #4]", "")
POLLING = CRASHING.replace("0x2FFF0000", "0x40004400").replace("    b .\n", "    b Reset_Handler\n", 1)  # USART2
FAULTING = CRASHING.replace("HardFault_Handler:\n    b .", "HardFault_Handler:\n    bx lr")
RUNS = {
    "busy": (BUSY, ["--pace", "max"], signal.SIGINT, 130),
    "polling a register": (POLLING, [], signal.SIGTERM, 143),
    "asleep": (SLEEPING.format(sleep="wfi"), ["--port", "{port}:80"], signal.SIGTERM, 143),
    "asleep, idle skipped": (SLEEPING.format(sleep="wfi"), ["--pace", "max"], signal.SIGINT, 130),
    "faulting again and again": (FAULTING, [], signal.SIGINT, 130),
}


@pytest.mark.parametrize("case", RUNS)
def test_a_signal_ends_the_run(case: str, compile_firmware: Callable[..., Path], tmp_path: Path) -> None:
    program, words, number, code = RUNS[case]
    elf = compile_firmware(f"signal_{list(RUNS).index(case)}", program, suffix=".s")
    recording, capture = tmp_path / "run.rec", tmp_path / "run.pcapng"
    files = ("--record", str(recording), "--pcap", str(capture))
    run = Run(str(elf), *files, *(word.format(port=free_port()) for word in words))
    run.wait_for("sha256", of=lambda: recording.read_text() if recording.exists() else "")
    for _ in range(2):  # as `timeout` does
        run.process.send_signal(number)
    assert run.process.wait(PATIENCE) == code
    run.end()
    assert "Traceback" not in run.log
    assert json.loads(recording.read_text().splitlines()[-1])["exit_code"] == code
    assert len(rdpcap(str(capture))) == 0


def test_nothing_can_wake_it(compile_firmware: Callable[..., Path]) -> None:
    """A firmware that sleeps without a timer or a network ends the run, forwarded ports or not."""
    elf = compile_firmware("signal_dead", BUSY.replace("    b .\n", "    wfi\n    b .\n", 1), suffix=".s")
    run = Run(str(elf), "--port", f"{free_port()}:80")
    assert run.process.wait(PATIENCE) == 0
    assert run.end() == 0
    assert "sleeps with nothing left to wake it" in run.log
