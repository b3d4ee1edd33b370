# SPDX-License-Identifier: GPL-2.0-or-later
"""The TLS codec on bytes written by hand: what is malformed is named, with its place."""

from __future__ import annotations

import pytest

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.cursor import Malformed
from stm32emu.netbridge.tls.dtls import DtlsHandshakeReader
from stm32emu.netbridge.tls.handshake import Context, HandshakeReader, RawMessage, parse_message
from stm32emu.netbridge.tls.holes import Holes
from stm32emu.netbridge.tls.messages import DheKeyExchange, EcdheKeyExchange, Opaque
from stm32emu.netbridge.tls.records import MAX_FRAGMENT, DtlsRecord, Record, RecordReader, TooLong, parse_datagram

ECDHE_RSA, DHE_RSA, PSK = 0xC02F, 0x009E, 0x00A8
SKE = bytes.fromhex("03 0018 03 04aabb 0603 0002 3000")


def records(reader: RecordReader, data: bytes) -> list[Record | Malformed]:
    reader.feed(data)
    found = []
    while (record := reader.next()) is not None:
        found.append(record)
    return found


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"GET / HTTP/1.1", Malformed("no TLS record: it starts with 47 45 54", 0)),
        (bytes.fromhex("16 03 03 ff ff"), TooLong(f"a record of 65535 bytes, more than {MAX_FRAGMENT}", 0)),
        (bytes.fromhex("18 03 03 00 01 00"), Malformed("no TLS record: it starts with 18 03 03", 0)),
    ],
)
def test_what_is_no_record(data: bytes, found: Malformed) -> None:
    assert records(RecordReader(), data)[0] == found


def test_a_record_after_garbage_is_found() -> None:
    found = records(RecordReader(), b"garbage" + Record(22, 0x0303, 1, b"x").emit())
    assert isinstance(found[0], Malformed)
    assert found[1] == Record(22, 0x0303, 1, b"x")


def test_missing_bytes_inside_a_record_are_a_hole() -> None:
    reader = RecordReader()
    reader.feed(bytes.fromhex("16 0303 0006 aabb"))
    reader.lose(2)
    assert records(reader, b"\xcc\xdd") == [Record(22, 0x0303, 6, bytes.fromhex("aabb0000ccdd"), Holes(((2, 4),)))]


def test_missing_bytes_beyond_a_record_lose_the_place_until_the_next() -> None:
    reader = RecordReader()
    reader.feed(bytes.fromhex("16 0303 0006 aabb"))
    reader.lose(20)
    whole = Record(21, 0x0303, 2, b"\x02\x2f")
    assert records(reader, b"\xcc\xdd" + whole.emit()) == [whole]


def test_encrypted_records_are_not_kept() -> None:
    reader = RecordReader()
    reader.sealed = True
    assert records(reader, bytes.fromhex("17 0303 4000")) == [Record(23, 0x0303, 0x4000, None)]
    assert records(reader, bytes(0x3FFF)) == []
    assert records(reader, b"\0" + bytes.fromhex("15 0303 0002")) == [Record(21, 0x0303, 2, None)]
    assert reader.pending == 0


def test_a_message_over_two_records() -> None:
    reader = HandshakeReader()
    message = RawMessage(11, b"abcdef").emit()
    halves = [Record(22, 0x0303, len(part), part) for part in (message[:5], message[5:])]
    assert [list(reader.feed(half)) for half in halves] == [[], [RawMessage(11, b"abcdef", 2, 5)]]


def test_two_messages_in_one_record() -> None:
    plain = RawMessage(14, b"").emit() + RawMessage(11, b"x").emit()
    found = list(HandshakeReader().feed(Record(22, 0x0303, len(plain), plain)))
    assert found == [RawMessage(14, b"", 1, 9), RawMessage(11, b"x", 1, 9)]


def test_an_endless_message_is_refused() -> None:
    found = list(HandshakeReader().feed(Record(22, 0x0303, 4, b"\x0b\xff\xff\xff")))
    assert found == [Malformed("a handshake message of 16777219 bytes, more than 132096", 0)]


def test_a_hole_stays_at_its_place_in_the_message() -> None:
    plain = RawMessage(14, b"").emit() + RawMessage(12, SKE).emit()
    record = Record(22, 0x0303, len(plain), plain, Holes(((12, 14),)))
    assert [message.holes for message in HandshakeReader().feed(record) if isinstance(message, RawMessage)] == [
        Holes(),
        Holes(((4, 6),)),
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"\x03\x03", Malformed("the random needs 32 bytes, 0 are there", 2)),
        (b"\x03\x03" + bytes(32) + b"\x40", Malformed("the session id needs 64 bytes, 0 are there", 35)),
        (
            b"\x03\x03" + bytes(33) + b"\0\3abc\1\0",
            Malformed("the cipher suites have 3 bytes, not a multiple of 2", 37),
        ),
        (b"\x03\x03" + bytes(33) + b"\0\2ab\1\0\0\1x", Malformed("an extension's type needs 2 bytes, 1 are there", 43)),
        (b"\x03\x03" + bytes(33) + b"\0\2ab\1\0\0\0x", Malformed("1 bytes follow the ClientHello", 43)),
    ],
)
def test_what_is_wrong_with_a_hello(body: bytes, expected: Malformed) -> None:
    assert parse_message(names.CLIENT_HELLO, body) == expected


