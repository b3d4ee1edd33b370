# SPDX-License-Identifier: GPL-2.0-or-later
"""A run whose host port is captured by tshark, as a user captures a board's traffic.

Capturing needs CAP_NET_RAW. Users who lack it run this file as a script in a network namespace of their own, in which
they have it (user_namespaces(7)); nothing of the machine has to be set up for that.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # what all tests share, for the script

from runs import IMAGES, PATIENCE, free_port, running
from symptoms import COMMANDS, IN_2021
from test_tls_clients import client

OF_THE_RUN, OF_THE_HOST, LOG = "run.pcapng", "host.pcapng", "run.log"
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # netdevice(7)
IFREQ = "16sh22x"


def capture(image: str, clients: tuple[str, ...], folder: Path) -> None:
    """Run an image for these clients, one after the other: into `folder` go the capture that the run writes, the one of
    tshark on the host port, and the run's log."""
    alone = [] if may_capture() else ["unshare", "--map-root-user", "--net"]
    subprocess.run([*alone, sys.executable, __file__, image, str(folder), *clients], check=True, timeout=5 * PATIENCE)


def may_capture() -> bool:
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    except PermissionError:
        return False
    return True


def main(image: str, folder: Path, clients: list[str]) -> None:
    port = free_port()
    words = ("--port", f"{port}:4433", "--pcap", str(folder / OF_THE_RUN))
    with running(str(IMAGES / f"{image}.elf"), *words) as run:
        run.port()
        with tshark(port, folder / OF_THE_HOST):
            for name in clients:
                client(*IN_2021, *COMMANDS[name](port))
            run.wait_for(rf"\nconn {len(clients)}  .*\n.*\n  verdict:", of=lambda: run.log)
    (folder / LOG).write_text(run.log)


def loopback_up() -> None:
    """In a new namespace it is down."""
    with socket.socket() as any_socket:
        name, flags = struct.unpack(IFREQ, fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack(IFREQ, b"lo", 0)))
        if not flags & IFF_UP:
            fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack(IFREQ, name, flags | IFF_UP))


@contextmanager
def tshark(port: int, path: Path) -> Iterator[None]:
    """Captures everything of a port of the loopback interface, from the first to the last packet within."""
    command = ["tshark", "-q", "-i", "lo", "-f", f"port {port}", "-w", str(path)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_until_captured(port, b"the first packet", path)
        yield
        wait_until_captured(port, b"the last packet", path)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def wait_until_captured(port: int, mark: bytes, path: Path) -> None:
    """Send datagrams with a mark until it is in the capture: then it has begun, and has what was sent before."""
    end = time.monotonic() + PATIENCE
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        while time.monotonic() < end:
            sender.sendto(mark, ("127.0.0.1", port))
            time.sleep(0.05)
            if path.exists() and mark in path.read_bytes():
                return
    raise AssertionError(f"tshark has not captured {mark!r}")


if __name__ == "__main__":
    if not may_capture():
        raise SystemExit("capturing on the loopback interface is not permitted")
    loopback_up()
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
