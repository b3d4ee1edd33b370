# SPDX-License-Identifier: GPL-2.0-or-later
"""Idle time and host peers: what is slow on the wall clock is slow to the firmware, unless it is told not to wait."""

from __future__ import annotations

import socket
import ssl
import time

import pytest

from runs import IMAGES, PATIENCE, free_port, running
from stm32emu.netbridge.forward import parse_forward
from stm32emu.options import RunOptions
from stm32emu.session import LISTEN_PATIENCE_NS, Session
from stm32emu.timebase import NANO
from symptoms import PAGE, REQUEST
from tls_exchange import read_all
from tls_samples import client_context

HESITATION = 3.0  # seconds; the server waits 10 s for a peer (TLS_TIMEOUT_MS) before it gives up


def slow_client(port: int) -> bytes:
    """Connect, hesitate, shake hands, hesitate again, ask: what the server sends."""
    context = client_context(ssl.TLSVersion.MAXIMUM_SUPPORTED)
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as raw:
        time.sleep(HESITATION)
        with context.wrap_socket(raw) as tls:
            time.sleep(HESITATION)
            tls.sendall(REQUEST)
            return read_all(tls)


@pytest.mark.parametrize("image", ["tls_server.elf", "tls_superloop.elf"])
def test_a_slow_peer_trips_no_timer_in_real_pace(image: str) -> None:
    with running(str(IMAGES / image), "--port", f"{free_port()}:4433", "--pace", "real") as run:
        assert PAGE.encode() in slow_client(run.port())


def test_a_slow_peer_is_too_slow_for_a_firmware_that_does_not_wait() -> None:
    with running(str(IMAGES / "tls_server.elf"), "--port", f"{free_port()}:4433", "--pace", "max") as run:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            slow_client(run.port())
        run.wait_for(r"tls: handshake: -0x6800 in state 1", of=lambda: run.console)  # MBEDTLS_ERR_SSL_TIMEOUT


def test_a_busy_idle_loop_is_waited_for_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A firmware that polls its UART for ever and never listens: flat out for 30 s, then by the wall clock."""
    ports = (parse_forward(f"{free_port()}:7"),)
    options = RunOptions(IMAGES / "uart_hello.elf", ports=ports, duration=LISTEN_PATIENCE_NS / NANO + 0.2)
    session = Session(options, console=lambda data: None, log=lambda line: None)
    skip, waited = session.machine.skip_idle, []

    def skip_idle(until: int) -> None:
        waited.append(session.machine.time.now_ns)
        skip(until)

    monkeypatch.setattr(session.machine, "skip_idle", skip_idle)
    assert session.run().exit_code == 0
    assert min(waited) > LISTEN_PATIENCE_NS
    assert len(waited) >= 20, "a step is at most 10 ms"
