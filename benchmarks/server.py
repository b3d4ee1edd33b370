# SPDX-License-Identifier: GPL-2.0-or-later
"""A firmware that serves TCP: how soon it listens, what it costs idle, what a handshake takes, what goes through."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

from benchmarks.machines import cpu_seconds, qemu, resident_bytes
from benchmarks.measure import IMAGES, Row, alone, medians
from runs import Run, free_port, running

TLS = IMAGES / "tls_server.elf"
IDLE_SECONDS = 4.0
ECHOED = 4_000_000
CHUNK = 65536


@contextmanager
def serving(elf: str, guest_port: int, *words: str) -> Iterator[tuple[Run, int]]:
    """A run that listens, and its host port."""
    with running(str(IMAGES / elf), "--port", f"{free_port()}:{guest_port}", *words) as run:
        yield run, run.port()


def tls_page(port: int, connected: Callable[[], None] = lambda: None) -> None:
    """A full handshake, after which `connected` is called, and the page."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port)) as raw, context.wrap_socket(raw) as tls:
        connected()
        tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
        while tls.recv(4096):
            pass


def start() -> Iterator[Row]:
    """From the command to `listening`."""

    def seconds() -> float:
        before = time.perf_counter()
        with serving("tls_server.elf", 4433):
            return time.perf_counter() - before

    seconds()
    yield alone("start", medians({"start": seconds})["start"], "s")


def idle() -> Iterator[Row]:
    """CPU of an idle, listening firmware: one that waits in WFI."""
    with serving("tls_server.elf", 4433) as (run, _):

        def percent() -> float:
            before = cpu_seconds(run.process.pid)
            time.sleep(IDLE_SECONDS)
            return 100 * (cpu_seconds(run.process.pid) - before) / IDLE_SECONDS

        percent()
        yield alone("idle", medians({"idle": percent})["idle"], "% of a core")


def handshake() -> Iterator[Row]:
    """A full TLS handshake, from connect to the client's last Finished, and the CPU that the emulator spends on it."""
    with serving("tls_server.elf", 4433) as (run, port):
        took: list[float] = []
        spent: list[float] = []

        def seconds() -> float:
            before, cpu = time.perf_counter(), cpu_seconds(run.process.pid)

            def connected() -> None:
                took.append(time.perf_counter() - before)
                spent.append(cpu_seconds(run.process.pid) - cpu)

            tls_page(port, connected)
            return took[-1]

        seconds()
        wall = medians({"handshake": seconds})["handshake"]
        yield alone("handshake", wall, "s")
        yield alone("handshake-cpu", median(spent), "s of CPU")


def bridge() -> Iterator[Row]:
    """Bytes through the bridge and lwIP and back again: as many each way at the same time. And by CPU time, as if the
    emulator had a core of its own."""
    with serving("echo.elf", 7) as (run, port):
        spent: list[float] = []

        def rate() -> float:
            before, cpu = time.perf_counter(), cpu_seconds(run.process.pid)
            with socket.create_connection(("127.0.0.1", port)) as peer:
                sender = threading.Thread(target=peer.sendall, args=(bytes(ECHOED),))
                sender.start()
                received = 0
                while received < ECHOED:
                    received += len(peer.recv(CHUNK))
                sender.join()
            spent.append(cpu_seconds(run.process.pid) - cpu)
            return ECHOED / 1e6 / (time.perf_counter() - before)

        yield alone("bridge", medians({"bridge": rate})["bridge"], "MB/s each way")
        yield alone("bridge-cpu", ECHOED / 1e6 / median(spent), "MB per s of CPU")


def memory() -> Iterator[Row]:
    """Resident memory of the TLS server here, listening, and on QEMU."""

    def ours() -> float:
        with serving("tls_server.elf", 4433) as (run, _):
            return resident_bytes(run.process.pid)

    def theirs() -> float:
        with qemu(TLS) as process:
            assert process.stdout is not None
            process.stdout.readline()
            return resident_bytes(process.pid)

    bytes_ = medians({"ours": ours, "qemu": theirs})
    mine, peer = bytes_["ours"] / 1e6, bytes_["qemu"] / 1e6
    yield Row("memory", mine, peer, mine / peer, "MB")
