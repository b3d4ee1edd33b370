# SPDX-License-Identifier: GPL-2.0-or-later
"""A recorded run is the same run again: state, console and traffic, on every supported Unicorn, however it ended."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.utils import rdpcap

from runs import IMAGES, PATIENCE, ROOT, Run, free_port, running
from test_console import CRASHING, UNMODELLED, stm32emu
from test_resets import PROGRAM as RESETTING
from test_resets import WATCHDOG
from test_tls_clients import page, s_client

SERVER = IMAGES / "tls_server.elf"
GUEST = "192.168.0.254"
CLIENT_HELLO = "1603010"  # handshake, TLS 1.0 as clients still write in their first record, a length below 4096
APPLICATION_DATA = b"\x17\x03\x03"  # content type and version of a TLS 1.2 record (RFC 5246 section 6.2.1)

# Arguments: a folder to import Unicorn from or "", whether to install a code hook, the words of a replay.
PROGRAM = """
import sys
sys.path[:0] = [sys.argv[1]] * bool(sys.argv[1])
from stm32emu import replay
from stm32emu.cli.main import main

class Hooked(replay.Replay):
    def run(self):
        self.machine.cpu.code_hook()
        return super().run()

if sys.argv[2] == "hook":
    replay.Replay = Hooked
main(["replay", *sys.argv[3:]])
"""
DEEP_CHECKS = "heap=exact,uninit"
VARIANTS = {
    "once": ("", "plain"),
    "again": ("", "plain"),
    "code hook": ("", "hook"),
    "Unicorn 2.1.4": (str(ROOT / "build" / "unicorn-2.1.4"), "plain"),
    "Unicorn 2.1.4, code hook": (str(ROOT / "build" / "unicorn-2.1.4"), "hook"),
}


@dataclass(frozen=True)
class Recorded:
    """What a run left."""

    recording: Path
    capture: Path
    console: bytes

    @property
    def end(self) -> dict[str, str | int]:
        """The recording's last line."""
        return dict(json.loads(self.recording.read_text().splitlines()[-1]))


