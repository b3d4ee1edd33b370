# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver for QEMU's Cortex-M4: qemu-system-arm -M netduinoplus2, an STM32F405.

Programs announce themselves at the UART. When all have run, the log is fetched through the monitor. QEMU gives up at
lockup, and takes its memory with it: such programs run on their own, each record sent to the UART as it is made.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import layout
from outcome import ENDED, HUNG, LOCKUP, Outcome, outcomes

FINISHED = b"\xff" * 8
PATIENCE = 30  # seconds of wall time without a word from the UART
COMMAND = ("qemu-system-arm", "-M", "netduinoplus2", "-display", "none", "-nodefaults", "-serial", "stdio")


class Qemu:
    """Runs images on QEMU."""

    def run(self, elf: Path, count: int, apart: Iterable[int] = ()) -> dict[int, Outcome]:
        """Outcomes of the image's first `count` programs, by number; those in `apart` are known to lock up."""
        result: dict[int, Outcome] = {}
        alone = set(apart)
        start = 0
        while start < count:
            with _Session(elf, start, count - start, layout.ANNOUNCE, alone) as session:
                heard, end = session.listen()
                if end != ENDED:  # whichever program was last begun did not end
                    alone.add(heard[-1])
                    continue
                begun, used = struct.unpack("<II", session.memory(layout.CONTROL_BLOCK + layout.NEXT, 8))
                result |= outcomes(session.memory(layout.LOG, used), {})
                start += begun
        for number in alone:
            result |= self._run_alone(elf, number)
        return result

    @staticmethod
    def _run_alone(elf: Path, number: int) -> dict[int, Outcome]:
        with _Session(elf, number, 1, layout.ANNOUNCE | layout.EMIT, ()) as session:
            heard, end = session.listen()
        return outcomes(heard[1:], {number: end})


class _Session:
    """One QEMU with an image, begun at program `start`, told which to skip. A context manager."""

    def __init__(self, elf: Path, start: int, count: int, flags: int, skip: Iterable[int]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._monitor = Path(self._folder.name, "monitor")
        skipped = sum(1 << number for number in skip)
        words = {layout.START: start | count << 32, layout.FLAGS: flags}
        words |= {layout.SKIP + 8 * n: skipped >> 64 * n & (1 << 64) - 1 for n in range(2)}
        command = [*COMMAND, "-kernel", str(elf), "-qmp", f"unix:{self._monitor},server=on,wait=off"]
        for at, word in words.items():
            command += ["-device", f"loader,addr={layout.CONTROL_BLOCK + at:#x},data={word:#x},data-len=8"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def listen(self) -> tuple[bytes, str]:
        """What the UART says, and what silenced it: ENDED, LOCKUP or HUNG."""
        assert self._process.stdout is not None
        heard = b""
        while not heard.endswith(FINISHED):
            if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
                return heard, HUNG
            more = os.read(self._process.stdout.fileno(), 65536)
            if not more:
                self._check_lockup(heard[-1:])
                return heard, LOCKUP
            heard += more
        return heard.removesuffix(FINISHED), ENDED

    def _check_lockup(self, heard: bytes) -> None:
        assert self._process.stderr is not None
        last_words = self._process.stderr.read().decode(errors="replace")
        if "Lockup" not in last_words:
            raise RuntimeError(f"QEMU ended in program {list(heard)}: {last_words}")

    def memory(self, address: int, length: int) -> bytes:
        """Some of the machine's memory."""
        copy = Path(self._folder.name, "memory")
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self._monitor))
            with monitor.makefile("rw") as stream:
                self._command(stream, "qmp_capabilities")
                self._command(stream, "pmemsave", val=address, size=length, filename=str(copy))
        return copy.read_bytes()

    @staticmethod
    def _command(stream: TextIO, name: str, **arguments: object) -> None:
        print(json.dumps({"execute": name, "arguments": arguments}), file=stream, flush=True)
        while "return" not in (answer := json.loads(stream.readline())):
            if "error" in answer:
                raise RuntimeError(f"QEMU's monitor, {name}: {answer['error']['desc']}")
