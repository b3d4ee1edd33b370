# SPDX-License-Identifier: GPL-2.0-or-later
"""What `--check` costs: a recorded run of three handshakes, replayed with the checks and without."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Row, medians
from benchmarks.server import serving, tls_page
from stm32emu.replay import Replay

CHECKS = "alloc,heap,stack"
HANDSHAKES = 3


def replay(recording: Path, words: Mapping[str, str | bool]) -> float:
    """CPU seconds of a replay, without its start."""
    session = Replay(recording, None, words, console=lambda data: None, log=lambda line: None)
    before = time.process_time()
    outcome = session.run()
    if outcome.exit_code:
        raise RuntimeError(outcome.reason)
    return time.process_time() - before


def checks() -> Iterator[Row]:
    """The factor is with / without."""
    with TemporaryDirectory() as folder:
        recording = Path(folder) / "handshakes.rec"
        with serving("tls_server.elf", 4433, "--record", str(recording)) as (_, port):
            for _ in range(HANDSHAKES):
                tls_page(port)
        runs = {"with": {"checks": CHECKS}, "without": {}}
        seconds = medians({name: partial(replay, recording, words) for name, words in runs.items()})
    yield Row("checks", seconds["with"], seconds["without"], seconds["with"] / seconds["without"], "s of CPU")
