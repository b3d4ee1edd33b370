# SPDX-License-Identifier: GPL-2.0-or-later
"""Incremental compiling and linking: a step runs when its command or any file it read has changed."""

from __future__ import annotations

import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sources import BuildError

AT_ONCE = 2


@dataclass(frozen=True)
class Step:
    """One compiler run: `command` is run in `folder` and writes `output`; `label` is what the user sees."""

    command: tuple[str, ...]
    output: Path
    label: str
    folder: Path
    inputs: tuple[Path, ...] = ()

    @property
    def _record(self) -> Path:
        return self.output.with_name(self.output.name + ".cmd")

    def is_current(self) -> bool:
        """True if the output was made by this very command and is newer than everything that went into it."""
        if not self.output.is_file() or not self._record.is_file():
            return False
        if self._record.read_text() != shlex.join(self.command):
            return False
        made = self.output.stat().st_mtime_ns
        return all(path.is_file() and path.stat().st_mtime_ns <= made for path in self._read_files())

    def _read_files(self) -> list[Path]:
        """The inputs, and the headers that the compiler named in its dependency file (make syntax)."""
        depends = self.output.with_suffix(".d")
        names = []
        if depends.is_file():
            names = depends.read_text().replace("\\\n", " ").partition(":")[2].split()
        return [*self.inputs, *(self.folder / name for name in names)]

    def run(self) -> str:
        """Run the command; the compiler's warnings are returned, its errors raised as they are."""
        self.output.parent.mkdir(parents=True, exist_ok=True)
        self._record.unlink(missing_ok=True)
        done = subprocess.run(self.command, cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            raise BuildError(f"{self.label} does not build:\n{done.stderr.rstrip()}")
        self._record.write_text(shlex.join(self.command))
        return done.stderr


class Progress:
    """Prints `[done/total] label` for each step."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    def step(self, label: str) -> None:
        self._done += 1
        print(f"[{self._done}/{self._total}] {label}\n", end="", flush=True)  # one write: two threads print


def build(steps: list[Step]) -> None:
    """Run the steps that are out of date: first everything that is compiled, two at once, then what is linked."""
    unique = list({step.output: step for step in steps}.values())
    compiles = [step for step in unique if not step.inputs and not step.is_current()]
    changed = {step.output for step in compiles}
    links = [step for step in unique if step.inputs and (changed & set(step.inputs) or not step.is_current())]
    progress = Progress(len(compiles) + len(links))

    def run(step: Step) -> None:
        warnings = step.run()
        progress.step(step.label)
        if warnings:
            print(warnings.rstrip(), flush=True)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(run, step) for step in compiles]
        try:
            for future in running:
                future.result()
        finally:
            pool.shutdown(cancel_futures=True)
    for step in links:
        run(step)
