# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver for stm32emu. `Ours` keeps a process of its own for each Unicorn; this file is also what runs in it."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import layout
from outcome import HUNG, LOCKUP, Outcome, outcomes
from stm32emu.cpu import unicorn_version

HERE = Path(__file__).resolve()
UNICORN_2_1_4 = HERE.parents[2] / "build" / "unicorn-2.1.4"
CYCLES_PER_LOOK = 200_000
"""More than any program takes: one that is still running after two looks hangs."""


class Ours:
    """Runs images on stm32emu, with the installed Unicorn or with the one in a folder. A context manager."""

    def __init__(self, unicorn: Path | None = None) -> None:
        self.version = unicorn.name.removeprefix("unicorn-") if unicorn else unicorn_version()
        command = [sys.executable, str(HERE), *([str(unicorn)] if unicorn else [])]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Ours:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.communicate()

    def run(self, elf: Path, count: int) -> dict[int, Outcome]:
        """Outcomes of the image's first `count` programs, by number."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([str(elf), count]), file=self._process.stdin, flush=True)
        log, ends = json.loads(self._process.stdout.readline())
        return outcomes(bytes.fromhex(log), {int(number): end for number, end in ends.items()})


def run_image(elf: Path, count: int) -> tuple[bytes, dict[int, str]]:
    """The log, and the numbers of the programs that did not end by themselves."""
    from stm32emu.chips import find_chip
    from stm32emu.cpu import Reason
    from stm32emu.elf import load_firmware
    from stm32emu.machine import Machine

    machine = Machine(load_firmware(elf), find_chip("f427"))
    ends: dict[int, str] = {}
    log = bytearray()
    looked_at = -1
    machine.memory.write(layout.CONTROL_BLOCK + layout.COUNT, struct.pack("<I", count))
    while True:
        reason = machine.run(machine.clock.now + CYCLES_PER_LOOK)
        begun, used = struct.unpack("<II", machine.memory.read(layout.CONTROL_BLOCK + layout.NEXT, 8))
        if reason is Reason.FAULT:
            machine.cpu.fault()
        elif reason is Reason.SLEEP:
            log += machine.memory.read(layout.LOG, used)
            if begun == count:
                return bytes(log), ends
            machine.memory.write(layout.CONTROL_BLOCK + layout.LOG_USED, bytes(4))
            machine.reset("software")
        elif reason is Reason.LOCKUP or begun == looked_at:
            ends[begun - 1] = LOCKUP if reason is Reason.LOCKUP else HUNG
            machine.reset("software")
        else:
            looked_at = begun


def main() -> None:
    """Answer each line of JSON, an image and a count, by one: the log in hex, and the ends that were no ends."""
    sys.path[:0] = sys.argv[1:]
    for line in sys.stdin:
        elf, count = json.loads(line)
        log, ends = run_image(Path(elf), count)
        print(json.dumps([log.hex(), ends]), flush=True)


if __name__ == "__main__":
    main()
