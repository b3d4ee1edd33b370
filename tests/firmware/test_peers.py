# SPDX-License-Identifier: GPL-2.0-or-later
"""Host peers that come too early, go away, are too many, or are left: lwIP and the host's own stack agree on each."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from runs import IMAGES, PATIENCE, Run, free_port, running

PLACES = 8  # connections that the echo firmware has room for
RESET_ON_CLOSE = struct.pack("ii", 1, 0)

# Connects, gets an echo, sends more than it reads, and waits to be killed.
CLIENT = """
import socket, sys
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sock.sendall(b"hello")
sock.recv(5)
sock.sendall(b"unread" * 1000)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def echo() -> Iterator[Run]:
    with running(str(IMAGES / "echo.elf"), "--port", f"{free_port()}:7") as run:
        run.port()
        yield run


def connect(port: int) -> socket.socket:
    """A connection that has had an echo."""
    sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
    sock.sendall(b"hello")
    assert sock.recv(5, socket.MSG_WAITALL) == b"hello"
    return sock


def reset(port: int) -> None:
    sock = connect(port)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    sock.close()


def finish(port: int) -> None:
    sock = connect(port)
    sock.shutdown(socket.SHUT_WR)
    assert sock.recv(1) == b""
    sock.close()


def kill(port: int) -> None:
    command = [sys.executable, "-c", CLIENT, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        client.kill()


def is_gone(sock: socket.socket) -> bool:
    """Whether the other end has reset the connection."""
    with suppress(TimeoutError):
        try:
            return sock.recv(1) != b"" and is_gone(sock)
        except ConnectionResetError:
            return True
    return False


def test_an_early_peer_waits_and_then_works() -> None:
    port = free_port()
    with running(str(IMAGES / "echo.elf"), "--port", f"{port}:7") as run:
        run.wait_for("echo.elf: ", of=lambda: run.log)  # the port is open, the guest has not started
        assert "listening" not in run.log
        connect(port).close()


@pytest.mark.parametrize("leave", [reset, finish, kill])
def test_a_peer_that_leaves_makes_room_for_the_next(echo: Run, leave: Callable[[int], None]) -> None:
    for _ in range(PLACES + 1):
        leave(echo.port())
    connect(echo.port()).close()


def test_a_peer_that_goes_away_is_logged(echo: Run) -> None:
    before = len(echo.log)
    reset(echo.port())
    echo.wait_for(r"reset: 127.0.0.1:\d+ went away, .* port 7 is reset", of=lambda: echo.log[before:])


def test_a_peer_that_the_guest_resets_is_reset(echo: Run) -> None:
    """It has no room for one more."""
    before = len(echo.log)
    served = [connect(echo.port()) for _ in range(PLACES)]
    with socket.create_connection(("127.0.0.1", echo.port()), PATIENCE) as one_more:
        assert is_gone(one_more)
    echo.wait_for(r"127.0.0.1:\d+ .*port 7 \(", of=lambda: echo.log[before:])
    for sock in served:
        sock.close()


def test_the_end_of_the_run_resets_its_peers() -> None:
    with running(str(IMAGES / "echo.elf"), "--port", f"{free_port()}:7") as run:
        sock = connect(run.port())
        run.end()
        assert is_gone(sock)
        sock.close()


def test_a_port_that_never_listens_is_named_at_the_end() -> None:
    ports = [free_port(), free_port()]
    with running(str(IMAGES / "echo.elf"), "--port", f"{ports[0]}:7", "--port", f"{ports[1]}:81") as run:
        run.port()
    assert f"never listening: the firmware did not answer on port 81 ({ports[1]}:81)" in run.log
    assert "port 7 (" not in run.log
