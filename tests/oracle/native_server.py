# SPDX-License-Identifier: GPL-2.0-or-later
"""mbedTLS's own server, ssl_server2, by its own config.h: what a twin must be like."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tls_exchange import PATIENCE

HOST = Path(__file__).resolve().parents[2] / "images" / "build" / "host"
SERVER, CERTS = HOST / "ssl_server2", HOST / "certs"


@contextmanager
def ssl_server2(folder: Path, *words: str, clock: str = "") -> Iterator[int]:
    """With more words; its port, as soon as it listens. `folder` takes its log; `clock` is a date for faketime."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    files = [f"crt_file={CERTS}/server5.crt", f"key_file={CERTS}/server5.key"]
    at = ("faketime", clock) if clock else ()
    command = [*at, str(SERVER), "server_addr=127.0.0.1", f"server_port={port}", *files, *words]
    log = folder / "log"
    with log.open("wb") as output, subprocess.Popen(command, stdout=output) as it:
        try:
            end = time.monotonic() + PATIENCE
            while "Waiting for a remote connection" not in log.read_text():
                assert it.poll() is None, log.read_text()
                assert time.monotonic() < end
                time.sleep(0.05)
            yield port
        finally:
            for process in (children(it.pid) or [it.pid]) if it.poll() is None else ():
                os.kill(process, signal.SIGKILL)  # faketime ends, and tidies up, once its child has


def children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
