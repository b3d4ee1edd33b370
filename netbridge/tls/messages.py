# SPDX-License-Identifier: GPL-2.0-or-later
"""Handshake messages of TLS 1.2 (RFC 5246 section 7.4, RFC 8422 section 5) and the hellos of its relatives.

Each has `parse(cursor)`, which raises MalformedError for `cursor.attempt` to catch, and `emit()`, the body without the
message's header. `parse(emit(x)) == x`.
"""

from __future__ import annotations

from dataclasses import dataclass

from stm32emu.netbridge.tls.cursor import Cursor, uints, vector, vectors
from stm32emu.netbridge.tls.extensions import Extension, Extensions, emit_extensions, parse_extensions
from stm32emu.netbridge.tls.names import TLS_1_3

NAMED_CURVE = 3
RANDOM_SIZE = 32


@dataclass(frozen=True, slots=True)
class ClientHello:
    """`cookie` is DTLS's (RFC 6347 section 4.2.1), None in TLS."""

    version: int
    random: bytes
    session_id: bytes = b""
    suites: tuple[int, ...] = ()
    compressions: bytes = b"\0"
    extensions: tuple[Extension, ...] = ()
    cookie: bytes | None = None

    @classmethod
    def parse(cls, cursor: Cursor, dtls: bool = False) -> ClientHello:
        """SSL 3.0 to TLS 1.3, or DTLS."""
        version = cursor.uint(2, "the version")
        random = cursor.take(RANDOM_SIZE, "the random")
        session_id = cursor.vector(1, "the session id")
        cookie = cursor.vector(1, "the cookie") if dtls else None
        suites = cursor.uints(2, 2, "the cipher suites")
        compressions = cursor.vector(1, "the compression methods")
        return cls(version, random, session_id, suites, compressions, parse_extensions(cursor), cookie)

    def emit(self) -> bytes:
        """The body."""
        head = self.version.to_bytes(2, "big") + self.random + vector(1, self.session_id)
        cookie = b"" if self.cookie is None else vector(1, self.cookie)
        offers = uints(2, 2, self.suites) + vector(1, self.compressions)
        return head + cookie + offers + emit_extensions(self.extensions)

    @property
    def says(self) -> Extensions:
        """What its extensions say."""
        return Extensions(self.extensions, from_client=True)

    @property
    def versions(self) -> tuple[int, ...]:
        """What it offers: supported_versions, or everything up to its version."""
        return self.says.versions or (self.version,)


@dataclass(frozen=True, slots=True)
class ServerHello:
    """The server's choice."""

    version: int
    random: bytes
    session_id: bytes = b""
    suite: int = 0
    compression: int = 0
    extensions: tuple[Extension, ...] = ()

    @classmethod
    def parse(cls, cursor: Cursor) -> ServerHello:
        """TLS 1.0 to 1.3, and DTLS."""
        version = cursor.uint(2, "the version")
        random = cursor.take(RANDOM_SIZE, "the random")
        session_id = cursor.vector(1, "the session id")
        suite = cursor.uint(2, "the cipher suite")
        compression = cursor.uint(1, "the compression method")
        return cls(version, random, session_id, suite, compression, parse_extensions(cursor))

    def emit(self) -> bytes:
        """The body."""
        head = self.version.to_bytes(2, "big") + self.random + vector(1, self.session_id)
        return head + self.suite.to_bytes(2, "big") + bytes((self.compression,)) + emit_extensions(self.extensions)

    @property
    def says(self) -> Extensions:
        """What its extensions say."""
        return Extensions(self.extensions, from_client=False)

    @property
    def chosen_version(self) -> int:
        """TLS 1.3 says it in an extension (RFC 8446 section 4.1.3)."""
        return (self.says.versions or (self.version,))[0]

    @property
    def is_tls_1_3(self) -> bool:
        """Whether all that follows is encrypted."""
        return self.chosen_version == TLS_1_3


@dataclass(frozen=True, slots=True)
class HelloVerifyRequest:
    """DTLS: come again with this cookie."""

    version: int
    cookie: bytes

    @classmethod
    def parse(cls, cursor: Cursor) -> HelloVerifyRequest:
        """RFC 6347 section 4.2.1."""
        return cls(cursor.uint(2, "the version"), cursor.vector(1, "the cookie"))

    def emit(self) -> bytes:
        """The body."""
        return self.version.to_bytes(2, "big") + vector(1, self.cookie)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Certificates in DER, the sender's own first; none from a client that has none."""

    certificates: tuple[bytes, ...] = ()

    @classmethod
    def parse(cls, cursor: Cursor) -> Certificate:
        """RFC 5246 section 7.4.2."""
        return cls(cursor.vectors(3, 3, "the certificates", "a certificate"))

    def emit(self) -> bytes:
        """The body."""
        return vectors(3, 3, self.certificates)


