# SPDX-License-Identifier: GPL-2.0-or-later
"""The files that a run writes: its traffic (--pcap), its recording (--record), what was found (--json), and which
code ran (--coverage)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from hashlib import sha256
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self

from stm32emu.coverage import Coverage
from stm32emu.cpu import Reason, unicorn_version
from stm32emu.files import OutputFile
from stm32emu.lcov import SUFFIX as LCOV_SUFFIX
from stm32emu.lcov import tracefile
from stm32emu.machine import Machine
from stm32emu.netbridge.link import Direction, Link
from stm32emu.netbridge.pcapng import PcapngWriter
from stm32emu.options import RunOptions, recorded_words
from stm32emu.recording import End, Header, Input, RecordingWriter


class Outputs:
    """Open while the run lasts; complete up to the last event whenever it ends. Opening raises UserError.

    Args:
        options: of the run, with its chip.
        machine: what is recorded.
        link: where the traffic passes.
    """

    def __init__(self, options: RunOptions, machine: Machine, link: Link) -> None:
        self._options = options
        self._machine = machine
        self._link = link
        self._files = ExitStack()
        self._recording: RecordingWriter | None = None
        self._summary: OutputFile | None = None
        self._coverage: OutputFile | None = None

    def __enter__(self) -> Self:
        if self._options.pcap is not None:
            self._capture = PcapngWriter(self._files.enter_context(OutputFile("--pcap", self._options.pcap)))
            self._link.taps.append(self._on_frame)
        if self._options.record is not None:
            file = self._files.enter_context(OutputFile("--record", self._options.record))
            self._recording = RecordingWriter(file.write, self._header())
        if self._options.json is not None:
            self._summary = self._files.enter_context(OutputFile("--json", self._options.json))
        if self._options.coverage is not None:
            self._coverage = self._files.enter_context(OutputFile("--coverage", self._options.coverage))
            self._machine.cpu.start_coverage()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._files.close()

    def input(self, event: Input) -> None:
        """Something has set out for the machine."""
        if self._recording:
            self._recording.input(event)

    def end(self, reason: Reason, exit_code: int, found: Mapping[str, Any]) -> None:
        """The run has ended where the machine is now; checks, traces and TLS connections have `found` something."""
        if self._recording:
            cycle, state = self._machine.clock.now, self._machine.state_hash()
            self._recording.end(End(cycle, state, reason.name.lower(), exit_code))
        if self._summary:
            header = self._header()
            facts = {"elf": header.firmware, "sha256": header.sha256, "cycle": self._machine.clock.now}
            text = json.dumps({**facts, "exit_code": exit_code, **found}, indent=2)
            self._summary.write(f"{text}\n".encode())

        if self._coverage:
            self._coverage.write(self._executed().encode())

    def _executed(self) -> str:
        coverage = Coverage(self._machine.firmware.contents, self._machine.cpu.coverage())
        lcov = self._options.coverage is not None and self._options.coverage.suffix == LCOV_SUFFIX
        return tracefile(coverage, self._machine.symbols) if lcov else coverage.to_json()

    def _on_frame(self, frame: bytes, now: int, way: Direction) -> None:
        self._capture.packet(frame, now, way is Direction.TO_GUEST)

    def _header(self) -> Header:
        digest = sha256(self._machine.firmware.contents).hexdigest()
        by = f"stm32emu {version('stm32emu')}, Unicorn {unicorn_version()}"
        return Header(str(self._options.elf), digest, by, recorded_words(self._options))
