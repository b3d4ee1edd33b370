# SPDX-License-Identifier: GPL-2.0-or-later
"""A maker of certificates, good ones and such as no tool would issue: DER is written here, octet by octet."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
NOW = datetime(2026, 1, 15, tzinfo=UTC)
ECDSA = {"sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3", "sha1": "1.2.840.10045.4.1"}
RSA = {"sha256": "1.2.840.113549.1.1.11", "sha1": "1.2.840.113549.1.1.5"}
HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha1": hashes.SHA1()}
USAGES = ("digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement", "keyCertSign")
SERVER, CLIENT = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (size if len(body) < 0x80 else bytes([0x80 | len(size)]) + size) + body


def integer(number: int) -> bytes:
    return tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    octets = bytearray()
    for number in (40 * first + second, *rest):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        octets += bytes(reversed(groups))
    return tlv(6, bytes(octets))


def time(moment: datetime) -> bytes:
    text = f"{moment:%y%m%d%H%M%SZ}" if moment.year < 2050 else f"{moment:%Y%m%d%H%M%SZ}"
    return tlv(0x17 if moment.year < 2050 else 0x18, text.encode())


def name(common: str) -> bytes:
    return tlv(0x30, tlv(0x31, tlv(0x30, oid("2.5.4.3"), tlv(0x0C, common.encode()))))


def pem(der: bytes) -> str:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"


@cache
def key(kind: str, number: int = 0) -> Key:
    """The `number`th key of a kind: a curve's name, or "rsa" and a size."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key(getattr(ec, kind.upper())())


@dataclass(frozen=True)
class Issued:
    """A certificate and the key in it."""

    der: bytes
    subject: str
    key: Key

    @property
    def pem(self) -> str:
        return pem(self.der)


@dataclass(frozen=True)
class Maker:
    """What a certificate shall be; every method returns another maker."""

    subject: str
    kind: str = "secp256r1"
    number: int = 0
    issuer: Issued | None = None
    issuer_name: str | None = None
    begin: datetime = datetime(2025, 1, 1, tzinfo=UTC)
    end: datetime = datetime(2030, 1, 1, tzinfo=UTC)
    serial_number: int = 0x1234
    hash_name: str = "sha256"
    version: int = 3
    extensions: tuple[bytes, ...] = ()
    null: bool = False
    trailing: bytes = field(default=b"", repr=False)

    def on(self, kind: str, number: int = 0) -> Maker:
        return replace(self, kind=kind, number=number)

    def by(self, issuer: Issued, named: str | None = None) -> Maker:
        return replace(self, issuer=issuer, issuer_name=named)

    def valid(self, begin: int, end: int) -> Maker:
        """In years."""
        return replace(self, begin=datetime(begin, 1, 1, tzinfo=UTC), end=datetime(end, 1, 1, tzinfo=UTC))

    def serial(self, number: int) -> Maker:
        return replace(self, serial_number=number)

    def signed_with(self, hash_name: str) -> Maker:
        return replace(self, hash_name=hash_name)

    def extension(self, dotted: str, value: bytes, *, critical: bool = False) -> Maker:
        flag = tlv(1, b"\xff") if critical else b""
        return replace(self, extensions=(*self.extensions, tlv(0x30, oid(dotted), flag, tlv(4, value))))

    def authority(self, length: int | None = None, *, ca: bool = True) -> Maker:
        inside = (tlv(1, b"\xff") if ca else b"") + (integer(length) if length is not None else b"")
        return self.extension("2.5.29.19", tlv(0x30, inside), critical=True)

    def usage(self, *names: str) -> Maker:
        bits = sum(0x80 >> USAGES.index(each) for each in names)
        return self.extension("2.5.29.15", tlv(3, bytes([0, bits])), critical=True)

    def purpose(self, *dotted: str) -> Maker:
        return self.extension("2.5.29.37", tlv(0x30, *map(oid, dotted)))

    def names(self, *hosts: str) -> Maker:
        values = [tlv(0x82, host.encode()) if not _address(host) else tlv(0x87, _address(host)) for host in hosts]
        return self.extension("2.5.29.17", tlv(0x30, *values))

    def key_ids(self) -> Maker:
        """Subject and authority key identifiers, which some verifiers insist on."""
        own = _key_id(key(self.kind, self.number))
        above = _key_id(self.issuer.key) if self.issuer else own
        return self.extension("2.5.29.14", tlv(4, own)).extension("2.5.29.35", tlv(0x30, tlv(0x80, above)))

    def made(self) -> Issued:
        private = key(self.kind, self.number)
        signer = self.issuer.key if self.issuer else private
        algorithm = self._algorithm(signer)
        tbs = tlv(0x30, *self._fields(private, algorithm))
        signature = tlv(3, b"\0" + _sign(signer, tbs, self.hash_name))
        return Issued(tlv(0x30, tbs, algorithm, signature) + self.trailing, self.subject, private)

    def _algorithm(self, signer: Key) -> bytes:
        table = ECDSA if isinstance(signer, ec.EllipticCurvePrivateKey) else RSA
        return tlv(0x30, oid(table[self.hash_name]), tlv(5) if self.null or table is RSA else b"")

    def _fields(self, private: Key, algorithm: bytes) -> Sequence[bytes]:
        issuer = self.issuer_name or (self.issuer.subject if self.issuer else self.subject)
        return (
            tlv(0xA0, integer(self.version - 1)) if self.version > 1 else b"",
            integer(self.serial_number),
            algorithm,
            name(issuer),
            tlv(0x30, time(self.begin), time(self.end)),
            name(self.subject),
            private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            tlv(0xA3, tlv(0x30, *self.extensions)) if self.extensions else b"",
        )


def _sign(signer: Key, tbs: bytes, hash_name: str) -> bytes:
    if isinstance(signer, ec.EllipticCurvePrivateKey):
        return signer.sign(tbs, ec.ECDSA(HASHES[hash_name]))
    return signer.sign(tbs, padding.PKCS1v15(), HASHES[hash_name])


def _address(host: str) -> bytes:
    try:
        return ipaddress.ip_address(host).packed
    except ValueError:
        return b""


def _key_id(private: Key) -> bytes:
    digest = hashes.Hash(hashes.SHA1())
    digest.update(private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize()


# --- a good chain, and makers of its parts ---------------------------------------------------------------------------


def root(subject: str = "Root", number: int = 1) -> Maker:
    return Maker(subject).on("secp384r1", number).authority().usage("keyCertSign").key_ids()


def intermediate(above: Issued, subject: str = "Intermediate") -> Maker:
    return Maker(subject).on("secp256r1", 2).by(above).authority(0).usage("keyCertSign").key_ids()


def leaf(above: Issued) -> Maker:
    return Maker("device.example").on("secp256r1", 3).by(above)


def finished(maker: Maker) -> Maker:
    """A leaf with the extensions of a good server certificate."""
    return maker.authority(ca=False).usage("digitalSignature").purpose(SERVER).names("device.example").key_ids()
