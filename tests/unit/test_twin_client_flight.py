# SPDX-License-Identifier: GPL-2.0-or-later
"""The second flight of a client, as the Python TLS server takes it: points, certificates and their signatures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.algorithms import ECDSA, GROUPS, Scheme
from stm32emu.netbridge.tls.certificate import parse_certificate
from stm32emu.netbridge.tls.cursor import uints
from stm32emu.netbridge.tls.curve_table import CURVES
from stm32emu.netbridge.tls.curves import MONTGOMERY_CURVES, X25519
from stm32emu.netbridge.tls.handshake import RawMessage
from stm32emu.netbridge.tls.messages import Certificate, CertificateVerify, ClientKeyExchange
from stm32emu.netbridge.tls.server import Closed, Server
from stm32emu.netbridge.tls.twin import key_agreement
from stm32emu.netbridge.tls.twin.handshake import State
from stm32emu.netbridge.tls.twin.policy import ClientAuth, Policy
from stm32emu.netbridge.tls.twin.signing import sign
from tls_samples import Identity, identity
from twin_flights import make_server, record, say, with_extension

EC_GROUPS = tuple(group for group in key_agreement.GROUPS if group in CURVES)


def after_hello(policy: Policy, group: int = X25519) -> tuple[Server, bytes]:
    """A server that has said its flight, and all messages up to there."""
    server = make_server(replace(policy, groups=(group,)))
    hello = with_extension(names.SUPPORTED_GROUPS, uints(2, 2, (group, 23)))
    server.receive(said := say(hello))
    records, messages = server.take_output(), said[5:]
    while records:
        size = int.from_bytes(records[3:5], "big")
        messages += records[5 : 5 + size]
        records = records[5 + size :]
    return server, messages


def alert_of(server: Server, kind: int, body: bytes) -> int | None:
    """The alert that refuses a message; None if it is taken."""
    events = server.receive(record(names.HANDSHAKE, RawMessage(kind, body).emit()))
    if not events:
        return None
    (event,) = events
    assert isinstance(event, Closed)
    assert event.error is not None
    return event.error.description


# Points


def point_on(group: int) -> bytes:
    """The base point."""
    curve = CURVES[group]
    return b"\4" + curve.x.to_bytes(curve.size, "big") + curve.y.to_bytes(curve.size, "big")


BAD_POINTS: dict[str, Callable[[bytes], bytes]] = {
    "off the curve": lambda point: point[:-1] + bytes((point[-1] ^ 1,)),
    "with a coordinate that is too large": lambda point: b"\4" + b"\xff" * (len(point) - 1),
    "zero": lambda point: b"\4" + bytes(len(point) - 1),
    "at infinity": lambda point: b"\0",
    "compressed": lambda point: bytes((2 | point[-1] & 1,)) + point[1 : 1 + len(point) // 2],
    "hybrid": lambda point: bytes((6 | point[-1] & 1,)) + point[1:],
    "a byte too short": lambda point: point[:-1],
    "a byte too long": lambda point: point + b"\0",
}


@pytest.mark.parametrize("group", EC_GROUPS, ids=lambda code: GROUPS[code])
def test_points(group: int) -> None:
    """RFC 8422 section 5.10: a point that is none is an illegal parameter."""
    good = point_on(group)
    for what, point in {what: spoil(good) for what, spoil in BAD_POINTS.items()}.items():
        server, _ = after_hello(Policy(), group)
        assert alert_of(server, names.CLIENT_KEY_EXCHANGE, ClientKeyExchange(point).emit()) == 47, what
    server, _ = after_hello(Policy(), group)
    assert alert_of(server, names.CLIENT_KEY_EXCHANGE, ClientKeyExchange(good).emit()) is None
    assert server.state is State.CHANGE


ORDER_8 = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
"""Of X25519."""


@pytest.mark.parametrize("group", MONTGOMERY_CURVES, ids=lambda code: GROUPS[code])
def test_keys_of_small_order(group: int) -> None:
    """Their secret is zero (RFC 7748 sections 6.1 and 6.2), and nothing is a key but so many bytes."""
    size, p = MONTGOMERY_CURVES[group].size, MONTGOMERY_CURVES[group].p
    small = (0, 1, p - 1, p, p + 1, *(ORDER_8 if group == X25519 else ()))
    for key in [u.to_bytes(size, "little") for u in small] + [bytes(size - 1), bytes(size + 1)]:
        server, _ = after_hello(Policy(), group)
        assert alert_of(server, names.CLIENT_KEY_EXCHANGE, ClientKeyExchange(key).emit()) == 47, key.hex()
    server, _ = after_hello(Policy(), group)
    assert alert_of(server, names.CLIENT_KEY_EXCHANGE, ClientKeyExchange(b"").emit()) == 50
    server, _ = after_hello(Policy(), group)
    assert alert_of(server, names.CLIENT_KEY_EXCHANGE, ClientKeyExchange((9).to_bytes(size, "little")).emit()) is None


# Certificates

KEY_EXCHANGE = ClientKeyExchange(X25519PrivateKey.generate().public_key().public_bytes_raw())
ELLIPTIC = identity(ec.generate_private_key(ec.SECP256R1()))
CLASSIC = identity(rsa.generate_private_key(65537, 2048))


class Flight:
    """A client's, one message at a time; it knows what has been said."""

    def __init__(self, who: Identity | None, auth: ClientAuth = ClientAuth.REQUIRED) -> None:
        trusted = parse_certificate((who or ELLIPTIC).der)
        self.server, self.said = after_hello(Policy(client_auth=auth, authorities=(trusted,)))
        chain = (who.der,) if who else ()
        self.refused = self.says(names.CERTIFICATE, Certificate(chain).emit())

    def says(self, kind: int, body: bytes) -> int | None:
        self.said += RawMessage(kind, body).emit()
        return alert_of(self.server, kind, body)

    def verifies(self, scheme: int, signature: bytes) -> int | None:
        return self.says(names.CERTIFICATE_VERIFY, CertificateVerify(scheme, signature).emit())


