# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: outputs, exit codes, one sentence for every error. Sessions are played by a stand-in."""

from __future__ import annotations

import os
import pty
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from stm32emu.cli.main import main
from stm32emu.errors import GuestError, InternalError
from stm32emu.faults import FAULTS, GRAMMAR
from stm32emu.options import EXIT_CODES, OPTIONS, RunOptions
from tiny_elf import Load, TinyElf, vector_table


@dataclass(frozen=True)
class Outcome:
    exit_code: int
    reason: str


Session = Callable[..., Outcome]


@pytest.fixture
def elf(tmp_path: Path) -> Path:
    path = tmp_path / "firmware.elf"
    path.write_bytes(TinyElf().build())
    return path


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Session], None]:
    """`play(session)`: let `stm32emu run` call `session` instead of the emulator."""

    def install(session: Session) -> None:
        class Stage:
            def __init__(self, *arguments: Any, **more: Any) -> None:
                self.run = partial(session, *arguments, **more)

            def interrupt(self, exit_code: int) -> None:
                raise AssertionError(f"interrupted ({exit_code})")

        monkeypatch.setattr("stm32emu.session.Session", Stage)

    return install


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def stm32emu(*words: object) -> int:
    """The exit code of the command line."""
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.mark.parametrize("words", [["explain"], ["chips"], ["atlas"], ["doctor", "certs"], ["serve"], ["compare"]])
def test_every_command_has_debug(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What a report of a defect is asked to have."""
    assert stm32emu(*words, "--help") == 0
    assert "--debug" in capsys.readouterr().out


def never(*_arguments: Any, **_more: Any) -> Outcome:
    raise AssertionError("the session was started")


def test_outputs(elf: Path, play: Callable[[Session], None], capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """The firmware's bytes are on stdout as they are; log and reason are on stderr; no status without a terminal."""
    seen: list[RunOptions] = []

    def session(options: RunOptions, *, console: Any, log: Any, status: Any) -> Outcome:
        seen.append(options)
        assert status is None
        console(b"\x00\xff[bold]\r\n")
        log("listening: 127.0.0.1:4433 -> [192.168.0.254]:4433")
        console(b"half a line")
        return Outcome(3, "not seen")

    play(session)
    assert stm32emu("run", elf, "--seed", "5", "--strict") == 3
    out, err = capfdbinary.readouterr()
    assert out == b"\x00\xff[bold]\r\nhalf a line"
    assert err == b"listening: 127.0.0.1:4433 -> [192.168.0.254]:4433\nnot seen\n"
    assert seen == [RunOptions(elf=elf, seed=5, strict=True)]


def test_long_log_lines_are_not_wrapped(
    elf: Path, play: Callable[[Session], None], capsys: pytest.CaptureFixture[str]
) -> None:
    line = "a word " * 60

    def session(_options: RunOptions, *, log: Any, **_more: Any) -> Outcome:
        log(line)
        return Outcome(0, "")

    play(session)
    assert stm32emu("run", elf) == 0
    assert capsys.readouterr().err == line + "\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run"], "missing argument 'FIRMWARE.ELF'"),
        (["run", "{elf}", "--wat"], "no such option '--wat'"),
        (["run", "{elf}", "extra"], "got unexpected extra argument"),
        (["run", "{elf}", "--port"], "option '--port' requires an argument"),
        (["frobnicate"], "no such command 'frobnicate'"),
        (["run", "{elf}", "--port", "0"], "--port: "),
        (["run", "{elf}", "--port", "65536"], "--port: "),
        (["run", "{elf}", "--port", "4433", "--port", "4433:80"], "--port: 4433/tcp is given twice"),
        (["run", "{elf}", "--chip", "f999"], "--chip: there is no chip 'f999'"),
        (["run", "{elf}", "--until", ""], "--until: the text to wait for is empty"),
        (["chips", "z80"], "there is no chip 'z80'"),
    ],
)  # fmt: skip
def test_bad_command_lines(
    elf: Path,
    play: Callable[[Session], None],
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    sentence: str,
) -> None:
    play(never)
    assert stm32emu(*(word.format(elf=elf) for word in words)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"stm32emu: {sentence}")
    assert err.count("\n") == 1


