# SPDX-License-Identifier: GPL-2.0-or-later
"""A capture of a run gets the verdict that the run got, also when it is damaged or has other traffic in it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap, wrpcap

from runs import IMAGES, PATIENCE, free_port, running
from symptoms import COMMANDS, IN_2021
from test_explain import explanations
from test_tls_clients import client

CONFIG = IMAGES.parent / "tls_server" / "mbedtls_config.h"
TITLE = "the device's elliptic-curve arithmetic is corrupt."


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The capture of a faulty run with both clients of the report, and its log."""
    capture = tmp_path_factory.mktemp("capture") / "run.pcapng"
    words = ("--port", f"{free_port()}:4433", "--pcap", str(capture))
    with running(str(IMAGES / "tls_server-calloc-fresh.elf"), *words) as under_way:
        for name in ("openssl", "ssl_client2"):
            client(*IN_2021, *COMMANDS[name](under_way.port()))
        under_way.wait_for(r"conn 2  [^$]*next:", of=lambda: under_way.log)
    return capture, under_way.log


def explain(*words: str) -> tuple[int, str, str]:
    """Exit code, output, complaint."""
    command = [sys.executable, "-m", "stm32emu", "explain", *words]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, text=True)
    return done.returncode, done.stdout, done.stderr


def test_the_same_text_as_the_run(run: tuple[Path, str]) -> None:
    capture, log = run
    code, out, err = explain(str(capture))
    assert code == 0, err
    assert explanations(out) == explanations(log)


def verdict(capture: Path) -> str:
    code, out, err = explain(str(capture), "--config", str(CONFIG), "--json")
    assert code == 0, err
    return str(json.loads(out)["verdict"]["title"])


@pytest.mark.parametrize("kind", ["pcap", "nsecpcap", "pcapng"])
def test_formats_of_others(run: tuple[Path, str], kind: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["editcap", "-F", kind, str(run[0]), str(other)], check=True)
    assert verdict(other) == TITLE


def without_beginning(packets: list[Packet]) -> list[Packet]:
    """From the middle of the first connection on."""
    first = next(n for n, packet in enumerate(packets) if TCP in packet and len(packet[TCP].payload) > 500)
    return packets[first:]


def without_acknowledgements(packets: list[Packet]) -> list[Packet]:
    return [packet for packet in packets if not (TCP in packet and packet[TCP].flags == "A")]


def without_a_certificate(packets: list[Packet]) -> list[Packet]:
    """Of the second connection."""
    long = [n for n, packet in enumerate(packets) if TCP in packet and packet[TCP].sport == 4433 and Raw in packet]
    last = max(n for n in long if len(packets[n][Raw].load) > 300 and packets[n][Raw].load[5] == 11)
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
def test_damaged_captures(
    run: tuple[Path, str], damage: Callable[[list[Packet]], list[Packet]], tmp_path: Path
) -> None:
    other = tmp_path / "damaged.pcap"
    wrpcap(str(other), damage(list(rdpcap(str(run[0])))))
    assert verdict(other) == TITLE


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