@dataclass(frozen=True, slots=True)
class EcdheKeyExchange:
    """ServerKeyExchange with a point: the server's ephemeral public key on a named curve, and its signature.

    `scheme` is None before TLS 1.2, `signature` None for suites without one.
    """

    group: int
    point: bytes
    scheme: int | None = None
    signature: bytes | None = None

    POINT_AT = 4  # offset of the point in the body

    @classmethod
    def parse(cls, cursor: Cursor, signed: bool = True, with_scheme: bool = True) -> EcdheKeyExchange:
        """RFC 8422 section 5.4. Explicit curves, which nobody sends, are refused."""
        kind = cursor.uint(1, "the curve type")
        if kind != NAMED_CURVE:
            raise cursor.fail(f"curve type {kind} is not named_curve ({NAMED_CURVE})")
        group, point = cursor.uint(2, "the named curve"), cursor.vector(1, "the point")
        return cls(group, point, *(_parse_signature(cursor, with_scheme) if signed else ()))

    def emit(self) -> bytes:
        """The body."""
        return self.parameters + _emit_signature(self.scheme, self.signature)

    @property
    def parameters(self) -> bytes:
        """What is signed, behind the two randoms."""
        return bytes((NAMED_CURVE,)) + self.group.to_bytes(2, "big") + vector(1, self.point)


@dataclass(frozen=True, slots=True)
class DheKeyExchange:
    """ServerKeyExchange of the finite fields: prime, generator and public value, big-endian."""

    prime: bytes
    generator: bytes
    public: bytes
    scheme: int | None = None
    signature: bytes | None = None

    @classmethod
    def parse(cls, cursor: Cursor, signed: bool = True, with_scheme: bool = True) -> DheKeyExchange:
        """RFC 5246 section 7.4.3."""
        prime, generator = cursor.vector(2, "the prime"), cursor.vector(2, "the generator")
        public = cursor.vector(2, "the public value")
        return cls(prime, generator, public, *(_parse_signature(cursor, with_scheme) if signed else ()))

    def emit(self) -> bytes:
        """The body."""
        return self.parameters + _emit_signature(self.scheme, self.signature)

    @property
    def parameters(self) -> bytes:
        """What is signed, behind the two randoms."""
        return vector(2, self.prime) + vector(2, self.generator) + vector(2, self.public)


def _parse_signature(cursor: Cursor, with_scheme: bool) -> tuple[int | None, bytes]:
    """A digitally-signed struct (RFC 5246 section 4.7): its scheme, which TLS 1.2 brought, and the signature."""
    scheme = cursor.uint(2, "the signature algorithm") if with_scheme else None
    return scheme, cursor.vector(2, "the signature")


def _emit_signature(scheme: int | None, signature: bytes | None) -> bytes:
    if signature is None:
        return b""
    return (b"" if scheme is None else scheme.to_bytes(2, "big")) + vector(2, signature)


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """Kinds of certificates that the server takes, schemes (none before TLS 1.2), and names of authorities in DER."""

    types: tuple[int, ...]
    schemes: tuple[int, ...] | None = ()
    authorities: tuple[bytes, ...] = ()

    @classmethod
    def parse(cls, cursor: Cursor, with_schemes: bool = True) -> CertificateRequest:
        """RFC 5246 section 7.4.4."""
        types = cursor.uints(1, 1, "the certificate types")
        schemes = cursor.uints(2, 2, "the signature algorithms") if with_schemes else None
        return cls(types, schemes, cursor.vectors(2, 2, "the authorities", "an authority"))

    def emit(self) -> bytes:
        """The body."""
        schemes = b"" if self.schemes is None else uints(2, 2, self.schemes)
        return uints(1, 1, self.types) + schemes + vectors(2, 2, self.authorities)


@dataclass(frozen=True, slots=True)
class ClientKeyExchange:
    """The client's half of the key exchange: a point, a Diffie-Hellman value or an encrypted secret.

    `length_size` is 1 for a point and 2 for the others.
    """

    value: bytes
    length_size: int = 1

    @classmethod
    def parse(cls, cursor: Cursor, length_size: int = 1) -> ClientKeyExchange:
        """RFC 5246 section 7.4.7, RFC 8422 section 5.7."""
        return cls(cursor.vector(length_size, "the client's value"), length_size)

    def emit(self) -> bytes:
        """The body."""
        return vector(self.length_size, self.value)


@dataclass(frozen=True, slots=True)
class CertificateVerify:
    """The client's signature over the handshake; `scheme` is None before TLS 1.2."""

    scheme: int | None
    signature: bytes

    @classmethod
    def parse(cls, cursor: Cursor, with_scheme: bool = True) -> CertificateVerify:
        """RFC 5246 section 7.4.8."""
        return cls(*_parse_signature(cursor, with_scheme))

    def emit(self) -> bytes:
        """The body."""
        return _emit_signature(self.scheme, self.signature)


@dataclass(frozen=True, slots=True)
class NewSessionTicket:
    """RFC 5077 section 3.3; `lifetime` in seconds."""

    lifetime: int
    ticket: bytes

    @classmethod
    def parse(cls, cursor: Cursor) -> NewSessionTicket:
        """The body."""
        return cls(cursor.uint(4, "the lifetime"), cursor.vector(2, "the ticket"))

    def emit(self) -> bytes:
        """The body."""
        return self.lifetime.to_bytes(4, "big") + vector(2, self.ticket)


@dataclass(frozen=True, slots=True)
class Opaque:
    """A message that is not looked into: it is empty by nature, or what it means depends on what was not seen."""

    body: bytes = b""

    @classmethod
    def parse(cls, cursor: Cursor) -> Opaque:
        """Anything."""
        return cls(cursor.rest())

    def emit(self) -> bytes:
        """The body."""
        return self.body


Message = (
    ClientHello
    | ServerHello
    | HelloVerifyRequest
    | Certificate
    | EcdheKeyExchange
    | DheKeyExchange
    | CertificateRequest
    | ClientKeyExchange
    | CertificateVerify
    | NewSessionTicket
    | Opaque
)
