# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/guide-handshake-bug.md and docs/questions.md: their commands, run one after the other, show what they say.

A fence ```sh holds commands. A device that is to run until Ctrl-C goes on beside the commands that follow, until the
next command of stm32emu. A fence ```text holds lines that the commands since the last such fence must have shown; `...`
in a line stands for anything, and a line of it for any lines.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runs import IMAGES, PATIENCE, ROOT, Run, free_port
from symptoms import CERTS, HOST

DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(sh|text)\n(.*?)^```$", re.M | re.S)
ENDS_BY_ITSELF = {"--until", "--duration"}
MOST_ATTEMPTS = 20


class Reader:
    """Someone who types what the guide says. `shown` is what they saw since they last looked."""

    def __init__(self) -> None:
        self._port = free_port()
        self._device: Run | None = None
        self.shown = ""

    def type(self, line: str) -> None:
        """A command as it stands in the guide, again and again if that asks for it."""
        command, _, comment = line.partition("  # ")
        self._run(command)
        for _ in range(MOST_ATTEMPTS if comment == "until it hangs" else 0):
            if self._device is None or self._device.process.poll() is not None:
                return
            self._run(command)

    def _run(self, line: str) -> None:
        line = re.sub(r"--port 4433", f"--port {self._port}:4433", line)
        words = shlex.split(re.sub(r"(server_port=|127\.0\.0\.1:)4433", rf"\g<1>{self._port}", line))
        if words[0] == "stm32emu":
            self.press_ctrl_c()
            if words[1] == "run" and not ENDS_BY_ITSELF & set(words):
                self._device = Run(*words[2:])
                self._device.port()
                return
            words = [sys.executable, "-m", *words]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=5 * PATIENCE)
        self.shown += (done.stdout + done.stderr).decode(errors="replace")

    def press_ctrl_c(self) -> None:
        """End the device, if one runs."""
        if self._device is not None:
            assert self._device.end() in (130, 5), self._device.log
            self.shown += self._of_device()
            self._device = None

    def _of_device(self) -> str:
        return self._device.log + self._device.console if self._device else ""

    def look_for(self, line: str) -> None:
        """Wait until a line of the guide has been shown."""
        pattern = ".*".join(map(re.escape, line.strip().split("...")))
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.shown + self._of_device()):
            assert time.monotonic() < end, f"{line!r} is not in:\n{self.shown}{self._of_device()}"
            time.sleep(0.05)

    def forget(self) -> None:
        """Start to look anew, at what the commands show; the device's output is looked at as a whole."""
        self.shown = ""


def commands(text: str) -> list[str]:
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def read(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Do all that a page says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(HOST), prepend=":")
    for name, target in {"images": IMAGES.parent, "ca.crt": CERTS / "ca.crt"}.items():
        (tmp_path / name).symlink_to(target)
    reader = Reader()
    try:
        for kind, text in FENCE.findall((DOCS / page).read_text()):
            if kind == "sh":
                for line in commands(text):
                    reader.type(line)
                continue
            for line in text.splitlines():
                if line.strip() != "...":
                    reader.look_for(line)
            reader.forget()
    finally:
        reader.press_ctrl_c()
    return reader


def test_the_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = read("guide-handshake-bug.md", tmp_path, monkeypatch)
    assert "alloc:" not in reader.shown  # by the last device, which is a healthy one


def test_the_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read("questions.md", tmp_path, monkeypatch)
