# SPDX-License-Identifier: GPL-2.0-or-later
"""Differential testing of exceptions against QEMU: `make fidelity`, or by hand

.venv/bin/python tests/fidelity/run.py --programs 20000    # programs 0 to 19999 on both Unicorns
.venv/bin/python tests/fidelity/run.py --seed 1234         # one; if it differs, made as small as it still does
.venv/bin/python tests/fidelity/run.py --seed 1234 --list  # only print it
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from compare import Comparison, run_all, shrink
from generator import generate
from ours import UNICORN_2_1_4, Ours

IMAGE = 100  # programs to an image
SHRUNK = 5  # of the programs that differ, how many are made small
EVERY = 20  # seconds between words of progress


class Totals:
    """What has been compared and found so far."""

    def __init__(self) -> None:
        self.programs = self.records = 0
        self.listed: Counter[str] = Counter()
        self.differing: dict[int, tuple[int, str]] = {}  # by seed: the number of the core, and what differs

    def add(self, core: int, first: int, comparisons: Sequence[Comparison]) -> None:
        """An image's programs, of which `first` is the first seed, on one core."""
        self.programs += len(comparisons)
        for seed, found in enumerate(comparisons, first):
            self.records += found.records
            if found.part:
                self.listed[found.part.what] += 1
            if found.difference:
                self.differing.setdefault(seed, (core, found.difference))

    def __str__(self) -> str:
        return f"{self.programs} programs, {self.records} records, {len(self.differing)} programs differ"


def run(seeds: range, cores: Sequence[Ours]) -> Totals:
    """All programs, image by image, with a word now and then."""
    totals, started = Totals(), time.monotonic()
    told = started
    with tempfile.TemporaryDirectory() as folder:
        for first in seeds[::IMAGE]:
            programs = [generate(seed) for seed in range(first, min(first + IMAGE, seeds.stop))]
            for core, comparisons in enumerate(run_all(programs, Path(folder), cores)):
                totals.add(core, first, comparisons)
            if time.monotonic() - told > EVERY:
                told = time.monotonic()
                print(f"fidelity: {first + len(programs) - seeds.start} of {len(seeds)} seeds, {totals}", flush=True)
    print(f"fidelity: {totals}, {time.monotonic() - started:.0f} s")
    return totals


def report(totals: Totals, cores: Sequence[Ours]) -> None:
    """The listed differences that were met, and the programs that differ, the first of them made small."""
    for what, count in totals.listed.most_common():
        print(f"  {count} x {what}")
    for number, (seed, (core, difference)) in enumerate(sorted(totals.differing.items())):
        print(f"\nseed {seed} on Unicorn {cores[core].version}: {difference}")
        if number < SHRUNK:
            small, why = shrink(generate(seed), cores[core])
            print(
                f"alone: {why}\n{small.listing()}" if why else "alone it does not: what its image runs before it counts"
            )


def main() -> int:
    """0 if nothing differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=1, help="how many [1]")
    parser.add_argument("--seed", type=int, default=0, help="of the first program [0]")
    parser.add_argument("--list", action="store_true", help="print the programs instead of running them")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.programs)
    if options.list:
        print("\n".join(generate(seed).listing() for seed in seeds))
        return 0
    with ExitStack() as stack:
        cores = [stack.enter_context(Ours(unicorn)) for unicorn in (None, UNICORN_2_1_4)]
        totals = run(seeds, cores)
        report(totals, cores)
    return 1 if totals.differing else 0


if __name__ == "__main__":
    sys.exit(main())
