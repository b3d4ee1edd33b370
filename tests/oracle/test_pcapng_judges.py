# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures as scapy and tshark read them."""

from __future__ import annotations

import io
import json
import ssl
import subprocess
from contextlib import suppress
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path

from scapy.utils import RawPcapNgReader, rdpcap

from stm32emu.files import OutputFile
from stm32emu.netbridge.pcapng import PcapngWriter
from stm32emu.netbridge.wire.ethernet import ETHERTYPE_IPV4, EthernetFrame, Mac
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Packet
from stm32emu.netbridge.wire.tcp import ACK, SYN, TcpSegment
from stm32emu.netbridge.wire.udp import UdpDatagram
from tls_samples import client_context, identity, server_context

HOST = IPv4Address("192.168.0.1")
GUEST = IPv4Address("192.168.0.254")
DATAGRAM = UdpDatagram(1, 2, b"odd").emit(HOST, GUEST)
SEGMENT = TcpSegment(3, 4, 5, 0, SYN, 6, mss=1460).emit(GUEST, HOST)
TIMES = (1, 4_294_967_296_123_456_789)


def frame(src: IPv4Address, dst: IPv4Address, protocol: int, payload: bytes) -> bytes:
    """An Ethernet frame."""
    macs = (Mac(b"\x02" + bytes(5)), Mac(b"\x02" + bytes(4) + b"\1"))
    return EthernetFrame(*macs, ETHERTYPE_IPV4, Ipv4Packet(src, dst, protocol, payload).emit()).emit()


FRAMES = (frame(HOST, GUEST, PROTOCOL_UDP, DATAGRAM), frame(GUEST, HOST, PROTOCOL_TCP, SEGMENT))
KEY_LOG = b"CLIENT_RANDOM " + b"00" * 32 + b" " + b"11" * 48 + b"\n"


def capture(path: Path) -> Path:
    """Two packets, one in either direction, with a comment and secrets."""
    with path.open("wb") as stream:
        writer = PcapngWriter(stream)
        writer.secrets(KEY_LOG)
        writer.packet(FRAMES[0], TIMES[0], inbound=True)
        writer.packet(FRAMES[1], TIMES[1], inbound=False, comment="the guest calls")
    return path


def test_scapy_reads_frames_and_nanoseconds(tmp_path: Path) -> None:
    packets = rdpcap(str(capture(tmp_path / "a.pcapng")))
    assert [bytes(packet) for packet in packets] == list(FRAMES)
    assert [packet.time for packet in packets] == [Decimal(time) / 10**9 for time in TIMES]


def test_scapy_reads_direction_and_comment(tmp_path: Path) -> None:
    with RawPcapNgReader(str(capture(tmp_path / "a.pcapng"))) as reader:
        metadata = [meta for _, meta in reader]
    assert [meta.direction for meta in metadata] == [1, 2]
    comments = [getattr(meta, "comments", None) or [getattr(meta, "comment", None)] for meta in metadata]
    assert comments[1] == [b"the guest calls"]


