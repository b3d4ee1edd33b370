# SPDX-License-Identifier: GPL-2.0-or-later
"""DTLS 1.2 as OpenSSL's client and server speak it to each other: read, and explained."""

from __future__ import annotations

import re
import select
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from scapy.layers.inet import IP, UDP
from scapy.packet import Raw
from scapy.utils import wrpcap

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.dtls import DtlsObserver
from stm32emu.netbridge.tls.explainer import Explainer, Report
from stm32emu.netbridge.tls.messages import ClientHello, HelloVerifyRequest, ServerHello
from stm32emu.netbridge.tls.observer import SILENCE
from stm32emu.netbridge.tls.records import DtlsRecord, parse_datagram
from stm32emu.netbridge.tls.transcript import START, Side
from stm32emu.netbridge.transport import Datagram
from tls_samples import Flight, identity

PATIENCE = 120
CLIENT, SERVER = (b"\x7f\0\0\1", 50000), (b"\x7f\0\0\1", 4433)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[Flight]:
    """The datagrams of a handshake, through a relay of ours."""
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


def talk(relay: socket.socket, to: socket.socket, pem: Path) -> list[Flight]:
    server_port = free_port()
    own = ["-port", str(server_port), "-cert", str(pem), "-key", str(pem)]
    serve = ["openssl", "s_server", "-dtls1_2", "-listen", "-mtu", "1400", *own]
    connect = ["openssl", "s_client", "-dtls1_2", "-groups", "P-256", "-connect", f"127.0.0.1:{relay.getsockname()[1]}"]
    quiet = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(serve, **quiet) as server:
        assert server.stdout is not None
        while not server.stdout.readline().startswith(b"ACCEPT"):
            assert server.poll() is None
        with subprocess.Popen(connect, **quiet) as client:
            found = pass_on(relay, to, ("127.0.0.1", server_port))
            client.kill()
        server.kill()
    return found


def pass_on(relay: socket.socket, to: socket.socket, server: tuple[str, int]) -> list[Flight]:
    """Until both have sent their Finished."""
    found: list[Flight] = []
    watch = DtlsObserver()
    while not watch.over:
        ready, _, _ = select.select([relay, to], [], [], PATIENCE)
        assert ready
        for each in ready:
            datagram, where = each.recvfrom(4096)
            if each is relay:
                side, peer = Side.CLIENT, where
                to.sendto(datagram, server)
            else:
                side = Side.SERVER
                relay.sendto(datagram, peer)
            watch.receive(side, datagram, START)
            found.append((side, datagram))
    return found


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def explained(flights: list[Flight]) -> list[Report]:
    """What is said about them, the last after a silence."""
    reports: list[Report] = []
    explainer = Explainer(reports.append)
    for now, (side, datagram) in enumerate(flights):
        explainer.receive(Datagram(*((CLIENT, SERVER) if side is Side.CLIENT else (SERVER, CLIENT)), datagram), now)
    explainer.on_timer(2 * SILENCE)
    assert explainer.followed == 0 or reports[-1].evidence.ending
    return reports


def test_the_hellos(said: list[Flight]) -> None:
    """The client's twice: without a cookie, and with the one that the server asks for."""
    (report,) = explained(said)
    first, verify, second, server = [each.message for each in report.evidence.transcript.handshakes()][:4]
    assert isinstance(first, ClientHello)
    assert isinstance(verify, HelloVerifyRequest)
    assert isinstance(second, ClientHello)
    assert isinstance(server, ServerHello)
    assert (first.cookie, second.cookie) == (b"", verify.cookie)
    assert (first.version, server.version) == (names.DTLS_1_2, names.DTLS_1_2)
    assert server.suite in first.suites
    assert first.random == second.random


def test_a_healthy_handshake(said: list[Flight]) -> None:
    (report,) = explained(said)
    heading, ladder, verdict = report.text.splitlines()[:3]
    assert heading == "conn 1  openssl  DTLS 1.2  ECDHE-ECDSA-AES256-GCM-SHA384  secp256r1"
    assert ladder.startswith("  ClientHello -> HelloVerifyRequest -> ClientHello -> ServerHello, Certificate, ")
    assert verdict == "  verdict: nothing wrong."
    assert "point on secp256r1 and signature (SHA-256 with ECDSA) are right on connection 1" in report.text


def twice(flights: list[Flight]) -> list[Flight]:
    """Every datagram."""
    return [flight for flight in flights for _ in range(2)]


def backwards(flights: list[Flight]) -> list[Flight]:
    """Every record in a datagram of its own, the last of each datagram first."""
    return [
        (side, record.emit())
        for side, data in flights
        for record in reversed(parse_datagram(data))
        if isinstance(record, DtlsRecord)
    ]


@pytest.mark.parametrize("network", [twice, backwards])
def test_what_networks_do(said: list[Flight], network: Callable[[list[Flight]], list[Flight]]) -> None:
    assert explained(network(said))[0].verdict.id == "nothing-wrong"


def with_point(said: list[Flight], flip: int) -> list[Flight]:
    """The last octet of the server's ephemeral key altered, which follows its curve, its length and its form."""
    point = re.compile(rb"(?s)(\x03\0\x17\x41\x04.{63})(.)")
    assert sum(len(point.findall(data)) for _, data in said) == 1
    return [(side, point.sub(lambda found: found[1] + bytes((found[2][0] ^ flip,)), data)) for side, data in said]


def test_a_wrong_point_is_seen(said: list[Flight]) -> None:
    assert explained(with_point(said, 0))[0].verdict.id == "nothing-wrong"
    assert explained(with_point(said, 1))[0].verdict.id == "corrupt-arithmetic"


@pytest.mark.parametrize(("kept", "verdict"), [(1, "device-silent"), (2, "client-silent"), (3, "device-silent")])
def test_silence(said: list[Flight], kept: int, verdict: str) -> None:
    (report,) = explained(said[:kept])
    assert report.verdict.id == verdict


def test_what_is_not_followed_from_its_beginning_is_left_out(said: list[Flight]) -> None:
    assert explained([(side, data) for side, data in said if data[13] != names.CLIENT_HELLO]) == []


def test_a_capture(said: list[Flight], tmp_path: Path) -> None:
    ports = {Side.CLIENT: (50000, 4433), Side.SERVER: (4433, 50000)}
    packets = [IP() / UDP(sport=ports[side][0], dport=ports[side][1]) / Raw(data) for side, data in said]
    wrpcap(str(tmp_path / "dtls.pcap"), packets)
    command = [sys.executable, "-m", "stm32emu", "explain", str(tmp_path / "dtls.pcap")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == explained(said)[0].text


def damaged(said: list[Flight], random: Random) -> list[Flight]:
    """Three octets changed or missing behind the first datagram, and these in any order."""
    rest = [(side, bytearray(data)) for side, data in said[1:]]
    for _side, data in random.choices(rest, k=3):
        at = random.randrange(len(data))
        data[at : at + 1] = random.randbytes(random.randrange(2))
    random.shuffle(rest)
    return [said[0], *((side, bytes(data)) for side, data in rest)]


def test_damaged_datagrams(said: list[Flight]) -> None:
    """Whatever is done to them, there is a verdict."""
    for seed in range(500):
        reports = explained(damaged(said, Random(seed)))
        assert reports
        assert all(report.verdict.title and report.text for report in reports)
