# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu serve` as a process: what it says, what it serves, how it ends."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stm32emu.netbridge.tls.twin.answers import TITLE
from stm32emu.netbridge.tls.twin.faults import FAULTS
from tls_samples import identity

SERVE = [sys.executable, "-m", "stm32emu", "serve"]


@pytest.fixture
def pem(tmp_path: Path) -> str:
    """Certificate and key in one file."""
    path = tmp_path / "both.pem"
    path.write_bytes(identity().pem)
    return str(path)


@contextmanager
def serving(*words: str) -> Iterator[int]:
    """Its port; at the end Ctrl-C, with the exit code that it has elsewhere."""
    with subprocess.Popen([*SERVE, *words], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline()
            found = re.fullmatch(r"test server, not for production; listening: 127\.0\.0\.1:(\d+)\n", line)
            assert found, line
            yield int(found[1])
            process.send_signal(signal.SIGINT)
            assert process.wait(120) == 130
        finally:
            process.kill()


def test_it_serves_until_it_is_interrupted(pem: str) -> None:
    with serving("--port", "0", "--cert", pem, "--key", pem) as port:
        done = subprocess.run(
            ["curl", "-sk", f"https://127.0.0.1:{port}/"], capture_output=True, text=True, timeout=120
        )
    assert done.stdout.startswith(TITLE)


def test_a_port_that_is_taken(pem: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run([*SERVE, "--port", port, "--cert", pem, "--key", pem], capture_output=True, text=True)
    assert done.returncode == 2
    assert f"port {port} cannot be had: Address already in use; choose another with --port" in done.stderr


def test_the_list_of_faults() -> None:
    done = subprocess.run([*SERVE, "--faults"], capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == [fault.usage for fault in FAULTS]
