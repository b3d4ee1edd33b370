# SPDX-License-Identifier: GPL-2.0-or-later
"""`python -m benchmarks [NAME...]`: measure, print the table, write benchmarks/results.json (when nothing is named)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from benchmarks import checks, equal_work, explain, native, server, twin
from benchmarks.measure import Row

RESULTS = Path(__file__).with_name("results.json")
BENCHMARKS: dict[str, Callable[[], Iterable[Row]]] = {
    **{name: partial(equal_work.rows, name) for name in equal_work.ROWS},
    "handshake": server.handshake,
    "checks": checks.checks,
    "explain": explain.explain,
    "native": native.native,
    "start": server.start,
    "idle": server.idle,
    "delay": equal_work.delay,
    "bridge": server.bridge,
    "memory": server.memory,
    "twin": twin.twin,
}


def line(row: Row) -> str:
    """A row of the table."""
    peer, ratio = (f"{value:.3g}" if value is not None else "-" for value in (row.peer, row.ratio))
    return f"{row.name:18}{row.ours:>10.3g}{peer:>10}{ratio:>8}  {row.unit:17}{row.unicorn}"


def main(names: list[str]) -> int:
    """Measure the named benchmarks, or all; 2 when there is no such benchmark."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"bench: there is no {unknown[0]}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    print(f"{'name':18}{'ours':>10}{'peer':>10}{'ratio':>8}  {'unit':17}Unicorn")
    rows: list[Row] = []
    for name in names or BENCHMARKS:
        for row in BENCHMARKS[name]():
            rows.append(row)
            print(line(row), flush=True)
    if not names:
        RESULTS.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
