# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad input from a user's shell: one sentence on stderr, exit code 2, nothing else."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from runs import IMAGES, PATIENCE
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


def _header(folder: Path, **changes: int) -> Path:
    """Bytes of the ELF header that `changes` names: EI_CLASS, EI_DATA, e_type, e_machine."""
    offsets = {"bits": 4, "order": 5, "type": 16, "machine": 18}
    data = bytearray(HELLO.read_bytes())
    for name, value in changes.items():
        data[offsets[name]] = value
    path = folder / "header.elf"
    path.write_bytes(data)
    return path


def _big_endian(folder: Path) -> Path:
    return _compiled(folder, "-mbig-endian", "-nostdlib", "-Ttext=0x08000000", "-Wl,--entry=0x08000000")


def _object(folder: Path) -> Path:
    return _compiled(folder, "-c")


def _compiled(folder: Path, *flags: str) -> Path:
    source, result = folder / "source.s", folder / "compiled.elf"
    source.write_text(".word 0x20020000, 0x08000009\n")
    subprocess.run(["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", *flags, source, "-o", result], check=True)
    return result


FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "not an ELF": (_text, "is not an ELF file"),
    "x86": (_x86, "is built for 64-bit x86"),
    "64-bit ARM": (lambda folder: _header(folder, bits=2, machine=183), "is built for 64-bit ARM"),
    "big-endian": (_big_endian, "is a big-endian ARM ELF"),
    "object file": (_object, "is a relocatable object (.o)"),
    "empty": (lambda folder: Path("/dev/null"), "is not an ELF file (it is empty)"),
    "truncated": (_truncated, "is truncated"),
    "outside the memory": (_elsewhere, "0x90000000"),
    "no vector table": (_no_table, "vector table"),
    "missing": (lambda folder: folder / "nowhere.elf", "there is no such file"),
    "directory": (lambda folder: folder, "is a directory"),
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


# Reads a file as a user who may not: root may read everything, so it becomes somebody else first.
UNREADABLE = """
import os, sys
import stm32emu.session
from stm32emu.cli import main, play
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
main.main()
"""


def test_unreadable_file() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = Path(folder) / "secret.elf"
        path.write_bytes(HELLO.read_bytes())
        path.chmod(0)
        command = [sys.executable, "-c", UNREADABLE, "run", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    sentence = f"stm32emu: {path}: cannot be read (permission denied); check its permissions\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--chip", "stm32f999"], "there is no chip"),
        (["--port", "0"], "out of range"),
        (["--port", "65536"], "out of range"),
        (["--port", "80:0"], "out of range"),
        (["--port", "-1"], "out of range"),
        (["--port", "x"], "not understood"),
        (["--duration", "soon"], "not a duration"),
        (["--phy", "nosuch"], "nosuch"),
        (["--pcap", "/dev/full"], "--pcap: /dev/full cannot be written (no space left on device)"),
        (["--record", "/dev/null/x"], "--record: /dev/null/x cannot be written (not a directory)"),
    ],
)
def test_option(words: list[str], sentence: str) -> None:
    assert sentence in refused(str(HELLO), *words)


def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"TCP port {port} on 127.0.0.1 is in use" in refused(str(HELLO), "--port", str(port))


def command_line(*words: str, redirect: str) -> tuple[int, str]:
    """Exit code, and what of the outputs is left, of a command under a shell's redirections."""
    shell = f'"$0" -m stm32emu "$@" {redirect}'
    done = subprocess.run(["sh", "-c", shell, sys.executable, *words], capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout + done.stderr


def test_stdout_on_a_full_disk() -> None:
    sentence = "stm32emu: the output cannot be written (No space left on device)\n"
    assert command_line("chips", redirect=">/dev/full") == (2, sentence)


@pytest.mark.parametrize("redirect", ["2>/dev/full", "2>&-", ">&- 2>&- <&-"])
def test_a_sentence_that_nobody_can_read(redirect: str) -> None:
    assert command_line("explain", "nowhere.pcap", redirect=redirect) == (2, "")


def test_closed_stdout_does_not_lead_into_a_file(tmp_path: Path) -> None:
    """A file that a run opens must not get stdout's number, and with it the console."""
    summary = tmp_path / "run.json"
    words = ["run", str(HELLO), "--duration", "10ms", "--pace", "max", "--json", str(summary)]
    assert command_line(*words, redirect=">&-")[0] == 0
    assert json.loads(summary.read_bytes())["exit_code"] == 0


def test_a_file_without_end() -> None:
    assert "/dev/zero: cannot be read (file too large)" in refused("/dev/zero")


def explained(*words: str) -> str:
    """The one sentence of `stm32emu explain`, or of another command."""
    done = subprocess.run([sys.executable, "-m", "stm32emu", *words], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_captures_and_key_logs_without_anything(tmp_path: Path) -> None:
    capture, log = tmp_path / "cut.pcap", tmp_path / "keys.txt"
    capture.write_bytes(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    log.touch()
    assert "there is no whole packet in it" in explained("explain", str(capture))
    assert "there is no CLIENT_RANDOM line in it" in explained("explain", str(capture), "--keylog", str(log))
    assert "'foo' is not a symptom" in explained("atlas", "--openssl", "foo")
    assert "leave out --cert and --key, or --elf" in explained("serve", "--elf", str(HELLO), "--cert", str(log))
