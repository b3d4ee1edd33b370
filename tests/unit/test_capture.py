# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures read back: ours, those of other byte orders and link types, and damaged ones."""

from __future__ import annotations

import io
import struct

import pytest

from stm32emu.netbridge.capture import CaptureError, Packet, read_capture, read_secrets, transport_of
from stm32emu.netbridge.pcapng import PcapngWriter

TIME = 1_600_000_000_123_456_789


def pcap(order: str, magic: int, fraction: int, data: bytes = b"frame", link: int = 1) -> bytes:
    header = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262144, link)
    return header + struct.pack(f"{order}IIII", TIME // 10**9, fraction, len(data), len(data)) + data


def pcapng() -> bytes:
    stream = io.BytesIO()
    writer = PcapngWriter(stream)
    writer.secrets(b"CLIENT_RANDOM")
    writer.packet(b"frame", TIME, inbound=True, comment="odd one")
    writer.packet(b"other", TIME + 1, inbound=False)
    return stream.getvalue()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "fraction", "time"), [(0xA1B2C3D4, 123_456, 123_456_000), (0xA1B23C4D, 789, 789)])
def test_pcap(order: str, magic: int, fraction: int, time: int) -> None:
    expected = Packet(TIME // 10**9 * 10**9 + time, 1, b"frame")
    assert list(read_capture(pcap(order, magic, fraction))) == [expected]


def test_pcapng_as_we_write_it() -> None:
    assert list(read_capture(pcapng())) == [Packet(TIME, 1, b"frame"), Packet(TIME + 1, 1, b"other")]


def test_the_key_log_in_a_capture() -> None:
    assert read_secrets(pcapng()) == b"CLIENT_RANDOM"
    assert read_secrets(pcap("<", 0xA1B2C3D4, 0)) == b""


def test_a_capture_that_was_cut_off() -> None:
    whole = pcapng()
    assert [len(list(read_capture(whole[:size]))) for size in (len(whole), len(whole) - 1, 40)] == [2, 1, 0]
    old = pcap("<", 0xA1B2C3D4, 0)
    assert list(read_capture(old[:-1])) == []


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"GET / HTTP/1.0"])
def test_what_is_no_capture(data: bytes) -> None:
    with pytest.raises(CaptureError, match="neither pcap nor pcapng"):
        read_capture(data)


def test_a_damaged_section() -> None:
    with pytest.raises(CaptureError, match="damaged"):
        list(read_capture(pcapng()[:8] + bytes(200)))


PACKET = bytes.fromhex("4500002c00000000400600007f0000017f0000010bb81151000000050000000650180000000000006461746180")
V6 = bytes.fromhex("60000000001806400000000000000000000000000000000100000000000000000000000000000001") + PACKET[20:44]


@pytest.mark.parametrize(
    ("link", "data"),
    [
        (0, b"\2\0\0\0" + PACKET),
        (1, bytes(12) + b"\x08\0" + PACKET),
        (1, bytes(12) + b"\x81\0\0\1\x08\0" + PACKET),
        (1, bytes(12) + b"\x86\xdd" + V6),
        (101, PACKET),
        (101, V6),
        (108, b"\0\0\0\x18" + V6),
        (113, bytes(14) + b"\x08\0" + PACKET),
        (228, PACKET),
        (229, V6),
        (276, b"\x08\0" + bytes(18) + PACKET),
    ],
)
def test_link_types(link: int, data: bytes) -> None:
    segment = transport_of(Packet(0, link, data))
    assert segment is not None
    assert (segment.src[1], segment.dst[1], segment.seq, segment.payload, segment.missing) == (
        3000,
        4433,
        5,
        b"data",
        0,
    )


def test_a_packet_that_was_cut_off() -> None:
    segment = transport_of(Packet(0, 101, PACKET[:42]))
    assert segment is not None
    assert (segment.payload, segment.missing) == (b"da", 2)


def test_a_link_type_that_is_not_known() -> None:
    with pytest.raises(CaptureError, match="link type 105"):
        transport_of(Packet(0, 105, PACKET))
