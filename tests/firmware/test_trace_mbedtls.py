# SPDX-License-Identifier: GPL-2.0-or-later
"""`--trace mbedtls`: the codes that the report's device never printed, and the handshake's states, in a replay."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from runs import IMAGES, Run, free_port
from symptoms import lifetime, observe
from test_console import stm32emu
from test_replay import replay

STATES = [
    *("hello request", "client hello", "server hello", "server certificate", "server key exchange"),
    *("certificate request", "server hello done", "client certificate", "client key exchange", "certificate verify"),
    *("client change cipher spec", "client finished", "server change cipher spec", "server finished"),
    *("flush buffers", "handshake wrap-up", "handshake over"),
]
FIRST, LATER = STATES[:5], STATES[:8]
"""How far the device with a calloc that does not clear comes, with the first connection and with a later one."""


def connect(elf: Path, count: int, *words: str) -> Run:
    """A run that openssl has connected to so many times."""
    run = Run(str(elf), "--port", f"{free_port()}:4433", "--duration", lifetime(count), *words)
    try:
        for _ in range(count):
            observe(run, "openssl")
    finally:
        run.end()
    return run


def traced(recording: Path, *words: str, variant: str = "once") -> list[str]:
    """What the trace of a replay says, without the times; the replay must end in the recorded state."""
    code, _console, log = replay(recording, "--trace", "mbedtls", *words, variant=variant)
    assert code == 0, log
    return lines(log)


def lines(log: str) -> list[str]:
    return re.findall(r"^mbedtls: \d+\.\d{6} s, (.*)", log, re.MULTILINE)


def states(found: list[str]) -> list[str]:
    return [line.split(": handshake: ")[1] for line in found if ": handshake: " in line]


def test_the_device_of_the_report(tmp_path: Path) -> None:
    """-0x4c80 with the first connection, the client's alert with the second: one line each, the origin first."""
    recording = tmp_path / "run.rec"
    connect(IMAGES / "tls_server-calloc-dirty.elf", 2, "--record", str(recording))
    found = traced(recording)
    assert traced(recording, variant="Unicorn 2.1.4") == found
    assert states(found) == [*FIRST, *LATER]
    failures = [line for line in found if "->" in line]
    assert len(failures) == 2
    assert re.fullmatch(
        r'connection 1, task "tls": mbedtls_ecp_check_pubkey -> -0x4c80 ECP: invalid private or public key, '
        r"called from mbedtls_ecp_mul_restartable \(ecp\.c:\d+\) <- (mbedtls_\w+ <- )+mbedtls_ssl_handshake_step",
        failures[0],
    )
    assert "-> -0x7780 SSL: fatal alert from the peer, called from " in failures[1]
    assert failures[1].startswith('connection 2, task "tls": mbedtls_ssl_handle_message_type ')


def test_a_healthy_server_has_no_failure(tmp_path: Path) -> None:
    recording = tmp_path / "run.rec"
    connect(IMAGES / "tls_server.elf", 1, "--record", str(recording))
    found = traced(recording)
    assert [line for line in found if "->" in line] == []
    assert states(found) == STATES
    others = ("--check", "alloc,heap,stack", "--watchdog", "20s", "--keylog", str(tmp_path / "keys"))
    assert traced(recording, *others) == found


def test_a_code_that_changes_on_its_way(stripped: Callable[..., Path], tmp_path: Path) -> None:
    """P-521 with MPI_MAX_SIZE 48, from symbols alone: the secret is larger than its buffer."""
    elf = tmp_path / "tls_server-p521.elf"
    elf.write_bytes((IMAGES / "tls_server-p521.elf").read_bytes())
    run = connect(stripped(elf, "-g"), 1, "--trace", "mbedtls")
    failures = [line for line in lines(run.log) if "->" in line]
    assert len(failures) == 1
    assert failures[0].endswith(
        "mbedtls_ecdh_calc_secret -> -0x4f80 ECP: bad input data, called from mbedtls_ssl_handshake_server_step -> "
        "-0x7d00 SSL: ClientKeyExchange: the shared secret cannot be computed <- "
        "mbedtls_ssl_handshake_step"
    )


@pytest.mark.parametrize("options", [(), ("-g",)])
def test_without_names(options: tuple[str, ...], stripped: Callable[..., Path], tmp_path: Path) -> None:
    elf = tmp_path / "firmware.elf"
    elf.write_bytes((IMAGES / ("uart_hello.elf" if options else "tls_server.elf")).read_bytes())
    code, _console, log = stm32emu(str(stripped(elf, *options)), "--trace", "mbedtls")
    assert code == 2
    assert "has no functions of mbedTLS; an ELF that was stripped has no names at all" in log
