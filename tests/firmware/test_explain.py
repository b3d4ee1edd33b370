# SPDX-License-Identifier: GPL-2.0-or-later
"""A run explains its TLS connections: nothing is wrong with the healthy server, and a replay says the same."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runs import IMAGES, PATIENCE, Run, free_port, running
from symptoms import COMMANDS, IN_2021, REQUEST
from test_replay import replay
from test_tls_clients import client, page, s_client
from tls_exchange import connect, read_all

ROUNDS = int(os.environ.get("STM32EMU_ROUNDS", "1"))
"""Of all five clients."""
SERVER = str(IMAGES / "tls_server.elf")


def openssl(port: int) -> str:
    return s_client(port)


def ssl_client2(port: int) -> str:
    return client(*IN_2021, *COMMANDS["ssl_client2"](port))


def curl(port: int) -> str:
    return client("curl", "--silent", "--show-error", "--insecure", f"https://127.0.0.1:{port}/")


def gnutls(port: int) -> str:
    return client("gnutls-cli", "--insecure", "--no-ca-verification", "-p", str(port), "127.0.0.1")


def python(port: int) -> str:
    with connect(port, ssl.TLSVersion.MAXIMUM_SUPPORTED) as tls:
        tls.sendall(REQUEST)
        return read_all(tls).decode()


CLIENTS: dict[Callable[[int], str], str] = {
    openssl: "openssl",
    ssl_client2: "mbedtls",
    curl: "openssl",
    gnutls: "gnutls",
    python: "openssl",
}


def explanations(log: str) -> list[str]:
    """Those of a run's log, each from its first line to the next that is not indented."""
    return re.findall(r"^conn \d+  .*(?:\n  .*)+", log, re.MULTILINE)


def test_nothing_is_wrong_with_a_healthy_server(tmp_path: Path) -> None:
    """Whatever client comes."""
    summary = tmp_path / "run.json"
    with running(SERVER, "--port", f"{free_port()}:4433", "--json", str(summary)) as run:
        for _ in range(ROUNDS):
            for ask in CLIENTS:
                page(ask(run.port()))
    said = explanations(run.log)
    assert [text.split()[2] for text in said] == list(CLIENTS.values()) * ROUNDS
    assert all("\n  verdict: nothing wrong." in text for text in said), said
    tls = json.loads(summary.read_text())["tls"]
    assert tls["verdict"]["id"] == "nothing-wrong"
    assert {(each["point"], each["signature"]) for each in tls["connections"]} == {("good", "good")}


def test_a_replay_says_the_same(tmp_path: Path) -> None:
    """Line for line."""
    recording = tmp_path / "run.rec"
    with running(SERVER, "--port", f"{free_port()}:4433", "--record", str(recording)) as run:
        page(openssl(run.port()))
        page(gnutls(run.port()))
    said = explanations(run.log)
    assert len(said) == 2
    code, _console, log = replay(recording)
    assert code == 0, log
    assert explanations(log) == said


def test_with_a_key_log_finished_is_verified(tmp_path: Path) -> None:
    """In the run, and in its capture, which has the log in it."""
    log, capture = tmp_path / "keys", tmp_path / "run.pcapng"
    with running(SERVER, "--port", f"{free_port()}:4433", "--keylog", str(log), "--pcap", str(capture)) as run:
        page(s_client(run.port()))
    assert "both Finished are right on connection 1" in run.log
    command = [sys.executable, "-m", "stm32emu", "explain", str(capture)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert "both Finished are right on connection 1" in done.stdout


def test_no_explain() -> None:
    with running(SERVER, "--port", f"{free_port()}:4433", "--no-explain") as run:
        page(s_client(run.port()))
    assert explanations(run.log) == []


def test_dtls_over_a_forwarded_port() -> None:
    """Of a server that sends back what it gets, which no client likes."""
    with running(str(IMAGES / "echo.elf"), "--port", f"{free_port()}:7/udp") as run:
        client("openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{run.port()}")
        run.wait_for("verdict: the client ends the handshake with alert 10 unexpected_message", of=lambda: run.log)
    (said,) = explanations(run.log)
    assert said.startswith(
        "conn 1  openssl\n  ClientHello -> ClientHello -> alert 10 unexpected_message (from the client)"
    )


def test_the_pair_of_clients_of_the_report(tmp_path: Path) -> None:
    """The verdict's own words, and the finding of `--check alloc` as part of its proof."""
    summary = tmp_path / "run.json"
    words = ("--port", f"{free_port()}:4433", "--check", "alloc", "--json", str(summary))
    with running(str(IMAGES / "tls_server-calloc-fresh.elf"), *words) as run:
        for name in ("openssl", "ssl_client2"):
            client(*IN_2021, *COMMANDS[name](run.port()))
        run.wait_for(r"conn 2  [^$]*next:", of=lambda: run.log)
    verdict = json.loads(summary.read_text())["tls"]["verdict"]
    assert verdict["title"] == "the device's elliptic-curve arithmetic is corrupt."
    point, signature, *_, found = verdict["proof"]
    assert point == "the ECDHE point is not on secp384r1"
    assert signature.startswith(  # half of these signatures lead to no key at all, and say so behind
        "the signature over it verifies under no known key, and the key recovered from it differs on each connection"
    )
    assert found.startswith("--check alloc: mbedtls_calloc returned memory that was not zero")
    assert "mbedTLS checks the signature first and sends 51" in verdict["so"]
    assert run.log.count("  verdict: ") == 2


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.0\r\n\r\n"])
def test_what_is_no_tls(tls_server: Run, sent: bytes) -> None:
    before = len(tls_server.log)
    with socket.create_connection(("127.0.0.1", tls_server.port())) as peer:
        peer.sendall(sent)
        while peer.recv(100):
            pass
    found = tls_server.wait_for(r"verdict: the client does not speak TLS.*\n.*", of=lambda: tls_server.log[before:])
    assert "starts with 47 45 54" in found[0]
