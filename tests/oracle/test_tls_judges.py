# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS's registries as tshark and OpenSSL have them, and live handshakes as tshark reads them."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from stm32emu.netbridge.pcapng import PcapngWriter
from stm32emu.netbridge.tls import algorithms, names
from stm32emu.netbridge.tls.messages import Certificate, ClientHello, EcdheKeyExchange, ServerHello
from stm32emu.netbridge.tls.suites import SUITES
from stm32emu.netbridge.tls.transcript import Side
from stm32emu.netbridge.wire.ethernet import ETHERTYPE_IPV4, EthernetFrame, Mac
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_TCP, Ipv4Packet
from stm32emu.netbridge.wire.tcp import ACK, PSH, SYN, TcpSegment
from tls_samples import Flight, handshake, identity, observe

ADDRESSES = {Side.CLIENT: IPv4Address("192.168.0.1"), Side.SERVER: IPv4Address("192.168.0.254")}
PORTS = {Side.CLIENT: 50000, Side.SERVER: 4433}
VALUES = re.compile(r"^V\t(\S+)\t(0x[0-9a-fA-F]+|\d+)\t(.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def values() -> dict[str, dict[int, str]]:
    """tshark's names, by field and number."""
    text = subprocess.run(["tshark", "-G", "values"], capture_output=True, check=True, text=True).stdout
    found: dict[str, dict[int, str]] = {}
    for field, number, name in VALUES.findall(text):
        found.setdefault(field, {})[int(number, 0)] = name
    return found


def letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def test_alerts(values: dict[str, dict[int, str]]) -> None:
    theirs = values["tls.alert_message.desc"]
    for number, name in names.ALERTS.items():
        # no_certificate is "reserved" since TLS 1.0; tshark spells "canceled" otherwise
        assert letters(theirs[number]).startswith(letters(name)[:10]), number


def test_handshake_types(values: dict[str, dict[int, str]]) -> None:
    theirs = values["tls.handshake.type"]
    for number, name in names.HANDSHAKE_TYPES.items():
        assert letters(theirs[number]) == letters(name), number


def test_extensions(values: dict[str, dict[int, str]]) -> None:
    theirs = values["tls.handshake.extension.type"]
    for number, name in names.EXTENSIONS.items():
        assert letters(theirs[number]).startswith(letters(name)[:9]), number


def test_groups(values: dict[str, dict[int, str]]) -> None:
    theirs = values["tls.handshake.extensions_supported_group"]
    newer = {4587, 4588, 4589}  # than this tshark
    for number, name in algorithms.GROUPS.items():
        assert number in newer or letters(theirs[number]) == letters(name), number


def test_whole_schemes(values: dict[str, dict[int, str]]) -> None:
    theirs = values["tls.handshake.sig_hash_alg"]
    newer = {0x081A, 0x081B, 0x081C}
    for number, name in algorithms.WHOLE_SCHEMES.items():
        assert number in newer or letters(theirs[number]) == letters(name), number


def test_schemes_of_tls_1_2(values: dict[str, dict[int, str]]) -> None:
    """Two registries: hashes and signatures."""
    hashes, signatures = values["tls.handshake.sig_hash_hash"], values["tls.handshake.sig_hash_sig"]
    for number, name in algorithms.HASHES.items():
        assert letters(hashes[number]) == letters(name)
    for number, name in algorithms.SIGNATURES.items():
        assert letters(signatures[number]) == letters(name)
    assert str(algorithms.Scheme(0x0603)) == "SHA-512 with ECDSA"


def test_suites_as_tshark_names_them(values: dict[str, dict[int, str]]) -> None:
    theirs = values["tls.handshake.ciphersuite"]
    assert {code: suite.iana for code, suite in SUITES.items()} == {code: theirs[code] for code in SUITES}


def test_suites_as_openssl_names_them() -> None:
    command = ["openssl", "ciphers", "-stdname", "-V", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    rows = re.findall(r"0x(\w\w),0x(\w\w) - (\S+) +- (\S+)", text)
    theirs = {int(high + low, 16): (iana, name) for high, low, iana, name in rows}
    known = theirs.keys() & SUITES.keys()
    assert len(known) > 90
    assert {code: (SUITES[code].iana, SUITES[code].openssl) for code in known} == {code: theirs[code] for code in known}


def capture(path: Path, flights: list[Flight]) -> Path:
    """A capture of one TCP connection."""
    sequence = {Side.CLIENT: 1000, Side.SERVER: 2000}
    with path.open("wb") as stream:
        writer = PcapngWriter(stream)

        def put(side: Side, flags: int, payload: bytes = b"") -> None:
            other = side.other
            segment = TcpSegment(PORTS[side], PORTS[other], sequence[side], sequence[other], flags, 65535, payload)
            packet = Ipv4Packet(
                ADDRESSES[side], ADDRESSES[other], PROTOCOL_TCP, segment.emit(ADDRESSES[side], ADDRESSES[other])
            )
            macs = (Mac(b"\x02" + bytes(5)), Mac(b"\x02" + bytes(4) + b"\1"))
            frame = EthernetFrame(*macs, ETHERTYPE_IPV4, packet.emit()).emit()
            writer.packet(frame, 0, inbound=side is Side.CLIENT)
            sequence[side] += segment.length

        put(Side.CLIENT, SYN)
        put(Side.SERVER, SYN | ACK)
        for side, data in flights:
            for at in range(0, len(data), 1400):
                put(side, ACK | PSH, data[at : at + 1400])
    return path


FIELDS = (
    "handshake.ciphersuite",
    "handshake.random",
    "handshake.certificate",
    "handshake.server_point",
    "handshake.server_named_curve",
    "handshake.sig",
    "handshake.extensions_supported_group",
    "handshake.extension.type",
    "handshake.sig_hash_alg",
)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_handshake_as_tshark_reads_it(tmp_path: Path, version: ssl.TLSVersion) -> None:
    flights = handshake(identity(), version)
    wanted = [word for field in FIELDS for word in ("-e", f"tls.{field}")]
    command = ["tshark", "-n", "-r", str(capture(tmp_path / "a.pcapng", flights)), "-d", "tcp.port==4433,tls"]
    done = subprocess.run([*command, "-T", "json", *wanted], capture_output=True, check=True, text=True)
    theirs: dict[str, list[str]] = {}
    for packet in json.loads(done.stdout):
        for field, found in packet["_source"]["layers"].items():
            theirs.setdefault(field.removeprefix("tls.handshake."), []).extend(found)

    transcript = observe(flights)
    client, server = transcript.message(ClientHello), transcript.message(ServerHello)
    assert client is not None
    assert server is not None
    assert [int(word, 0) for word in theirs["ciphersuite"]] == [*client.suites, server.suite]
    assert theirs["random"] == [client.random.hex(), server.random.hex()]
    assert [int(word, 0) for word in theirs["extensions_supported_group"]] == list(client.says.groups or ())
    both = [*client.extensions, *server.extensions]
    assert [int(word) for word in theirs["extension.type"]] == [extension.type for extension in both]
    exchange, certificate = transcript.message(EcdheKeyExchange), transcript.message(Certificate)
    if version is ssl.TLSVersion.TLSv1_3:
        assert (exchange, certificate) == (None, None)
        return
    assert exchange is not None
    assert exchange.signature is not None
    assert certificate is not None
    assert theirs["certificate"] == [der.hex() for der in certificate.certificates]
    assert theirs["server_point"] == [exchange.point.hex()]
    assert [int(word, 0) for word in theirs["server_named_curve"]] == [exchange.group]
    assert theirs["sig"] == [exchange.signature.hex()]
    assert [int(word, 0) for word in theirs["sig_hash_alg"]] == [*(client.says.schemes or ()), exchange.scheme]