def fails(error: BaseException) -> Session:
    def session(*_arguments: Any, **_more: Any) -> Outcome:
        raise error

    return session


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (GuestError("the firmware locked up"), 1, "stm32emu: the firmware locked up\n"),
        (InternalError("the core lost count"), 70, "stm32emu: the core lost count\n"),
        (KeyError("x"), 70, "stm32emu: internal error (KeyError: 'x' at test_cli.py:"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_of_a_session(
    elf: Path,
    play: Callable[[Session], None],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    sentence: str,
) -> None:
    play(fails(error))
    assert stm32emu("run", elf) == code
    err = capsys.readouterr().err
    assert err.strip("\n").startswith(sentence.strip("\n"))
    assert "Traceback" not in err
    assert code in EXIT_CODES


def test_debug_adds_the_traceback(
    elf: Path, play: Callable[[Session], None], capsys: pytest.CaptureFixture[str]
) -> None:
    play(fails(KeyError("x")))
    assert stm32emu("run", elf, "--debug") == 70
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert "KeyError: 'x'" in err


def test_interrupted_session_has_the_last_word(
    elf: Path, play: Callable[[Session], None], capsys: pytest.CaptureFixture[str]
) -> None:
    play(lambda *_arguments, **_more: Outcome(130, "interrupted after 1.5 s"))
    assert stm32emu("run", elf) == 130
    assert capsys.readouterr().err == "interrupted after 1.5 s\n"


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert stm32emu("--help") == 0
    rows = [row.split(maxsplit=1) for row in capsys.readouterr().out.splitlines()]
    for code, text in EXIT_CODES.items():
        assert [str(code), text] in rows
    assert stm32emu("run", "--help") == 0
    text = capsys.readouterr().out
    for option in OPTIONS:
        assert f"\n  {option.flag}" in text
    assert stm32emu("--version") == 0
    assert capsys.readouterr().out.startswith("stm32emu ")


def test_peripherals(capsys: pytest.CaptureFixture[str]) -> None:
    """Blocks of one model share an entry; the small F401 has neither Ethernet nor CAN."""
    assert stm32emu("peripherals", "--chip", "f429") == 0
    out = capsys.readouterr().out
    assert re.search(r"^modelled +3 +8 +0  RNG$", out, re.MULTILINE)
    assert re.search(r"^partly +\d+ +\d+ +\d+  ETH +PAUSE frames", out, re.MULTILINE)
    assert re.search(r"^stub +- +- +-  I2S2ext .*everything: reads give back what was written$", out, re.MULTILINE)
    assert "GPIOK" in out
    assert max(map(len, out.splitlines())) <= 120
    assert stm32emu("peripherals", "--chip", "f401") == 0
    assert not re.search("ETH|CAN|GPIOK", capsys.readouterr().out)


def test_chips(capsys: pytest.CaptureFixture[str]) -> None:
    assert stm32emu("chips") == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].split() == ["chip", "flash", "SRAM", "CCM", "MHz", "manual", "Ethernet"]
    row = next(row.split() for row in rows if row.startswith("STM32F407"))
    assert row == ["STM32F407", "1024", "KB", "128", "KB", "64", "KB", "168", "RM0090", "yes"]
    assert stm32emu("chips", "f407") == 0
    rows = capsys.readouterr().out.splitlines()
    assert "0x40028000  ETH            61 ETH, 62 ETH_WKUP" in rows
    assert "0x10000000      64 KB  CCM" in rows


