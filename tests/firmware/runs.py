# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs of the bundled firmware as a user starts them: a process, its console, its forwarded ports."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "images" / "build"
PATIENCE = 180  # seconds of wall time for anything to happen on a loaded machine


def free_port() -> int:
    """A TCP port of this machine that nothing has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Run:
    """A `stm32emu run` under way."""

    def __init__(self, *words: str) -> None:
        command = [sys.executable, "-m", "stm32emu", "run", *words]
        self.limited = "--duration" in words
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.console = ""
        self.log = ""
        self._readers = [threading.Thread(target=self._read, args=(name,)) for name in ("stdout", "stderr")]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str) -> None:
        stream = getattr(self.process, name)
        while data := stream.read1():
            text = data.decode(errors="replace")
            if name == "stdout":
                self.console += text
            else:
                self.log += text

    def wait_for(self, pattern: str, *, of: Callable[[], str]) -> re.Match[str]:
        """Wait until `pattern` shows in the console or log."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = re.search(pattern, of())
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} in:\n{self.console}\n{self.log}")

    def port(self) -> int:
        """The host port of the first forward, once the guest listens."""
        return int(self.wait_for(r"listening: [\d.]+:(\d+) -> ", of=lambda: self.log)[1])

    def end(self) -> int:
        """Ctrl-C; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code


@contextmanager
def running(*words: str) -> Iterator[Run]:
    """A run that is interrupted at the end, which must be the end it has."""
    run = Run(*words)
    try:
        yield run
    finally:
        code = run.end()
    assert code == 130, run.log
