# SPDX-License-Identifier: GPL-2.0-or-later
"""Run a benchmark image as `stm32emu run` would and print the CPU seconds between its "go" and "done" and its result.

A program of its own, so that every run is a fresh process on the Unicorn that PYTHONPATH names.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from stm32emu.options import RunOptions
from stm32emu.session import Session


def main(elf: str) -> None:
    """`python -m benchmarks.guest ELF`"""
    console = bytearray()
    marks: list[float] = []

    def hear(data: bytes) -> None:
        console.extend(data)
        if console.endswith((b"go\r\n", b"done")):
            marks.append(time.process_time())

    Session(RunOptions(Path(elf), pace="max"), console=hear, log=lambda line: None).run()
    start, end = marks
    print(end - start, console.split()[-1].decode())


if __name__ == "__main__":
    main(sys.argv[1])
