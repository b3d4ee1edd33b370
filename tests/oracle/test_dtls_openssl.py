# SPDX-License-Identifier: GPL-2.0-or-later
"""Hellos of DTLS 1.2 as OpenSSL's client and server write them to each other."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.cursor import Malformed
from stm32emu.netbridge.tls.handshake import Context, parse_dtls_handshake, parse_message
from stm32emu.netbridge.tls.messages import ClientHello, HelloVerifyRequest, Message, ServerHello
from stm32emu.netbridge.tls.records import parse_datagram
from tls_samples import identity

PATIENCE = 120
DTLS = Context(names.DTLS_1_2, dtls=True)


def messages(datagram: bytes) -> list[Message]:
    """Of the handshake, in the clear and whole; everything else must at least be records."""
    found = []
    for record in parse_datagram(datagram):
        assert not isinstance(record, Malformed), record
        assert record.version in (names.DTLS_1_0, names.DTLS_1_2)
        if record.type == names.HANDSHAKE and record.epoch == 0:
            raw = parse_dtls_handshake(record.fragment)
            if not isinstance(raw, Malformed):
                message = parse_message(raw.type, raw.body, DTLS)
                assert not isinstance(message, Malformed), message
                found.append(message)
    return found


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[Message]:
    """By both sides, through a relay of ours."""
    pem = tmp_path_factory.mktemp("dtls") / "server.pem"
    pem.write_bytes(identity().pem)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as relay,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to,
    ):
        for each in (relay, to):
            each.bind(("127.0.0.1", 0))
            each.settimeout(PATIENCE)
        return talk(relay, to, pem)


def talk(relay: socket.socket, to: socket.socket, pem: Path) -> list[Message]:
    server_port = free_port()
    serve = [
        "openssl",
        "s_server",
        "-dtls1_2",
        "-listen",
        "-port",
        str(server_port),
        "-cert",
        str(pem),
        "-key",
        str(pem),
    ]
    connect = ["openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{relay.getsockname()[1]}"]
    quiet = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(serve, **quiet) as server:
        assert server.stdout is not None
        while not server.stdout.readline().startswith(b"ACCEPT"):
            assert server.poll() is None
        with subprocess.Popen(connect, **quiet) as client:
            found: list[Message] = []
            while not any(isinstance(message, ServerHello) for message in found):
                datagram, peer = relay.recvfrom(4096)
                found += messages(datagram)
                to.sendto(datagram, ("127.0.0.1", server_port))
                answer = to.recv(4096)
                found += messages(answer)
                relay.sendto(answer, peer)
            client.kill()
        server.kill()
    return found


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_hellos(said: list[Message]) -> None:
    """The client's twice: without a cookie, and with the one that the server asks for."""
    first, verify, second, server = said[:4]
    assert isinstance(first, ClientHello)
    assert isinstance(verify, HelloVerifyRequest)
    assert isinstance(second, ClientHello)
    assert isinstance(server, ServerHello)
    assert (first.cookie, second.cookie) == (b"", verify.cookie)
    assert (first.version, server.version) == (names.DTLS_1_2, names.DTLS_1_2)
    assert server.suite in first.suites
    assert first.random == second.random
