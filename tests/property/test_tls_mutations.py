# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged handshakes: whatever happens to their bytes, observer and doctor say something, soon, in bounded memory.

STM32EMU_MUTATIONS asks for another number (`make mutations`); every one is made from its number alone.
"""

from __future__ import annotations

import os
import ssl
from random import Random

from paper_device import Device, alert, client_hello, data, finished, point_on, record
from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.certificate import parse_certificate
from stm32emu.netbridge.tls.device import Device as KnownDevice
from stm32emu.netbridge.tls.doctor import diagnose
from stm32emu.netbridge.tls.evidence import Evidence, chain_of
from stm32emu.netbridge.tls.handshake import MAX_MESSAGE
from stm32emu.netbridge.tls.ladder import connection_data, render, verdict_data
from stm32emu.netbridge.tls.messages import CertificateRequest, ClientKeyExchange
from stm32emu.netbridge.tls.observer import LONGEST, Observer
from stm32emu.netbridge.tls.records import MAX_FRAGMENT
from stm32emu.netbridge.tls.transcript import MAX_EVENTS, End, Moment, Side
from stm32emu.netbridge.tls.verdict import Case
from tls_samples import Flight, handshake, identity

MUTATIONS = int(os.environ.get("STM32EMU_MUTATIONS", "2000"))
WHO = identity()
MOST_KEPT = 2 * (MAX_FRAGMENT + MAX_MESSAGE)


def paper() -> list[Flight]:
    """With everything that OpenSSL's own handshakes below do not have."""
    hello = client_hello("mbedtls")
    request = record(names.CERTIFICATE_REQUEST, CertificateRequest((64,), (0x0603,), (b"name",)))
    exchange = record(names.CLIENT_KEY_EXCHANGE, ClientKeyExchange(point_on(24)))
    flight = Device(WHO, wrong_signature=True).messages(hello)
    flight = {**flight, names.CERTIFICATE_REQUEST: request}
    return [
        (Side.CLIENT, record(names.CLIENT_HELLO, hello)),
        (Side.SERVER, b"".join(flight[kind] for kind in sorted(flight))),
        (Side.CLIENT, exchange + finished()),
        (Side.SERVER, finished() + data(500)),
    ]


def refused(sent: int) -> list[Flight]:
    """By a client that has something against the certificates."""
    hello = client_hello("mbedtls")
    flight = Device(WHO, certificates=2).flight(hello)
    return [(Side.CLIENT, record(names.CLIENT_HELLO, hello)), (Side.SERVER, flight), (Side.CLIENT, alert(sent))]


SOURCES = [handshake(WHO), handshake(WHO, ssl.TLSVersion.TLSv1_3), paper(), *map(refused, (42, 45, 46, 48))]
KNOWN = KnownDevice(roots=(parse_certificate(WHO.der),))


def flip(random: Random, flight: bytearray) -> None:
    flight[random.randrange(len(flight))] ^= 1 << random.randrange(8)


def overwrite(random: Random, flight: bytearray) -> None:
    at = random.randrange(len(flight))
    flight[at : at + 4] = random.randbytes(random.randrange(1, 5))


def delete(random: Random, flight: bytearray) -> None:
    at = random.randrange(len(flight))
    del flight[at : at + random.randrange(1, 40)]


def repeat(random: Random, flight: bytearray) -> None:
    at = random.randrange(len(flight))
    flight[at:at] = flight[at : at + random.randrange(1, 200)]


def extremes(random: Random, flight: bytearray) -> None:
    at = random.randrange(len(flight))
    flight[at : at + 2] = random.choice((b"\0\0", b"\xff\xff", b"\x40\0"))


def truncate(random: Random, flight: bytearray) -> None:
    del flight[random.randrange(1, len(flight) + 1) :]


WAYS = (flip, overwrite, delete, repeat, extremes, truncate)


def mutated(number: int) -> tuple[Random, list[Flight]]:
    random = Random(number)
    flights = [(side, bytearray(flight)) for side, flight in random.choice(SOURCES)]
    for _ in range(random.randrange(1, 4)):
        _side, flight = random.choice(flights)
        if flight:
            random.choice(WAYS)(random, flight)
    return random, [(side, bytes(flight)) for side, flight in flights]


def watch(number: int) -> Observer:
    """One of them, in pieces, some of them lost."""
    random, flights = mutated(number)
    observer = Observer(number + 1, midway=random.random() < 0.1)
    for n, (side, flight) in enumerate(flights):
        cut = random.randrange(len(flight) + 1)
        observer.receive(side, flight[:cut], Moment(n))
        if random.random() < 0.1:
            observer.lose(side, random.randrange(1, 3000), Moment(n))
        observer.receive(side, flight[cut:], Moment(n))
        assert observer.kept <= MOST_KEPT
    if random.random() < 0.5:
        observer.end(random.choice(list(Side)), random.choice([End.CLOSED, End.RESET]), Moment(9))
    observer.on_timer(Moment(2 * LONGEST))
    return observer


def test_mutations() -> None:
    before: list[Evidence] = []
    for number in range(MUTATIONS):
        transcript = watch(number).transcript
        assert len(transcript.events) <= MAX_EVENTS + 2
        assert transcript.complete or transcript.ends()
        evidence = Evidence(transcript, chain_of(transcript))
        verdict = diagnose(Case([*before, evidence], KNOWN))
        assert verdict.title
        assert render(evidence, verdict)
        assert connection_data(evidence)
        assert verdict_data(verdict)
        before = [*before, evidence][-2:]
