# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a recording again, without network and wall clock, and compares where it ends."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from stm32emu.errors import UserError
from stm32emu.files import read_file
from stm32emu.options import RunOptions, check_recorded, parse_options
from stm32emu.recording import Recording, read_recording
from stm32emu.session import Outcome, Session, Status

OTHER_STATE = 4


class Replay(Session):
    """A recording replayed. Raises UserError for a recording or firmware that cannot be used.

    Args:
        path: the recording.
        elf: its firmware; None takes the path that was recorded.
        words: observers (see `Option`) by field name, as `parse_options` takes them.
        console, log, status: as for `Session`.
    """

    def __init__(
        self,
        path: Path,
        elf: Path | None = None,
        words: Mapping[str, Any] = MappingProxyType({}),
        *,
        console: Callable[[bytes], None],
        log: Callable[[str], None],
        status: Callable[[Status], None] | None = None,
    ) -> None:
        recording = read_recording(path)
        options = _options(path, elf, recording, words)
        super().__init__(options, console=console, log=log, status=status, recording=recording)
        self._header, self._end = recording.header, recording.end

    def run(self) -> Outcome:
        """Replay to the end; the outcome says whether it is the recorded one."""
        outcome = super().run()
        return outcome if self.interrupted else self._verdict()

    def _verdict(self) -> Outcome:
        cycle, state = self.machine.clock.now, self.machine.state_hash()
        reached = f"replayed to cycle {cycle}, state {state}"
        end = self._end
        if end is None:
            return Outcome(0, f"{reached}; the recording was cut off, so there is no end to compare with")
        if (cycle, state) == (end.cycle, end.state):
            return Outcome(0, f"{reached}: the same as recorded")
        expected = f"cycle {end.cycle} in state {end.state}"
        return Outcome(OTHER_STATE, f"{reached}, but {self._header.by} recorded an end at {expected}")


def _options(path: Path, elf: Path | None, recording: Recording, words: Mapping[str, Any]) -> RunOptions:
    header = recording.header
    elf = elf or Path(header.firmware)
    try:
        contents = read_file(elf, "firmware's ELF file")
    except UserError as error:
        raise UserError(f"{error.sentence}, or name the ELF after the recording") from None
    if hashlib.sha256(contents).hexdigest() != header.sha256:
        raise UserError(f"{path}: was recorded with another firmware than {elf}; give the ELF that was recorded")
    try:
        check_recorded(elf, header.options)
    except UserError as error:
        raise UserError(f"{path}: {error.sentence}; copy the recording again") from None
    return parse_options(elf, {**header.options, **words, "on_fault": "continue"}, recording=path)
