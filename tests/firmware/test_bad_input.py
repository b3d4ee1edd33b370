# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad input from a user's shell: one sentence on stderr, exit code 2, nothing else."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from runs import IMAGES
from test_console import stm32emu

HELLO = IMAGES / "uart_hello.elf"


def _text(folder: Path) -> Path:
    path = folder / "notes.elf"
    path.write_text("not an ELF at all")
    return path


def _x86(folder: Path) -> Path:
    return Path("/bin/sh")


def _truncated(folder: Path) -> Path:
    path = folder / "cut.elf"
    path.write_bytes(HELLO.read_bytes()[:3000])
    return path


def _elsewhere(folder: Path) -> Path:
    """The second segment's physical address moved out of the chip."""
    data = bytearray(HELLO.read_bytes())
    (phoff,) = struct.unpack_from("<I", data, 28)
    struct.pack_into("<I", data, phoff + 32 + 12, 0x9000_0000)
    path = folder / "elsewhere.elf"
    path.write_bytes(data)
    return path


def _no_table(folder: Path) -> Path:
    """The whole vector table erased."""
    data = bytearray(HELLO.read_bytes())
    (phoff,) = struct.unpack_from("<I", data, 28)
    (offset,) = struct.unpack_from("<I", data, phoff + 4)
    data[offset : offset + 0x200] = bytes(0x200)
    path = folder / "no_table.elf"
    path.write_bytes(data)
    return path


FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "not an ELF": (_text, "is not an ELF file"),
    "x86": (_x86, "is built for"),
    "truncated": (_truncated, "is truncated"),
    "outside the memory": (_elsewhere, "0x90000000"),
    "no vector table": (_no_table, "vector table"),
    "missing": (lambda folder: folder / "nowhere.elf", "there is no such file"),
    "unreadable": (lambda folder: folder, "is a directory"),
}


def refused(*words: str) -> str:
    """The one sentence."""
    code, console, log = stm32emu(*words)
    assert code == 2, log
    assert console == b""
    assert len(log.strip().splitlines()) == 1, log
    return log


@pytest.mark.parametrize("case", FILES)
def test_file(case: str, tmp_path: Path) -> None:
    make, sentence = FILES[case]
    assert sentence in refused(str(make(tmp_path)))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--chip", "stm32f999"], "there is no chip"),
        (["--port", "0"], "out of range"),
        (["--port", "65536"], "out of range"),
        (["--port", "x"], "not understood"),
        (["--duration", "soon"], "not a duration"),
        (["--phy", "nosuch"], "nosuch"),
    ],
)
def test_option(words: list[str], sentence: str) -> None:
    assert sentence in refused(str(HELLO), *words)


def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, _console, log = stm32emu(str(HELLO), "--port", str(port))
    assert code == 2
    assert f"{port}" in log.splitlines()[-1]
    assert "Traceback" not in log
