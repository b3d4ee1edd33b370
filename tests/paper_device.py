# SPDX-License-Identifier: GPL-2.0-or-later
"""A TLS device on paper: it answers a ClientHello as a real one would, or with one thing wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from secrets import token_bytes

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.cursor import uints
from stm32emu.netbridge.tls.evidence import Evidence, chain_of
from stm32emu.netbridge.tls.extensions import Extension
from stm32emu.netbridge.tls.handshake import RawMessage
from stm32emu.netbridge.tls.messages import (
    Certificate,
    ClientHello,
    ClientKeyExchange,
    EcdheKeyExchange,
    Message,
    Opaque,
    ServerHello,
)
from stm32emu.netbridge.tls.observer import Observer
from stm32emu.netbridge.tls.records import Record
from stm32emu.netbridge.tls.transcript import End, Moment, Side
from tls_samples import Identity

SUITE = 0xC02C
CURVES: dict[int, ec.EllipticCurve] = {23: ec.SECP256R1(), 24: ec.SECP384R1(), 25: ec.SECP521R1()}
HASHES: dict[int, hashes.HashAlgorithm] = {0x0403: hashes.SHA256(), 0x0603: hashes.SHA512()}
FORMATS = {"openssl": b"\3\0\1\2", "mbedtls": b"\1\0"}


def client_hello(
    client: str = "openssl",
    groups: Sequence[int] = (24, 23, 25),
    schemes: Sequence[int] = (0x0603, 0x0403),
    suites: Sequence[int] = (SUITE, 0x00FF),
    version: int = names.TLS_1_2,
    clock: int = 0x60B5FF00,  # June 2021
    more: Sequence[Extension] = (),
) -> ClientHello:
    """As that library would write it."""
    extensions = (
        Extension(names.SUPPORTED_GROUPS, uints(2, 2, groups)),
        Extension(names.EC_POINT_FORMATS, FORMATS[client]),
        Extension(names.SIGNATURE_ALGORITHMS, uints(2, 2, schemes)),
        *more,
    )
    random = clock.to_bytes(4, "big") + token_bytes(28)
    return ClientHello(version, random, b"", tuple(suites), b"\0", extensions)


def record(kind: int, message: Message) -> bytes:
    """A handshake message in a record of its own."""
    whole = RawMessage(kind, message.emit()).emit()
    return Record(names.HANDSHAKE, names.TLS_1_2, len(whole), whole).emit()


def alert(description: int, level: int = names.FATAL) -> bytes:
    return Record(names.ALERT, names.TLS_1_2, 2, bytes((level, description))).emit()


def finished(size: int = 40) -> bytes:
    """ChangeCipherSpec and what is encrypted after it."""
    changed = Record(names.CHANGE_CIPHER_SPEC, names.TLS_1_2, 1, b"\1").emit()
    return changed + Record(names.HANDSHAKE, names.TLS_1_2, size, bytes(size)).emit()


def data(size: int) -> bytes:
    return Record(names.APPLICATION_DATA, names.TLS_1_2, size, bytes(size)).emit()


def point_on(group: int) -> bytes:
    key = ec.generate_private_key(CURVES[group]).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def off_curve(point: bytes) -> bytes:
    return point[:-1] + bytes((point[-1] ^ 1,))


@dataclass
class Device:
    """`key` signs; it is the identity's unless another is given."""

    identity: Identity
    key: ec.EllipticCurvePrivateKey | None = None
    group: int = 24
    suite: int = SUITE
    random: bytes = b""
    extensions: tuple[Extension, ...] = ()
    certificates: int = 1
    wrong_point: bool = False
    wrong_signature: bool = False

    def messages(self, hello: ClientHello) -> dict[int, bytes]:
        """The records of its flight, by message."""
        server = ServerHello(names.TLS_1_2, self.random or token_bytes(32), b"", self.suite, 0, self.extensions)
        return {
            names.SERVER_HELLO: record(names.SERVER_HELLO, server),
            names.CERTIFICATE: record(names.CERTIFICATE, Certificate((self.identity.der,) * self.certificates)),
            names.SERVER_KEY_EXCHANGE: record(names.SERVER_KEY_EXCHANGE, self._exchange(hello, server)),
            names.SERVER_HELLO_DONE: record(names.SERVER_HELLO_DONE, Opaque()),
        }

    def flight(self, hello: ClientHello, last: int = names.SERVER_HELLO_DONE) -> bytes:
        """Up to a message."""
        return b"".join(data for kind, data in self.messages(hello).items() if kind <= last)

    def _exchange(self, hello: ClientHello, server: ServerHello) -> EcdheKeyExchange:
        point = point_on(self.group)
        point = off_curve(point) if self.wrong_point else point
        scheme = (hello.says.schemes or (0x0403,))[0]
        bare = EcdheKeyExchange(self.group, point, scheme, b"")
        signed = hello.random + server.random + bare.parameters
        key = self.key or self.identity.key
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        signature = key.sign(signed + (b"!" if self.wrong_signature else b""), ec.ECDSA(HASHES[scheme]))
        return EcdheKeyExchange(self.group, point, scheme, signature)


@dataclass
class Talk:
    """One connection under way."""

    number: int = 1
    observer: Observer = field(init=False)

    def __post_init__(self) -> None:
        self.observer = Observer(self.number)
        self._now = 0

    def client(self, *pieces: bytes) -> Talk:
        return self._say(Side.CLIENT, pieces)

    def device(self, *pieces: bytes) -> Talk:
        return self._say(Side.SERVER, pieces)

    def _say(self, side: Side, pieces: tuple[bytes, ...]) -> Talk:
        for piece in pieces:
            self._now += 1
            self.observer.receive(side, piece, Moment(self._now))
        return self

    def ends(self, side: Side, how: End = End.CLOSED) -> Talk:
        self.observer.end(side, how, Moment(self._now))
        return self

    def waits(self) -> Talk:
        """Until the observer gives up."""
        assert self.observer.on_timer(Moment(1 << 60))
        return self

    def evidence(self) -> Evidence:
        transcript = self.observer.transcript
        return Evidence(transcript, chain_of(transcript))


def good(device: Device, number: int = 1, hello: ClientHello | None = None) -> Talk:
    """A handshake that comes through, and an exchange of data."""
    hello = hello or client_hello()
    exchange = record(names.CLIENT_KEY_EXCHANGE, ClientKeyExchange(point_on(device.group)))
    talk = Talk(number).client(record(names.CLIENT_HELLO, hello)).device(device.flight(hello))
    talk.client(exchange, finished()).device(finished()).client(data(50)).device(data(500))
    return talk.ends(Side.SERVER).ends(Side.CLIENT)
