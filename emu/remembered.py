# SPDX-License-Identifier: GPL-2.0-or-later
"""Random numbers of TLS servers, kept from run to run in a small file (--remember): what should never come again.

A line has the run's --seed, what the number is for and the number. Runs of one seed have the same numbers by nature, so
only those of other seeds count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from stm32emu.errors import UserError
from stm32emu.files import OutputFile, read_file
from stm32emu.netbridge.tls.device import Mark

LINE = re.compile(r"(\d+) (random|nonce) ([0-9a-f]+)")
MOST = 10_000
"""Lines kept, the newest."""


class Remembered:
    """The file at `path`, made by `keep` if there is none. Raises UserError for one that is something else."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path = path
        self._seed = seed
        text = read_file(path, "file of --remember").decode(errors="replace") if path.exists() else ""
        self._lines = text.splitlines()
        rows = [LINE.fullmatch(line) for line in self._lines]
        if not all(rows):
            raise UserError(f"--remember: {path} was not written by stm32emu; give a file that does not exist yet")
        self.marks = frozenset(Mark(row[2], row[3]) for row in rows if row and int(row[1]) != seed)

    def keep(self, marks: Iterable[Mark]) -> None:
        """Add what a run has shown."""
        new = [f"{self._seed} {mark.what} {mark.value}" for mark in marks]
        lines = list(dict.fromkeys([*self._lines, *new]))[-MOST:]
        with OutputFile("--remember", self._path) as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
