# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings: what is written is read back, and whatever else a file may hold is one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stm32emu.errors import UserError
from stm32emu.recording import End, Header, Input, Recording, RecordingWriter, read_recording

HEADER = Header("firmware.elf", "ab" * 32, "stm32emu 0.1.0, Unicorn 2.1.3", {"chip": "STM32F407", "strict": True})
INPUTS = (Input(168, "frame", bytes(60)), Input(1 << 40, "frame", b"\xff" * 1514))
FINISH = End(1 << 41, "cd" * 32, "limit", 0)


def written(header: Header, inputs: tuple[Input, ...], end: End | None) -> bytes:
    """The file's bytes."""
    lines: list[bytes] = []
    writer = RecordingWriter(lines.append, header)
    for each in inputs:
        writer.input(each)
    if end is not None:
        writer.end(end)
    return b"".join(lines)


WHOLE = written(HEADER, INPUTS, FINISH)


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], Recording]:
    """`read(contents)`: the recording in a file with these contents."""

    def read(contents: bytes) -> Recording:
        path = tmp_path / "run.rec"
        path.write_bytes(contents)
        return read_recording(path)

    return read


def test_round_trip(read: Callable[[bytes], Recording]) -> None:
    recording = read(WHOLE)
    assert recording == Recording(HEADER, INPUTS, FINISH)
    assert recording.last_cycle == FINISH.cycle


def test_it_is_text(read: Callable[[bytes], Recording]) -> None:
    """One object a line, in the order that things came in."""
    lines = [json.loads(line) for line in WHOLE.decode("ascii").splitlines()]
    assert lines[0]["stm32emu-recording"] == 1
    assert lines[1] == {"cycle": 168, "kind": "frame", "data": "00" * 60}
    assert lines[-1]["kind"] == "end"


@pytest.mark.parametrize("end", [len(WHOLE) - 1, len(WHOLE) - 40])
def test_cut_off(end: int, read: Callable[[bytes], Recording]) -> None:
    """Without its newline a line is not complete, even where all of it happens to be there."""
    recording = read(WHOLE[:end])
    assert recording == Recording(HEADER, INPUTS, None)
    assert recording.last_cycle == INPUTS[-1].cycle


def test_cut_off_before_anything_came(read: Callable[[bytes], Recording]) -> None:
    assert read(WHOLE[: WHOLE.index(b"\n") + 1]).last_cycle == 0


@pytest.mark.parametrize("contents", [b"", b"\x7fELF\n", b"\n", b"{}\n", WHOLE[:40], b'{"other": 1}\n'])
def test_foreign_files(contents: bytes, read: Callable[[bytes], Recording]) -> None:
    with pytest.raises(UserError, match="is not a recording of stm32emu"):
        read(contents)


def line(number: int, changes: Mapping[str, Any]) -> bytes:
    """WHOLE with something else in its `number`th line; None takes a key away."""
    lines = WHOLE.splitlines(keepends=True)
    record = {**json.loads(lines[number - 1]), **changes}
    lines[number - 1] = json.dumps({key: value for key, value in record.items() if value is not None}).encode() + b"\n"
    return b"".join(lines)


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        (line(1, {"stm32emu-recording": 2}), "format 2, and this stm32emu reads format 1"),
        (line(1, {"stm32emu-recording": True}), '"stm32emu-recording" is not a number'),
        (line(1, {"sha256": "xyz"}), '"sha256" is not a SHA-256'),
        (line(1, {"firmware": None}), '"firmware" is not a line of text'),
        (line(1, {"firmware": "\x1b[2J"}), '"firmware" is not a line of text'),
        (line(1, {"options": None}), '"options" is not a table'),
        (line(1, {"options": {"seed": 5}}), '"options" is not a table'),
        (line(2, {"cycle": None}), '"cycle" is not a number'),
        (line(2, {"cycle": -1}), '"cycle" is not a number'),
        (line(2, {"cycle": 1.5}), '"cycle" is not a number'),
        (line(2, {"cycle": True}), '"cycle" is not a number'),
        (line(2, {"cycle": 1 << 63}), '"cycle" is not a number'),
        (line(2, {"kind": "pickle"}), "kind 'pickle' is none of frame, end"),
        (line(2, {"data": "0"}), '"data" is not a string of hexadecimal bytes'),
        (line(2, {"data": ""}), '"data" is not a string of hexadecimal bytes'),
        (line(2, {"data": "zz"}), '"data" is not a string of hexadecimal bytes'),
        (line(4, {"state": "0" * 63}), '"state" is not a SHA-256'),
        (line(4, {"exit_code": "0"}), '"exit_code" is not a number'),
        (WHOLE + WHOLE.splitlines(keepends=True)[1], "goes on after its end"),
        (WHOLE + WHOLE.splitlines(keepends=True)[-1], "goes on after its end"),
        (WHOLE + b"[" * 100_000 + b"\n", "line 5 cannot be used: not JSON"),
        (WHOLE + b"\xff\n", "line 5 cannot be used: not JSON"),
        (WHOLE + b"9" * 5000 + b"\n", "line 5 cannot be used: not JSON"),
        (WHOLE + b"[]\n", "line 5 cannot be used: not an object"),
    ],
)
def test_damage(contents: bytes, sentence: str, read: Callable[[bytes], Recording]) -> None:
    with pytest.raises(UserError) as caught:
        read(contents)
    assert sentence in caught.value.sentence
    assert caught.value.sentence.isprintable()
    assert caught.value.exit_code == 2


@settings(max_examples=300, derandomize=True)
@given(at=st.integers(0, len(WHOLE) - 1), new=st.binary(max_size=4), gone=st.integers(0, 40))
def test_any_damage(at: int, new: bytes, gone: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """It is read or refused, whatever happened to the bytes; any other exception fails the test."""
    path = tmp_path_factory.getbasetemp() / "damaged.rec"
    path.write_bytes(WHOLE[:at] + new + WHOLE[at + gone :])
    with suppress(UserError):
        assert read_recording(path).last_cycle >= 0