def replay(*words: object, variant: str = "once") -> tuple[int, bytes, str]:
    """Exit code, console and log of a replay."""
    command = [sys.executable, "-c", PROGRAM, *VARIANTS[variant], *map(str, words)]
    done = subprocess.run(command, capture_output=True, timeout=4 * PATIENCE)  # deep checks are slow
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.fixture(scope="module")
def handshake(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A run in which openssl made a handshake and got the page."""
    folder = tmp_path_factory.mktemp("recorded")
    recording, capture = folder / "run.rec", folder / "run.pcapng"
    files = ("--record", str(recording), "--pcap", str(capture))
    with running(str(SERVER), "--port", f"{free_port()}:4433", *files) as run:
        page(s_client(run.port()))
    return Recorded(recording, capture, run.console.encode())


def test_the_recording_has_the_handshake_and_the_page(handshake: Recorded) -> None:
    assert b"tls: TLSv1.2, TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384" in handshake.console
    payloads = [
        bytes(packet[TCP].payload)
        for packet in rdpcap(str(handshake.capture))
        if TCP in packet and packet[IP].src == GUEST
    ]
    assert any(payload.startswith(APPLICATION_DATA) and len(payload) > 139 for payload in payloads)


@pytest.fixture(scope="module")
def executed(handshake: Recorded) -> str:
    """Which code ran, as a replay writes it."""
    file = handshake.recording.with_suffix(".json")
    replay(handshake.recording, "--coverage", file)
    return file.read_text()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_replay_is_the_same_run(handshake: Recorded, executed: str, variant: str, tmp_path: Path) -> None:
    capture, coverage = tmp_path / "replay.pcapng", tmp_path / "replay.json"
    code, console, log = replay(handshake.recording, "--pcap", capture, "--coverage", coverage, variant=variant)
    assert code == 0, log
    assert log.splitlines()[-1] == (
        f"replayed to cycle {handshake.end['cycle']}, state {handshake.end['state']}: the same as recorded"
    )
    assert console == handshake.console
    assert capture.read_bytes() == handshake.capture.read_bytes()
    assert coverage.read_text() == executed


def test_observers_change_nothing(handshake: Recorded) -> None:
    code, console, log = replay(handshake.recording, "--check", "alloc,heap", "--no-idle-skip", "--log-level", "debug")
    assert (code, console) == (0, handshake.console)
    assert "the same as recorded" in log
    assert "from guest: 60 bytes, type 0x0806" in log


@pytest.mark.parametrize("variant", ["once", "Unicorn 2.1.4"])
def test_deep_checks_change_nothing(handshake: Recorded, variant: str, tmp_path: Path) -> None:
    """Nor do they find anything."""
    capture = tmp_path / "replay.pcapng"
    words = ("--check", DEEP_CHECKS, "--no-explain", "--pcap", capture)
    code, console, log = replay(handshake.recording, *words, variant=variant)
    assert (code, console) == (0, handshake.console), log
    assert re.fullmatch(r".*\nheap: \d+ bytes were allocated at most, \d+ at the end\n.*: the same as recorded\n", log)
    assert capture.read_bytes() == handshake.capture.read_bytes()


def test_another_state_has_its_own_exit_code(handshake: Recorded, tmp_path: Path) -> None:
    """Here the ClientHello is missing."""
    lines = handshake.recording.read_text().splitlines(keepends=True)
    other = tmp_path / "other.rec"
    other.write_text("".join(line for line in lines if CLIENT_HELLO not in line))
    code, _console, log = replay(other)
    assert code == 4
    assert f"recorded an end at cycle {handshake.end['cycle']} in state {handshake.end['state']}" in log


def test_the_recording_of_a_killed_run(tmp_path: Path) -> None:
    """Everything up to its last complete line."""
    recording = tmp_path / "killed.rec"
    run = Run(str(SERVER), "--port", f"{free_port()}:4433", "--record", str(recording))
    run.port()
    run.process.kill()
    run.end()
    recording.write_bytes(recording.read_bytes() + b'{"cycle": 12')
    code, console, log = replay(recording)
    assert code == 0, log
    assert "the recording was cut off" in log
    assert b"link up" in console


def record(elf: Path, *words: str) -> tuple[int, Recorded]:
    """A run to its end: exit code, and what it left."""
    recording, capture = elf.with_suffix(".rec"), elf.with_suffix(".pcapng")
    files = ("--record", str(recording), "--pcap", str(capture))
    code, console, _log = stm32emu(str(elf), *files, *words)
    return code, Recorded(recording, capture, console)


LOCKUP = CRASHING.replace("HardFault_Handler:\n    b .", "HardFault_Handler:\n    udf #0")
ENDS = {
    "watchdog resets": (RESETTING.format(reset=WATCHDOG), ["--duration", "2s"], 0),
    "a handler that loops": (CRASHING, [], 1),
    "lockup": (LOCKUP, [], 1),
    "an access that --strict refuses": (UNMODELLED, ["--strict"], 1),
    "a text that does not come": (CRASHING, ["--until", "never", "--duration", "5ms", "--on-fault", "continue"], 3),
}


@pytest.mark.parametrize("case", ENDS)
def test_every_end_is_replayed(case: str, compile_firmware: Callable[..., Path]) -> None:
    program, words, expected = ENDS[case]
    elf = compile_firmware(f"recorded_{list(ENDS).index(case)}", program, suffix=".s")
    code, recorded = record(elf, *words)
    assert (code, recorded.end["exit_code"]) == (expected, expected)
    code, _console, log = replay(recorded.recording)
    assert (code, log.splitlines()[-1].split(": ")[-1]) == (0, "the same as recorded"), log


def test_a_console_text_that_ends_the_run() -> None:
    code, recorded = record(IMAGES / "uart_hello.elf", "--until", "hello")
    assert (code, recorded.console) == (0, b"hello")
    assert replay(recorded.recording)[:2] == (0, b"hello")


def test_what_was_typed_is_typed_again() -> None:
    code, recorded = record(IMAGES / "uart_hello.elf", "--type", "20ms:echo", "--duration", "50ms")
    assert (code, recorded.console[-4:]) == (0, b"echo")
    assert replay(recorded.recording)[:2] == (0, recorded.console)


def test_the_firmware_must_be_the_one_that_ran(tmp_path: Path) -> None:
    recording = tmp_path / "run.rec"
    stm32emu(str(IMAGES / "uart_hello.elf"), "--until", "hello", "--record", str(recording))
    for words, sentence in [
        ([recording, IMAGES / "echo.elf"], f"{recording}: was recorded with another firmware than"),
        (
            [recording, tmp_path / "none.elf"],
            "there is no such file; check the path, or name the ELF after the recording",
        ),
        ([IMAGES / "echo.elf"], "is not a recording of stm32emu"),
        ([tmp_path / "none.rec"], "there is no such file"),
        ([recording, "--pcap", tmp_path], "--pcap: "),
        ([recording, "--log-level", "loud"], "stm32emu: --log-level: 'loud' is not one of"),
        ([recording, "--port", "4433"], "no such option '--port'"),
    ]:
        code, console, log = replay(*words)
        assert (code, console) == (2, b"")
        assert sentence in log.splitlines()[-1]
        assert "Traceback" not in log


@pytest.mark.parametrize("options", [{"pcap": "/nowhere"}, {"strict": "yes"}, {"seed": True}, {"seed": "x"}])
def test_a_recording_sets_no_option_that_is_not_its_own(options: dict[str, str | bool], tmp_path: Path) -> None:
    recording = tmp_path / "run.rec"
    stm32emu(str(IMAGES / "uart_hello.elf"), "--until", "hello", "--record", str(recording))
    header, *rest = recording.read_text().splitlines(keepends=True)
    recording.write_text(json.dumps({**json.loads(header), "options": options}) + "\n" + "".join(rest))
    code, _console, log = replay(recording)
    assert code == 2
    assert log.startswith(f"stm32emu: {recording}: ")


def test_a_replay_can_be_interrupted(tmp_path: Path) -> None:
    recording = tmp_path / "long.rec"
    stm32emu(str(IMAGES / "uart_hello.elf"), "--until", "hello", "--record", str(recording))
    header, end = recording.read_text().splitlines(keepends=True)
    recording.write_text(header + json.dumps({**json.loads(end), "cycle": 1 << 61}) + "\n")
    command = [sys.executable, "-m", "stm32emu", "replay", str(recording)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(5)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