@pytest.mark.parametrize("scheme", Policy().requested, ids=lambda code: str(Scheme(code)))
def test_certificate_verify(scheme: int) -> None:
    """With every hash that is asked for."""
    who = ELLIPTIC if Scheme(scheme).signature == ECDSA else CLASSIC
    flight = Flight(who)
    assert flight.says(names.CLIENT_KEY_EXCHANGE, KEY_EXCHANGE.emit()) is None
    assert flight.verifies(scheme, sign(who.key, Scheme(scheme), flight.said)) is None
    assert flight.server.state is State.CHANGE


SHA_256_ECDSA, SHA_256_RSA, SHA_1_ECDSA, PSS = 0x0403, 0x0401, 0x0203, 0x0804
BAD_PROOFS: dict[str, tuple[int, Callable[[bytes], bytes], int]] = {
    "a hash that was not asked for": (SHA_1_ECDSA, lambda said: signed(ELLIPTIC, SHA_1_ECDSA, said), 47),
    "RSA-PSS, which was not asked for": (PSS, lambda said: b"signature", 47),
    "another kind of key": (SHA_256_RSA, lambda said: signed(CLASSIC, SHA_256_RSA, said), 51),
    "another key": (SHA_256_ECDSA, lambda said: signed(identity(), SHA_256_ECDSA, said), 51),
    "another hash than it says": (SHA_256_ECDSA, lambda said: signed(ELLIPTIC, 0x0503, said), 51),
    "another conversation": (SHA_256_ECDSA, lambda said: signed(ELLIPTIC, SHA_256_ECDSA, said[:-1]), 51),
    "no signature": (SHA_256_ECDSA, lambda said: b"", 51),
}


def signed(who: Identity, scheme: int, said: bytes) -> bytes:
    return sign(who.key, Scheme(scheme), said)


@pytest.mark.parametrize("what", BAD_PROOFS)
def test_certificate_verify_with(what: str) -> None:
    scheme, signature, alert = BAD_PROOFS[what]
    flight = Flight(ELLIPTIC)
    flight.says(names.CLIENT_KEY_EXCHANGE, KEY_EXCHANGE.emit())
    assert flight.verifies(scheme, signature(flight.said)) == alert


@pytest.mark.parametrize("auth", [ClientAuth.OPTIONAL, ClientAuth.REQUIRED])
def test_a_certificate_is_to_be_proven(auth: ClientAuth) -> None:
    """ChangeCipherSpec cannot come before CertificateVerify."""
    flight = Flight(ELLIPTIC, auth)
    flight.says(names.CLIENT_KEY_EXCHANGE, KEY_EXCHANGE.emit())
    (event,) = flight.server.receive(record(names.CHANGE_CIPHER_SPEC, b"\1"))
    assert isinstance(event, Closed)
    assert str(event.error).startswith("10 unexpected_message")


def test_no_certificate_is_no_certificate() -> None:
    """An empty list is refused by 40 where one is needed (RFC 5246 section 7.4.6); else it needs no proof."""
    assert Flight(None).refused == 40
    flight = Flight(None, ClientAuth.OPTIONAL)
    assert flight.says(names.CLIENT_KEY_EXCHANGE, KEY_EXCHANGE.emit()) is None
    assert flight.server.state is State.CHANGE
    assert flight.verifies(SHA_256_ECDSA, b"signature") == 10


def test_a_certificate_that_was_not_asked_for() -> None:
    assert Flight(ELLIPTIC, ClientAuth.NONE).refused == 10
