# SPDX-License-Identifier: GPL-2.0-or-later
"""Which code of a firmware ran, and the file that says so (docs/coverage.md)."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any

from stm32emu.errors import UserError
from stm32emu.files import read_file

FORMAT = "stm32emu coverage 1"
Range = tuple[int, int]
"""Addresses from the first up to, but without, the second."""


class Coverage:
    """What ran of one ELF.

    Args:
        contents: the ELF.
        ranges: of addresses, in any order, that neither overlap nor touch.
    """

    def __init__(self, contents: bytes, ranges: Iterable[Range]) -> None:
        self.sha256 = sha256(contents).hexdigest()
        self.ranges = sorted(ranges)
        self._starts = [start for start, _end in self.ranges]
        self._before = list(accumulate((end - start for start, end in self.ranges), initial=0))

    def size(self, start: int, end: int) -> int:
        """Bytes from `start` up to `end` that ran."""
        return max(0, self._up_to(end) - self._up_to(start))

    def _up_to(self, address: int) -> int:
        position = bisect_right(self._starts, address) - 1
        if position < 0:
            return 0
        start, end = self.ranges[position]
        return self._before[position] + min(address, end) - start

    def to_json(self) -> str:
        """The file's text."""
        ranges = ",\n".join(f"  [{start}, {end}]" for start, end in self.ranges)
        return f'{{"format": "{FORMAT}", "sha256": "{self.sha256}", "ranges": [\n{ranges}\n]}}\n'


def read_coverages(paths: Iterable[Path], contents: bytes) -> Coverage:
    """What ran in any of several runs of the ELF with these contents. Raises UserError if a file is of none."""
    return Coverage(contents, _union(part for path in paths for part in read_coverage(path, contents).ranges))


def _union(ranges: Iterable[Range]) -> list[Range]:
    found: list[Range] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def read_coverage(path: Path, contents: bytes) -> Coverage:
    """The file at `path`, of a run of the ELF with these contents. Raises UserError if it is none."""
    text = read_file(path, "file that --coverage wrote")
    try:
        data = json.loads(text)
        ranges = [_range(pair) for pair in data["ranges"]] if data["format"] == FORMAT else None
    except (ValueError, LookupError, TypeError):
        ranges = None
    if ranges is None:
        raise UserError(f"{path}: is no coverage of stm32emu; write it with stm32emu run --coverage FILE.json")
    coverage = Coverage(contents, ranges)
    if data.get("sha256") != coverage.sha256:
        raise UserError(f"{path}: is the coverage of another firmware; run this one with --coverage")
    return coverage


def _range(pair: Any) -> Range:
    start, end = pair
    if not 0 <= int(start) < int(end) <= 1 << 32:
        raise ValueError("no range of addresses")
    return int(start), int(end)
