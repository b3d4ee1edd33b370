# SPDX-License-Identifier: GPL-2.0-or-later
"""The files that a run writes: its traffic (--pcap), its recording (--record), what was found (--json), which
code ran (--coverage), and the secrets of TLS connections (--keylog)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stm32emu.coverage import Coverage
from stm32emu.cpu import Reason, unicorn_version
from stm32emu.errors import UserError
from stm32emu.files import OutputFile
from stm32emu.lcov import SUFFIX as LCOV_SUFFIX
from stm32emu.lcov import tracefile
from stm32emu.machine import Machine
from stm32emu.netbridge.link import Direction, Link
from stm32emu.netbridge.pcapng import PcapngWriter
from stm32emu.options import RunOptions, recorded_words
from stm32emu.recording import End, Header, Input, RecordingWriter

ROOM_FOR_SECRETS = 64 * 1024
"""Bytes, for those of 370 connections."""


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
        self._capture: PcapngWriter | None = None
        self._keylog: OutputFile | None = None

    def __enter__(self) -> Self:
        if self._options.pcap is not None:
            self._start_capture(self._options.pcap)
        if self._options.keylog is not None:
            self._keylog = self._files.enter_context(OutputFile("--keylog", self._options.keylog, private=True))
        if self._options.record is not None:
            file = self._files.enter_context(OutputFile("--record", self._options.record))
            self._recording = RecordingWriter(file.write, self._header())
        if self._options.json is not None:
            self._summary = self._files.enter_context(OutputFile("--json", self._options.json))
        if self._options.coverage is not None:
            self._start_coverage(self._options.coverage)
        return self

    def _start_capture(self, path: Path) -> None:
        holds_secrets = self._options.keylog is not None
        file = self._files.enter_context(OutputFile("--pcap", path, private=holds_secrets))
        self._capture = capture = PcapngWriter(file)
        if holds_secrets and file.correctable:
            capture.reserve_secrets(file, ROOM_FOR_SECRETS)
        self._link.taps.append(lambda frame, now, way: capture.packet(frame, now, way is Direction.TO_GUEST))

    def _start_coverage(self, path: Path) -> None:
        if path.suffix == LCOV_SUFFIX and self._machine.symbols.debug.dwarf is None:
            elf = self._options.elf
            raise UserError(
                f"--coverage: {elf} has no debug information, so no lines for LCOV; compile with -g, or write .json"
            )
        self._coverage = self._files.enter_context(OutputFile("--coverage", path))
        self._machine.cpu.start_coverage()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._files.close()

    def secret(self, line: bytes) -> None:
        """A line of a key log: for its file, and for the capture, so that it can be read."""
        if self._keylog:
            self._keylog.write(line)
        if self._capture:
            self._capture.secrets(line)

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

    def _header(self) -> Header:
        digest = sha256(self._machine.firmware.contents).hexdigest()
        by = f"stm32emu {version('stm32emu')}, Unicorn {unicorn_version()}"
        return Header(str(self._options.elf), digest, by, recorded_words(self._options))
