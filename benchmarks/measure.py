# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the results' table, and how their figures come about."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from stm32emu.cpu import unicorn_version

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "images" / "build"
RUNS = int(os.environ.get("BENCH_RUNS", "5"))
UNICORN = unicorn_version()


@dataclass(frozen=True)
class Row:
    """One line of the table.

    `ratio` is how well we do against the peer: speeds divide as ours/peer, times as peer/ours. Sizes and checks
    as ours/peer, where less is better. None where there is no peer.
    """

    name: str
    ours: float
    peer: float | None
    ratio: float | None
    unit: str
    unicorn: str = UNICORN


def times(name: str, ours: float, peer: float, unicorn: str = UNICORN) -> Row:
    """A row of seconds."""
    return Row(name, ours, peer, peer / ours, "s", unicorn)


def alone(name: str, ours: float, unit: str) -> Row:
    """A row without a peer."""
    return Row(name, ours, None, None, unit)


def medians(measures: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """The median of each measure over RUNS rounds; a round takes every measure once, so that all share the weather."""
    rounds = [{name: measure() for name, measure in measures.items()} for _ in range(RUNS)]
    return {name: median(each[name] for each in rounds) for name in measures}