def test_info(elf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert stm32emu("info", elf, "--chip", "f429") == 0
    assert "STM32F429: as you said" in capsys.readouterr().out
    assert stm32emu("info", elf.parent / "none.elf") == 2
    assert capsys.readouterr() == ("", f"stm32emu: {elf.parent}/none.elf: there is no such file; check the path\n")


# --- As a process of its own ----------------------------------------------------------------------------------------

STM32EMU = [sys.executable, "-m", "stm32emu"]


def refused(*words: object) -> str:
    """The last line on stderr of a process that exits with 2 and prints nothing else of its own."""
    done = subprocess.run([*STM32EMU, *map(str, words)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [(b"\x7fELF", "is truncated"), (b"MZ", "is not an ELF file"), (None, "there is no such file")],
)
def test_bad_file(tmp_path: Path, contents: bytes | None, sentence: str) -> None:
    path = tmp_path / "firmware.elf"
    if contents is not None:
        path.write_bytes(contents)
    assert refused("run", path).startswith(f"stm32emu: {path}: {sentence}")


def test_image_that_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "firmware.elf"
    path.write_bytes(TinyElf([Load(0x0800_0000, vector_table(sp=0x1001_0000).ljust(0x400, b"\0"))]).build())
    assert "is outside the RAM of the STM32F446" in refused("run", path, "--chip", "f446")


def test_port_in_use(elf: Path, taken_port: int) -> None:
    assert f"TCP port {taken_port} on 127.0.0.1 is in use" in refused("run", elf, "--port", taken_port)


def test_foreign_bind_address(elf: Path) -> None:
    assert "no address '192.0.2.1'" in refused("run", elf, "--port", "4433", "--bind", "192.0.2.1")


def test_reader_of_stdout_goes_away() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*STM32EMU, "chips"], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


STATUS_LINE = """
from stm32emu.cli.terminal import Terminal
from stm32emu.session import Status
terminal = Terminal()
assert terminal.has_status
terminal.status(Status(virtual_s=1.5, wall_s=2.0, speed=0.75, connections=1))
terminal.console(b"half a ")
terminal.status(Status(virtual_s=9.9, wall_s=9.9, speed=9.9, connections=9))
terminal.log("note: fail:100")
terminal.status(Status(virtual_s=2.5, wall_s=3.0, speed=0.5, connections=2))
terminal.close()
"""


def on_a_terminal(code: str) -> str:
    """What some Python code writes there."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    subprocess.run(
        [sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs, check=True, env=environment
    )
    os.close(theirs)
    seen = os.read(ours, 4096).decode()
    os.close(ours)
    return seen


def test_status_line_on_a_terminal() -> None:
    """It goes away before anything else is written, and stays away while the firmware is in the middle of a line."""
    seen = on_a_terminal(STATUS_LINE)
    erase = "\r\x1b[2K"
    plain = re.sub(r"\x1b\[\d*m", "", seen)
    first, second = "1.5 s virtual, 0.75 x a real part at 168 MHz, 1 connection", "2.5 s virtual, 0.50 x"
    assert plain == f"{first}{erase}half a \r\nnote: fail:100\r\n{second} a real part at 168 MHz, 2 connections{erase}"


SHOWN = {
    "a log line before the end of a line": (
        ["half a line", None, "\r", "\n", "more\r\n"],
        ["half a line", "log", "more"],
    ),
    "one in the middle": (["half a ", None, "line\n", "more"], ["half a ", "log", "line", "more"]),
    "one between CR and LF": (["a line\r", None, "\nmore\n"], ["a line", "log", "more"]),
    "two before the end": (["a line", None, None, "\r\n", "more"], ["a line", "log", "log", "more"]),
    "LF before CR": (["a line\n\r", None, "more"], ["a line", "log", "more"]),
    "an empty line of the firmware's": (
        ["a line\r\n", "\r\n", None, "\r\n", "more"],
        ["a line", "", "log", "", "more"],
    ),
}


@pytest.mark.parametrize("what", SHOWN)
def test_a_log_line_leaves_no_empty_one_on_a_terminal(what: str) -> None:
    said, lines = SHOWN[what]
    calls = [f"terminal.console({each.encode()!r})" if each is not None else 'terminal.log("log")' for each in said]
    seen = on_a_terminal("\n".join(["from stm32emu.cli.terminal import Terminal", "terminal = Terminal()", *calls]))
    assert screen(seen) == lines


def screen(written: str) -> list[str]:
    """The lines of a terminal (ECMA-48): CR, LF, CUU and text."""
    lines, row = [""], 0
    for piece in re.findall(r"\x1b\[1A|[\r\n]|[^\x1b\r\n]+", written):
        if piece == "\x1b[1A":
            row -= 1
        elif piece == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif piece != "\r":
            assert not lines[row], "text is written over"
            lines[row] = piece
    return lines if lines[-1] else lines[:-1]


def test_faults_lists_every_fault_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert stm32emu("faults") == 0
    shown = capsys.readouterr().out
    assert GRAMMAR in shown
    for row in FAULTS:
        assert f"\n{row.usage}\n" in shown
        assert f"example: --fault {row.example}\n" in shown
    assert all(len(line) <= 100 for line in shown.splitlines()[2:])
