# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS handshakes for tests: OpenSSL talks to itself in memory, with certificates that are made here."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from stm32emu.netbridge.tls.observer import Observer
from stm32emu.netbridge.tls.transcript import End, Moment, Side, Transcript

Flight = tuple[Side, bytes]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Hash = type[hashes.SHA256] | type[hashes.SHA384]


@dataclass(frozen=True)
class Identity:
    """A self-signed certificate and its key."""

    key: PrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(encoding, kind, serialization.NoEncryption()) + self.certificate.public_bytes(
            encoding
        )


def identity(
    key: PrivateKey | None = None,
    days: int = 3650,
    name: str = "localhost",
    hashing: Hash = hashes.SHA256,
) -> Identity:
    """With a key on secp256r1 unless one is given, valid from 2020 for `days`."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return Identity(key, builder.sign(key, hashing()))


def server_context(who: Identity, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(who.pem)
        context.load_cert_chain(file.name)
    context.maximum_version = version
    context.minimum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def client_context(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def handshake(
    who: Identity,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    prepare: Callable[[ssl.SSLContext, ssl.SSLContext], None] = lambda client, server: None,
) -> list[Flight]:
    """Everything both sides send up to the handshake's end, and an exchange of data. `prepare` changes the contexts."""
    contexts = {Side.CLIENT: client_context(version), Side.SERVER: server_context(who, version)}
    prepare(contexts[Side.CLIENT], contexts[Side.SERVER])
    inputs = {side: ssl.MemoryBIO() for side in Side}
    outputs = {side: ssl.MemoryBIO() for side in Side}
    peers = {side: contexts[side].wrap_bio(inputs[side], outputs[side], side is Side.SERVER) for side in Side}
    flights: list[Flight] = []
    for step in ("do_handshake", "do_handshake", "do_handshake", "write", "read"):
        for side in Side:
            with suppress(ssl.SSLError):
                getattr(peers[side], step)(*({"write": (b"data",), "read": (100,)}.get(step, ())))
            data = outputs[side].read()
            if data:
                flights.append((side, data))
                inputs[side.other].write(data)
    return flights


def observe(flights: list[Flight], number: int = 1) -> Transcript:
    """The transcript of a connection that both sides close."""
    observer = Observer(number)
    for n, (side, data) in enumerate(flights):
        observer.receive(side, data, Moment(n))
    for side in Side:
        observer.end(side, End.CLOSED, Moment(len(flights)))
    return observer.transcript