def test_the_suite_decides_what_a_key_exchange_is() -> None:
    kind = names.SERVER_KEY_EXCHANGE
    point = EcdheKeyExchange(24, b"\x04\xaa\xbb", 0x0603, b"\x30\0")
    assert parse_message(kind, SKE, Context(names.TLS_1_2, ECDHE_RSA)) == point
    assert parse_message(kind, SKE) == point
    assert parse_message(kind, SKE, Context(names.TLS_1_2, PSK)) == Opaque(SKE)
    dhe = DheKeyExchange(b"p", b"g", b"y", 0x0401, b"s")
    assert parse_message(kind, dhe.emit(), Context(names.TLS_1_2, DHE_RSA)) == dhe
    older = DheKeyExchange(b"p", b"g", b"y", None, b"s")
    assert parse_message(kind, older.emit(), Context(names.TLS_1_0, DHE_RSA)) == older


def test_explicit_curves_are_refused() -> None:
    found = parse_message(names.SERVER_KEY_EXCHANGE, b"\x01" + SKE[1:])
    assert found == Malformed("curve type 1 is not named_curve (3)", 1)


def test_a_datagram_of_two_records() -> None:
    both = [DtlsRecord(22, 0xFEFD, 0, n, b"abc") for n in range(2)]
    assert parse_datagram(b"".join(record.emit() for record in both)) == both
    assert parse_datagram(both[0].emit()[:-1]) == [Malformed("the fragment needs 3 bytes, 2 are there", 13)]
    assert parse_datagram(b"\x16\x03\x03") == [Malformed("no DTLS record: its version is 0x0303", 3)]


def dtls_fragment(number: int, length: int, offset: int, data: bytes) -> bytes:
    head = bytes((names.CLIENT_HELLO,)) + length.to_bytes(3, "big") + number.to_bytes(2, "big")
    return head + offset.to_bytes(3, "big") + len(data).to_bytes(3, "big") + data


def dtls_messages(reader: DtlsHandshakeReader, *fragments: bytes) -> list[RawMessage | Malformed]:
    """What comes of them, each in a record of its own."""
    return [
        found for data in fragments for found in reader.feed(Record(names.HANDSHAKE, names.DTLS_1_2, len(data), data))
    ]


def test_fragments_of_dtls_in_any_order_and_twice() -> None:
    parts = [dtls_fragment(0, 6, 0, b"abc"), dtls_fragment(0, 6, 2, b"cdef"), dtls_fragment(1, 0, 0, b"")]
    reader = DtlsHandshakeReader()
    assert dtls_messages(reader, parts[1], parts[2], parts[2], parts[1], parts[0], parts[0]) == [
        RawMessage(1, b"", 1, 12),
        RawMessage(1, b"abcdef", 3, 16),
    ]
    assert reader.pending == 0
    assert dtls_messages(DtlsHandshakeReader(), parts[0] + parts[2], parts[1]) == [
        RawMessage(1, b"", 1, 27),
        RawMessage(1, b"abcdef", 2, 27),
    ]


def test_fragments_of_dtls_that_cannot_be() -> None:
    reader = DtlsHandshakeReader()
    (beyond,) = dtls_messages(reader, dtls_fragment(0, 50, 49, b"ab"))
    assert beyond == Malformed("bytes 49 to 51 of a message of 50", 12)
    assert isinstance(dtls_messages(reader, dtls_fragment(0, 50, 0, b"ab")[:-1])[0], Malformed)
    assert dtls_messages(reader, *(dtls_fragment(n, 100_000, 0, b"a") for n in range(2)))[0] == Malformed(
        "messages of more than 132096 bytes", 13
    )
    assert len(dtls_messages(DtlsHandshakeReader(), *(dtls_fragment(n, 0, 0, b"") for n in range(100)))) == 64


def test_fragments_of_dtls_that_disagree_about_their_message() -> None:
    """A length that grows would let a message grow without end."""
    reader = DtlsHandshakeReader()
    assert dtls_messages(reader, dtls_fragment(0, 10, 0, b"a")) == []
    assert dtls_messages(reader, dtls_fragment(0, 1000, 500, b"b" * 100)) == [
        Malformed("a fragment of a message of 1000 bytes, which had 10", 112)
    ]
    assert reader.pending == 20
    assert dtls_messages(reader, dtls_fragment(0, 10, 1, b"bcdefghij")) == [RawMessage(1, b"abcdefghij", 2, 21)]


def test_no_more_messages_of_dtls_are_begun_than_are_looked_at() -> None:
    reader = DtlsHandshakeReader()
    assert dtls_messages(reader, *(dtls_fragment(n, 1, 0, b"") for n in range(100))) == []
    assert reader.pending == 2 * 64
