# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings: all that came from outside during a run, and the state it ended in; enough to run it again.

The format is JSON, one object a line, so that people can read and compare recordings (docs/recording.md). A recording
whose run was killed is good up to its last complete line. Reading one trusts nothing in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from stm32emu.errors import UserError
from stm32emu.files import read_file

T = TypeVar("T")
FORMAT = 1
MAGIC = "stm32emu-recording"
FRAME, END = "frame", "end"
LOCKUP = "lockup"
KINDS = (FRAME,)
"""What can come from outside: Ethernet frames, without FCS."""
LAST_CYCLE = 1 << 62
"""No run lives to see it: 870 years of 168 MHz."""


@dataclass(frozen=True)
class Header:
    """What ran.

    Attributes:
        firmware: the ELF's path as it was given.
        sha256: of the ELF, hexadecimal.
        by: versions of stm32emu and Unicorn, for people.
        options: by field name, the options that change what a firmware does, as words for `parse_options`.
    """

    firmware: str
    sha256: str
    by: str
    options: Mapping[str, str | bool | list[str]]


@dataclass(frozen=True)
class Input:
    """Something from outside that reaches the machine at `cycle`."""

    cycle: int
    kind: str
    data: bytes


@dataclass(frozen=True)
class End:
    """How a run ended.

    Attributes:
        cycle: the last one.
        state: `Machine.state_hash` there.
        stop: why the core stopped last: "limit" (asked to), "stopped" (the same), "sleep", "lockup".
        exit_code: of the process.
    """

    cycle: int
    state: str
    stop: str
    exit_code: int


@dataclass(frozen=True)
class Recording:
    """A whole file; `end` is None when the run was killed."""

    header: Header
    inputs: tuple[Input, ...]
    end: End | None

    @property
    def last_cycle(self) -> int:
        """What to run to. A lockup is taken at the cycle of the boundary before it, where a run to there would stop."""
        if self.end is None:
            return max((each.cycle for each in self.inputs), default=0)
        return self.end.cycle + (self.end.stop == LOCKUP)


class RecordingWriter:
    """Writes a recording line by line to `write`, which should not keep them back."""

    def __init__(self, write: Callable[[bytes], object], header: Header) -> None:
        self._write = write
        self._line({MAGIC: FORMAT, **vars(header)})

    def input(self, event: Input) -> None:
        """Something came in."""
        self._line({**vars(event), "data": event.data.hex()})

    def end(self, end: End) -> None:
        """The run is over; nothing may follow."""
        self._line({"cycle": end.cycle, "kind": END, **vars(end)})

    def _line(self, record: Mapping[str, object]) -> None:
        self._write(json.dumps(record).encode() + b"\n")


def read_recording(path: Path) -> Recording:
    """The recording at `path`. Raises UserError with one sentence on whatever makes it unusable."""
    lines = read_file(path, "recording").split(b"\n")[:-1]  # what follows the last newline was cut off
    if not lines or MAGIC.encode() not in lines[0][:64]:
        raise UserError(f"{path}: is not a recording of stm32emu; give the file that `stm32emu run --record` wrote")
    header = _parsed(path, 1, lines[0], _header)
    events = [_parsed(path, number, line, _event) for number, line in enumerate(lines[1:], 2)]
    inputs = tuple(event for event in events if isinstance(event, Input))
    ends = [event for event in events[len(inputs) :] if isinstance(event, End)]
    if len(inputs) + len(ends) < len(events) or len(ends) > 1:
        raise UserError(f"{path}: goes on after its end; copy the recording again")
    return Recording(header, inputs, ends[0] if ends else None)


def _parsed(path: Path, number: int, line: bytes, build: Callable[[dict[str, Any]], T]) -> T:
    try:
        return build(_record(line))
    except ValueError as error:
        raise UserError(f"{path}: line {number} cannot be used: {error}; copy the recording again") from None


def _record(line: bytes) -> dict[str, Any]:
    """A line's object. Raises ValueError, as everything below."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(record, dict):
        raise ValueError("not an object")
    return record


def _header(record: Mapping[str, Any]) -> Header:
    if _number(record, MAGIC) != FORMAT:
        raise ValueError(f"format {record[MAGIC]}, and this stm32emu reads format {FORMAT}")
    options = record.get("options")
    if not isinstance(options, dict) or not all(map(_is_word, options.values())):
        raise ValueError('"options" is not a table of words')
    return Header(_text(record, "firmware"), _sha256(record, "sha256"), _text(record, "by"), options)


def _is_word(value: object) -> bool:
    words = value if isinstance(value, list) else [value]
    return value is True or all(isinstance(word, str) for word in words)


def _event(record: Mapping[str, Any]) -> Input | End:
    kind, cycle = _text(record, "kind"), _number(record, "cycle")
    if kind == END:
        return End(cycle, _sha256(record, "state"), _text(record, "stop"), _number(record, "exit_code"))
    if kind not in KINDS:
        raise ValueError(f"kind {kind[:20]!r} is none of {', '.join((*KINDS, END))}")
    data = _text(record, "data")
    if not re.fullmatch(r"(?:[0-9a-f]{2})+", data):
        raise ValueError('"data" is not a string of hexadecimal bytes')
    return Input(cycle, kind, bytes.fromhex(data))


def _number(record: Mapping[str, Any], key: str) -> int:
    value = record.get(key)
    if type(value) is not int or not 0 <= value <= LAST_CYCLE:  # a bool is an int, too
        raise ValueError(f'"{key}" is not a number from 0 to 2**62')
    return value


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    if not isinstance(value, str) or re.search(r"[\x00-\x1f\x7f]", value):  # nothing that moves a terminal's cursor
        raise ValueError(f'"{key}" is not a line of text')
    return value


def _sha256(record: Mapping[str, Any], key: str) -> str:
    value = _text(record, key)
    if not re.fullmatch("[0-9a-f]{64}", value):
        raise ValueError(f'"{key}" is not a SHA-256')
    return value