def test_tshark_reads_everything_and_finds_nothing_wrong(tmp_path: Path) -> None:
    fields = ("frame.time_epoch", "frame.packet_flags_direction", "frame.interface_name", "frame.comment", "frame.len")
    checks = ("-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    wanted = [argument for field in fields for argument in ("-e", field)]
    command = ["tshark", "-n", "-r", str(capture(tmp_path / "a.pcapng")), *checks, "-T", "json", *wanted]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    layers = [packet["_source"]["layers"] for packet in json.loads(done.stdout)]
    assert [layer["frame.len"] for layer in layers] == [[str(len(each))] for each in FRAMES]
    assert [layer["frame.interface_name"] for layer in layers] == [["guest"]] * 2
    assert [int(layer["frame.packet_flags_direction"][0], 0) for layer in layers] == [1, 2]
    assert layers[1]["frame.comment"] == ["the guest calls"]
    assert Decimal(layers[1]["frame.time_epoch"][0]) == Decimal(TIMES[1]) / 10**9
    bad = [
        "tshark",
        "-n",
        "-r",
        str(tmp_path / "a.pcapng"),
        *checks,
        "-Y",
        "_ws.malformed || _ws.expert.severity >= 0x600000",
    ]
    assert subprocess.run(bad, capture_output=True, check=True, text=True).stdout == ""


class Wire:
    """TLS between two in-memory ends, cut into TCP segments."""

    def __init__(self, folder: Path) -> None:
        server, client = server_context(identity()), client_context()
        client.keylog_filename = str(folder / "keys.txt")
        self.bios = [ssl.MemoryBIO() for _ in range(4)]
        self.ends = [
            client.wrap_bio(self.bios[0], self.bios[1]),
            server.wrap_bio(self.bios[2], self.bios[3], server_side=True),
        ]
        self.segments: list[tuple[bool, TcpSegment]] = []
        self._sequence = [1000, 2000]
        self._add(0, SYN, b"")
        self._add(1, SYN | ACK, b"")

    def _add(self, end: int, flags: int, payload: bytes) -> None:
        ports = (50000, 443) if end == 0 else (443, 50000)
        ack = self._sequence[1 - end] if flags & ACK else 0
        self.segments.append((end == 0, TcpSegment(*ports, self._sequence[end], ack, flags, 60000, payload)))
        self._sequence[end] += len(payload) + bool(flags & SYN)

    def carry(self) -> None:
        """Move what either end wrote to the other."""
        for end in (0, 1):
            if data := self.bios[2 * end + 1].read():
                self._add(end, ACK, data)
                self.bios[2 * (1 - end)].write(data)

    def handshake(self) -> None:
        """Until both ends are done."""
        for _ in range(4):
            for end in self.ends:
                with suppress(ssl.SSLWantReadError):
                    end.do_handshake()
                self.carry()


def test_wireshark_decrypts_a_capture_that_carries_its_secrets(tmp_path: Path) -> None:
    wire = Wire(tmp_path)
    wire.handshake()
    wire.ends[0].write(b"GET /found-in-the-capture HTTP/1.1\r\nHost: guest\r\n\r\n")
    wire.carry()
    path = tmp_path / "tls.pcapng"
    with path.open("wb") as stream:
        writer = PcapngWriter(stream)
        writer.secrets((tmp_path / "keys.txt").read_bytes())
        for at, (inbound, segment) in enumerate(wire.segments):
            src, dst = (HOST, GUEST) if inbound else (GUEST, HOST)
            writer.packet(frame(src, dst, PROTOCOL_TCP, segment.emit(src, dst)), at, inbound)
    command = ["tshark", "-n", "-r", str(path), "-Y", "http", "-T", "fields", "-e", "http.request.uri"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == "/found-in-the-capture\n"


def test_secrets_that_come_late_stand_before_the_packets(tmp_path: Path) -> None:
    """In the room reserved for them; those that no longer fit are in a block of their own."""
    path = tmp_path / "late.pcapng"
    with OutputFile("--pcap", path) as file:
        writer = PcapngWriter(file)
        writer.reserve_secrets(file, 2 * len(KEY_LOG) + 4)
        for n, time in enumerate(TIMES):
            writer.packet(FRAMES[n], time, inbound=True)
        for n in range(3):
            writer.secrets(KEY_LOG.replace(b"11", b"%02x" % n))
    contents = path.read_bytes()
    places = [contents.index(b"%02x" % n * 48) for n in range(3)]
    assert places[0] < places[1] < contents.index(FRAMES[0]) < contents.index(FRAMES[1]) < places[2]
    assert [bytes(packet) for packet in rdpcap(str(path))] == list(FRAMES)
    said = subprocess.run(["capinfos", str(path)], capture_output=True, check=True, text=True).stdout
    assert "Number of decryption secrets in file: 2" in said


def test_equal_calls_give_equal_bytes() -> None:
    streams = [io.BytesIO(), io.BytesIO()]
    for stream in streams:
        PcapngWriter(stream).packet(FRAMES[0], 5, inbound=True)
    assert streams[0].getvalue() == streams[1].getvalue()
    assert len(streams[0].getvalue()) % 4 == 0
