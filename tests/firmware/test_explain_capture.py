# SPDX-License-Identifier: GPL-2.0-or-later
"""A capture of a run gets the verdict that the run got, also when it is damaged or has other traffic in it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap, wrpcap

import host_capture
from runs import IMAGES, PATIENCE
from symptoms import CERTS
from test_explain import explanations

CONFIG = IMAGES.parent / "tls_server" / "mbedtls_config.h"
CLIENTS = ("openssl", "ssl_client2", "openssl")
CERTIFICATE = re.compile(rb"\x16\x03\x03..\x0b", re.DOTALL)
MESSAGES = r"\n  \S.* -> .*"
TITLES = {
    "tls_server-calloc-fresh": "the device's elliptic-curve arithmetic is corrupt.",
    "tls_server-wrong-key": "the device's private key does not belong to its certificate.",
}


class Captured(NamedTuple):
    """What was captured of a faulty run, the run's log, and the verdict that is due."""

    capture: Path
    log: str
    title: str


@pytest.fixture(scope="module", params=TITLES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """That of a run's captures, and the verdict's title."""
    folder = tmp_path_factory.mktemp("capture")
    host_capture.capture(request.param, CLIENTS, folder)
    return folder, TITLES[request.param]


@pytest.fixture(scope="module", params=[host_capture.OF_THE_RUN, host_capture.OF_THE_HOST])
def run(request: pytest.FixtureRequest, folder: tuple[Path, str]) -> Captured:
    """Captured by the run, and by tshark on the host port."""
    path, title = folder
    return Captured(path / request.param, (path / host_capture.LOG).read_text(), title)


def explain(*words: str) -> tuple[int, str, str]:
    """Exit code, output, complaint."""
    command = [sys.executable, "-m", "stm32emu", "explain", *words]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, text=True)
    return done.returncode, done.stdout, done.stderr


def test_the_same_as_the_run(run: Captured) -> None:
    """Every verdict, to the letter; messages of both sides may cross otherwise on the host's side of the bridge."""
    code, out, err = explain(str(run.capture), "--key", str(CERTS / "client.key"))  # which the run has in its firmware
    assert code == 0, err
    assert verdicts(out) == verdicts(run.log)
    assert len(verdicts(out)) == len(CLIENTS)


def test_the_same_messages_as_the_run(folder: tuple[Path, str]) -> None:
    path, _title = folder
    code, out, err = explain(str(path / host_capture.OF_THE_RUN))
    assert code == 0, err
    assert re.findall(MESSAGES, out) == re.findall(MESSAGES, (path / host_capture.LOG).read_text())


def verdicts(text: str) -> list[str]:
    """The first line and the verdict of each connection, without its messages, and without where a key was found."""
    return [re.sub(rf"{MESSAGES}|(?<=private key) (\S+/|at 0x)[^;\n]*", "", each) for each in explanations(text)]


def verdict(capture: Path) -> str:
    code, out, err = explain(str(capture), "--config", str(CONFIG), "--json")
    assert code == 0, err
    return str(json.loads(out)["verdict"]["title"])


@pytest.mark.parametrize("kind", ["pcap", "nsecpcap", "pcapng"])
def test_formats_of_others(run: Captured, kind: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["editcap", "-F", kind, str(run.capture), str(other)], check=True)
    assert verdict(other) == run.title


def with_certificate(packets: list[Packet]) -> list[int]:
    """The numbers of those in which a Certificate begins, one for each connection."""
    return [n for n, packet in enumerate(packets) if Raw in packet and re.search(CERTIFICATE, packet[Raw].load)]


def without_beginning(packets: list[Packet]) -> list[Packet]:
    """From the middle of the first connection on."""
    return packets[with_certificate(packets)[0] + 1 :]


def without_acknowledgements(packets: list[Packet]) -> list[Packet]:
    return [packet for packet in packets if not (TCP in packet and packet[TCP].flags == "A")]


def without_a_certificate(packets: list[Packet]) -> list[Packet]:
    """Of the last connection."""
    last = with_certificate(packets)[-1]
    return packets[:last] + packets[last + 1 :]


def with_others(packets: list[Packet]) -> list[Packet]:
    """HTTP, DNS and noise, between any two packets."""
    mixed = []
    for n, packet in enumerate(packets):
        http = Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1000, dport=80, seq=n * 10) / Raw(b"GET / HTTP")
        dns = Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=1000, dport=53) / Raw(b"\x16\x03\x03")
        mixed += [http, packet, dns, Ether(type=0x88CC) / Raw(b"noise")]
    return mixed


def out_of_order(packets: list[Packet]) -> list[Packet]:
    """Neighbours of one direction swapped."""
    swapped = list(packets)
    for n in range(0, len(swapped) - 1, 2):
        one, other = swapped[n], swapped[n + 1]
        if TCP in one and TCP in other and one[TCP].sport == other[TCP].sport and Raw in one and Raw in other:
            swapped[n], swapped[n + 1] = other, one
    return swapped


DAMAGE = [without_beginning, without_acknowledgements, without_a_certificate, with_others, out_of_order]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_captures(run: Captured, damage: Callable[[list[Packet]], list[Packet]], tmp_path: Path) -> None:
    other = tmp_path / "damaged.pcap"
    wrpcap(str(other), damage(list(rdpcap(str(run.capture)))))
    assert verdict(other) == run.title


def test_what_cannot_be_explained(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    wrpcap(str(empty), [Ether() / IP(dst="10.0.0.1") / UDP()])
    for words, sentence in (
        ((str(empty),), "there is no TLS connection in it"),
        ((__file__,), "neither pcap nor pcapng"),
        ((str(tmp_path / "none"),), "there is no such file"),
        ((str(empty), "--cert", __file__), "is no certificate"),
        ((str(empty), "--key", __file__), "is no private key"),
        ((str(empty), "--config", __file__), "MBEDTLS_"),
    ):
        code, _out, err = explain(*words)
        assert code == 2
        assert re.search(sentence, err), err
