# SPDX-License-Identifier: GPL-2.0-or-later
"""The ServerKeyExchange that the bug report shows: as much of it as Wireshark's window had."""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from stm32emu.cli.main import main
from stm32emu.netbridge.pcapng import PcapngWriter
from stm32emu.netbridge.tls.algorithms import Scheme
from stm32emu.netbridge.tls.device import Device
from stm32emu.netbridge.tls.doctor import diagnose
from stm32emu.netbridge.tls.evidence import Check, Evidence
from stm32emu.netbridge.tls.observer import Observer
from stm32emu.netbridge.tls.transcript import Moment, Side
from stm32emu.netbridge.tls.verdict import Case
from stm32emu.netbridge.wire.ethernet import ETHERTYPE_IPV4, EthernetFrame, Mac
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_TCP, Ipv4Packet
from stm32emu.netbridge.wire.tcp import ACK, TcpSegment

HEAD = bytes.fromhex(
    "16 0303 00b4"  # Handshake (22), TLS 1.2, length 180
    "0c 0000b0"  # ServerKeyExchange (12), length 176
    "03 0018 61"  # named_curve, secp384r1, pubkey length 97
    "0429bad785169392dc6e93a7f592a379beb381d5ce5d1c7f"
)
CUT_POINT = 97 - 24  # "..." in the window
TAIL = bytes.fromhex("0603 0047 3045022100f2e4739d43617c4f5f2a89c28d6d02fa6c3be7")  # SHA512, ECDSA, signature length 71
CUT_SIGNATURE = 71 - 24
TITLE = "signature over SHA-512 by a 256-bit key; secp521r1 is a misreading; enabling it would break this device."
CONFIG = Path(__file__).resolve().parents[2] / "images" / "tls_server" / "mbedtls_config.h"


def evidence() -> Evidence:
    observer = Observer(midway=True)
    observer.receive(Side.SERVER, HEAD, Moment(0))
    observer.lose(Side.SERVER, CUT_POINT, Moment(0))
    observer.receive(Side.SERVER, TAIL, Moment(0))
    observer.lose(Side.SERVER, CUT_SIGNATURE, Moment(0))
    observer.cut(Moment(0))
    return Evidence(observer.transcript)


def test_what_is_there_is_read() -> None:
    found = evidence()
    assert found.curve == "secp384r1"
    assert found.scheme == Scheme(0x0603)
    assert found.exchange is not None
    assert (len(found.exchange.point), len(found.exchange.signature or b"")) == (97, 71)
    assert (found.point, found.signature) == (Check.UNKNOWN, Check.UNKNOWN)


@pytest.mark.parametrize("device", [Device(), Device(mpi_size=48)])
def test_the_verdict(device: Device) -> None:
    verdict = diagnose(Case([evidence()], device))
    assert verdict.title == TITLE
    assert "the point could not be checked: it was not captured whole" in verdict.proof
    assert "48" in verdict.so


def test_as_a_capture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two packets, each cut off where the window ends."""
    capture = tmp_path / "seed.pcapng"
    addresses = IPv4Address("192.168.0.254"), IPv4Address("192.168.0.1")
    sequence = 1000
    with capture.open("wb") as stream:
        writer = PcapngWriter(stream)
        for part, missing in ((HEAD, CUT_POINT), (TAIL, CUT_SIGNATURE)):
            segment = TcpSegment(4433, 50000, sequence, 1, ACK, 1000, part + bytes(missing))
            packet = Ipv4Packet(*addresses, PROTOCOL_TCP, segment.emit(*addresses))
            frame = EthernetFrame(Mac(bytes(5) + b"\1"), Mac(bytes(5) + b"\2"), ETHERTYPE_IPV4, packet.emit()).emit()
            writer.packet(frame[: len(frame) - missing], 0, inbound=False)
            sequence += len(part) + missing
    with pytest.raises(SystemExit) as ended:
        main(["explain", str(capture), "--config", str(CONFIG), "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["verdict"]["title"] == TITLE
