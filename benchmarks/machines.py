# SPDX-License-Identifier: GPL-2.0-or-later
"""The two machines that run a benchmark image, each in a fresh process: ours, and QEMU's Cortex-M4.

Figures are CPU seconds of the process between the image's "go" and "done": neither start-up nor what else this machine
does counts.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import IMAGES, ROOT

QEMU = ("qemu-system-arm", "-M", "netduinoplus2", "-display", "none", "-monitor", "none")
UART2 = ("-serial", "null", "-serial", "stdio")
OTHER_UNICORNS = {"2.1.4": ROOT / "build" / "unicorn-2.1.4"}


def ours(image: str, unicorn: Path | None = None) -> tuple[float, str]:
    """CPU seconds and the image's result on stm32emu, with the installed Unicorn or the one in a folder."""
    path = str(IMAGES / f"bench_{image}.elf")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, filter(None, [unicorn, ROOT])))}
    command = [sys.executable, "-m", "benchmarks.guest", path]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    seconds, result = done.stdout.split()
    return float(seconds), result


@contextmanager
def qemu(elf: Path) -> Iterator[subprocess.Popen[str]]:
    """QEMU running an ELF, USART2 on its stdout."""
    command = [*QEMU, *UART2, "-kernel", str(elf)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def on_qemu(image: str) -> tuple[float, str]:
    """CPU seconds and the image's result on QEMU."""
    with qemu(IMAGES / f"bench_{image}.elf") as process:
        assert process.stdout is not None
        process.stdout.readline()
        start = cpu_seconds(process.pid)
        result = process.stdout.readline().split()[-1]
        return cpu_seconds(process.pid) - start, result


def resident_bytes(pid: int) -> int:
    """A process's resident memory (the second field of statm, in pages: proc(5))."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def cpu_seconds(pid: int) -> float:
    """CPU time that a process's threads have used (the first field of schedstat, in ns: proc(5))."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
