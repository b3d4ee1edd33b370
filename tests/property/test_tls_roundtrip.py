# SPDX-License-Identifier: GPL-2.0-or-later
"""The TLS codec: parse(emit(x)) == x, any split of the input gives the same transcript, and nothing raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stm32emu.netbridge.tls import messages, names
from stm32emu.netbridge.tls.dtls import DtlsHandshakeReader
from stm32emu.netbridge.tls.extensions import Extension, Extensions
from stm32emu.netbridge.tls.handshake import Context, parse_message
from stm32emu.netbridge.tls.observer import Observer
from stm32emu.netbridge.tls.records import DtlsRecord, Record, parse_datagram
from stm32emu.netbridge.tls.transcript import Moment, Side
from tls_samples import Flight, handshake, identity

ECDHE, DHE = 0xC02B, 0x009E
u8, u16, u24 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 24))
randoms = st.binary(min_size=32, max_size=32)
short, long = st.binary(max_size=255), st.binary(max_size=600)
numbers = st.lists(u16, max_size=20).map(tuple)
extensions = st.lists(st.builds(Extension, u16, long), max_size=5).map(tuple)
ders = st.lists(long, max_size=3).map(tuple)

MESSAGES = {
    names.CLIENT_HELLO: st.builds(messages.ClientHello, u16, randoms, short, numbers, short, extensions),
    names.SERVER_HELLO: st.builds(messages.ServerHello, u16, randoms, short, u16, u8, extensions),
    names.HELLO_VERIFY_REQUEST: st.builds(messages.HelloVerifyRequest, u16, short),
    names.NEW_SESSION_TICKET: st.builds(messages.NewSessionTicket, st.integers(0, 2**32 - 1), long),
    names.CERTIFICATE: st.builds(messages.Certificate, ders),
    names.SERVER_KEY_EXCHANGE: st.builds(messages.EcdheKeyExchange, u16, short, u16, long),
    names.CERTIFICATE_REQUEST: st.builds(
        messages.CertificateRequest, st.lists(u8, max_size=5).map(tuple), numbers, ders
    ),
    names.CERTIFICATE_VERIFY: st.builds(messages.CertificateVerify, u16, long),
    names.CLIENT_KEY_EXCHANGE: st.builds(messages.ClientKeyExchange, short),
    names.FINISHED: st.builds(messages.Opaque, short),
}


@pytest.mark.parametrize("kind", MESSAGES)
@given(data=st.data())
def test_parse_takes_apart_what_emit_made(kind: int, data: st.DataObject) -> None:
    message = data.draw(MESSAGES[kind])
    assert parse_message(kind, message.emit(), Context(names.TLS_1_2, ECDHE)) == message


@given(st.builds(messages.DheKeyExchange, long, long, long, u16, long))
def test_finite_fields(message: messages.DheKeyExchange) -> None:
    kind, context = names.SERVER_KEY_EXCHANGE, Context(names.TLS_1_2, DHE)
    assert parse_message(kind, message.emit(), context) == message


@given(st.builds(messages.ClientHello, u16, randoms, short, numbers, short, extensions, short))
def test_hellos_of_dtls(message: messages.ClientHello) -> None:
    assert parse_message(names.CLIENT_HELLO, message.emit(), Context(dtls=True)) == message


@given(st.builds(DtlsRecord, u8, st.sampled_from([0xFEFD, 0xFEFF]), u16, st.integers(0, 2**48 - 1), long))
def test_records_of_dtls(record: DtlsRecord) -> None:
    assert parse_datagram(record.emit()) == [record]


@given(u8, st.binary(max_size=300), st.sampled_from([None, ECDHE, DHE]), st.booleans())
def test_nothing_raises(kind: int, body: bytes, suite: int | None, dtls: bool) -> None:
    parse_message(kind, body, Context(names.TLS_1_2, suite, dtls))
    parse_datagram(body)
    list(DtlsHandshakeReader().feed(Record(names.HANDSHAKE, names.DTLS_1_2, len(body), body)))


@given(extensions, st.booleans())
def test_extensions_say_something_or_none(given: tuple[Extension, ...], from_client: bool) -> None:
    says = Extensions(given, from_client)
    for name in ("groups", "schemes", "versions", "fragment_length", "server_name", "protocols"):
        getattr(says, name)


FLIGHTS = handshake(identity())


def observe(pieces: list[Flight]) -> Observer:
    observer = Observer()
    for side, data in pieces:
        observer.receive(side, data, Moment(0))
    return observer


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30), st.binary(max_size=30), st.integers(0, 5))
def test_any_split_gives_the_same_transcript(sizes: list[int], garbage: bytes, where: int) -> None:
    flights = [*FLIGHTS[:where], (Side.CLIENT, garbage + FLIGHTS[0][1]), *FLIGHTS[where:]]
    pieces = []
    for n, (side, data) in enumerate(flights):
        while data:
            size = sizes[(n + len(pieces)) % len(sizes)]
            pieces.append((side, data[:size]))
            data = data[size:]
    assert observe(pieces).transcript == observe(flights).transcript


@given(st.lists(st.tuples(st.sampled_from(Side), st.binary(max_size=100)), max_size=20), st.booleans())
def test_the_observer_takes_anything(pieces: list[Flight], midway: bool) -> None:
    observer = Observer(midway=midway)
    for side, data in pieces:
        observer.receive(side, data, Moment(0))
        observer.lose(side, len(data), Moment(0))
