# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults are part of a run: bytes pass a bad cable exactly, and a recording with faults replays to the same end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from runs import IMAGES, free_port, running
from test_echo import PATTERN, exchange
from test_replay import VARIANTS, replay

DATA = PATTERN[:100_000]
FAULTS = (
    *("eth=loss:2%", "eth=reorder:5%", "eth=corrupt:2%", "eth=delay:1ms", "eth=link-down@50ms..400ms"),
    *("rng=bias:4bit@10ms", "mem=flip:0x1000f000.3@3000000", "alloc=fail:mem_malloc.20"),
)


@dataclass(frozen=True)
class Recorded:
    """What a run with all of FAULTS left."""

    recording: Path
    capture: Path
    console: str
    log: str


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The echo server, and 100 KB there and back."""
    folder = tmp_path_factory.mktemp("faulty")
    recording, capture = folder / "run.rec", folder / "run.pcapng"
    words = [word for fault in FAULTS for word in ("--fault", fault)]
    files = ("--record", str(recording), "--pcap", str(capture))
    with running(str(IMAGES / "echo.elf"), "--port", f"{free_port()}:7", *words, *files) as run:
        assert exchange(run.port(), DATA) == DATA
    return Recorded(recording, capture, run.console, run.log)


def test_every_fault_struck(recorded: Recorded) -> None:
    for fault in FAULTS:
        assert f"fault {fault} begins at " in recorded.log
    assert "mem_malloc returns NULL to " in recorded.log
    assert recorded.console.count("link up") == 2


def test_the_recording_names_them(recorded: Recorded) -> None:
    header = json.loads(recorded.recording.read_text().splitlines()[0])
    assert header["options"]["faults"] == list(FAULTS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_replay_has_the_same_faults(recorded: Recorded, variant: str, tmp_path: Path) -> None:
    capture = tmp_path / "replay.pcapng"
    code, console, log = replay(recorded.recording, "--pcap", capture, variant=variant)
    assert code == 0, log
    assert log.splitlines()[-1].endswith("the same as recorded")
    assert console.decode() == recorded.console
    assert capture.read_bytes() == recorded.capture.read_bytes()
    said = [line for line in recorded.log.splitlines() if line.startswith("fault ")]
    assert [line for line in log.splitlines() if line.startswith("fault ")] == said
