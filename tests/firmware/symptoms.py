# SPDX-License-Identifier: GPL-2.0-or-later
"""What a handshake looks like from outside: the words in which images/manifest.toml states each variant's symptoms."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

from runs import IMAGES, PATIENCE, Run

HOST = IMAGES / "host"
CERTS = HOST / "certs"
GOOD_DATE = "2021-06-01"  # the test server's certificate ran from 2013 to 2023
IN_2021 = ("faketime", GOOD_DATE)
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
MOST_PER_CONNECTION = 13
"""Virtual seconds: a handshake takes about 3 with openssl, 6 with ssl_client2 and its certificates."""
PAGE = "STM32F407 with mbed TLS and lwIP"


def openssl_command(port: int, options: Sequence[str] = ()) -> list[str]:
    """`openssl s_client` that shows its messages and reads until the server closes."""
    where = ["-connect", f"127.0.0.1:{port}", "-CAfile", str(CERTS / "ca.crt")]
    return ["openssl", "s_client", "-msg", "-ign_eof", *where, *options]


def ssl_client2_command(port: int, options: Sequence[str] = ()) -> list[str]:
    """mbedTLS's client as in the report, with the host name that the certificate has."""
    files = [f"ca_file={CERTS}/ca.crt", f"key_file={CERTS}/client.key", f"crt_file={CERTS}/client.crt"]
    where = ["server_addr=127.0.0.1", f"server_port={port}", "server_name=localhost"]
    return [str(HOST / "ssl_client2"), *files, *where, "debug_level=3", *options]


def lifetime(connections: int) -> str:
    """The --duration of a run that is to serve so many connections; who is busy at its end hangs."""
    return f"{MOST_PER_CONNECTION * (connections + 1)}s"


COMMANDS = {"openssl": openssl_command, "ssl_client2": ssl_client2_command}


def openssl_symptom(text: str) -> str:
    """From the output of `openssl s_client -msg`."""
    if PAGE in text:
        return "page"
    if "unexpected eof" in text or "errno=" in text:
        return "EOF"
    sent = re.search(r">>> TLS [\d.]+, Alert .*fatal .*\n\s+02 (\w\w)", text)
    received = re.search(r"<<< TLS [\d.]+, Alert .*fatal .*\n\s+02 (\w\w)", text)
    return f"{int(sent[1], 16)} sent" if sent else f"{int(received[1], 16)} received" if received else text[-2000:]


def ssl_client2_symptom(text: str) -> str:
    """From the output of mbedTLS's ssl_client2 with debug_level=3."""
    if PAGE in text:
        return "page"
    sent = re.search(r"send alert level=2 message=(\d+)", text)
    code = re.search(r"! mbedtls_\w+ returned (-0x\w+)", text)
    return ", ".join([*([f"{sent[1]} sent"] if sent else []), code[1] if code else text[-2000:]])


READERS = {"openssl": openssl_symptom, "ssl_client2": ssl_client2_symptom}


def observe(run: Run, client: str, options: Sequence[str] = (), *, date: str = GOOD_DATE) -> tuple[str, str]:
    """Connect once with "openssl" or "ssl_client2" on that date: its symptom, and the server's error, "" for none."""
    before = len(run.console)
    command = ["faketime", date, *COMMANDS[client](run.port(), options)]
    done = subprocess.run(command, input=REQUEST, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
    text = done.stdout.decode(errors="replace")
    server = _server_error(run, before, text)
    return ("hangs" if server == "hangs" else READERS[client](text)), server


def _server_error(run: Run, before: int, client: str) -> str:
    """The first error after `before` on the console, "" for a handshake that succeeded; or how the run ended."""
    try:
        line = run.wait_for(r"tls: \S.*: (-0x\w{4})|tls: TLSv1.2", of=lambda: run.console[before:])
    except AssertionError as silent:
        silent.add_note(f"the client said:\n{client}")
        if run.process.poll() is None and not run.limited:
            raise
        return {0: "hangs", 5: "hangs", 1: "faults"}[run.process.wait(PATIENCE)]
    return line[1] or ""
