# SPDX-License-Identifier: GPL-2.0-or-later
"""X.509 certificates (RFC 5280), read without judging them."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from stm32emu.netbridge.bounded import read_bounded

from . import der
from .der import DerError, Tlv
from .printable import printable

ATTRIBUTES = {
    "2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU",
    "1.2.840.113549.1.9.1": "emailAddress",
}  # fmt: skip
SIGNATURES: Mapping[str, tuple[str, type[hashes.HashAlgorithm]]] = {
    "1.2.840.10045.4.1": ("ECDSA", hashes.SHA1),
    "1.2.840.10045.4.3.1": ("ECDSA", hashes.SHA224),
    "1.2.840.10045.4.3.2": ("ECDSA", hashes.SHA256),
    "1.2.840.10045.4.3.3": ("ECDSA", hashes.SHA384),
    "1.2.840.10045.4.3.4": ("ECDSA", hashes.SHA512),
    "1.2.840.113549.1.1.4": ("RSA", hashes.MD5),
    "1.2.840.113549.1.1.5": ("RSA", hashes.SHA1),
    "1.2.840.113549.1.1.14": ("RSA", hashes.SHA224),
    "1.2.840.113549.1.1.11": ("RSA", hashes.SHA256),
    "1.2.840.113549.1.1.12": ("RSA", hashes.SHA384),
    "1.2.840.113549.1.1.13": ("RSA", hashes.SHA512),
}
"""Signature algorithm (RFC 3279, 4055, 5758) -> kind of key and hash."""
ED25519 = "1.3.101.112"
BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE = "2.5.29.19", "2.5.29.15", "2.5.29.37"
SERVER_AUTH, CLIENT_AUTH, ANY_PURPOSE = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0"
SUBJECT_ALT_NAME, SUBJECT_KEY_ID, AUTHORITY_KEY_ID = "2.5.29.17", "2.5.29.14", "2.5.29.35"
KEY_USAGES = (
    "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement", "keyCertSign",
    "cRLSign", "encipherOnly", "decipherOnly",
)  # fmt: skip
PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.S)


class CertificateError(Exception):
    """Something that is no certificate; says in one sentence why."""


@dataclass(frozen=True)
class Name:
    """A distinguished name: its attributes in order, and its DER."""

    attributes: tuple[tuple[str, str], ...]
    raw: bytes

    def __str__(self) -> str:
        return ", ".join(f"{kind}={printable(value)}" for kind, value in self.attributes)

    @property
    def normal(self) -> tuple[tuple[str, str], ...]:
        """What is compared (RFC 5280 section 7.1): without regard to case, spacing and kind of string."""
        return tuple((kind, " ".join(value.casefold().split())) for kind, value in self.attributes)

    def get(self, kind: str) -> str | None:
        """The last attribute of a kind, such as "CN"."""
        value = dict(self.attributes).get(kind)
        return None if value is None else printable(value)


@dataclass(frozen=True)
class Extension:
    """An extension's contents, and whether it is critical."""

    critical: bool
    value: Tlv


@dataclass(frozen=True)
class Certificate:
    """A certificate's fields (RFC 5280 section 4.1). `der` is all of it, `tbs` what is signed, `spki` the key's DER.

    `version` is 1, 2 or 3. `algorithms`: the DER of the signature's AlgorithmIdentifier inside `tbs`, and after it,
    which should be equal. `trailing`: octets after the end of the certificate, which should be none. What is read
    from an extension raises DerError if the extension is damaged.
    """

    der: bytes
    tbs: bytes
    version: int
    serial: int
    signature_algorithm: str
    issuer: Name
    not_before: datetime
    not_after: datetime
    subject: Name
    spki: bytes
    extensions: Mapping[str, Extension]
    signature: bytes
    algorithms: tuple[bytes, bytes]
    trailing: bytes = b""

    @property
    def label(self) -> str:
        """What to call it: its common name, else its whole subject, else its serial number."""
        common = self.subject.get("CN")
        return f"CN={common}" if common else str(self.subject) or f"serial {self.serial_text}"

    @property
    def serial_text(self) -> str:
        """The serial number: in decimal, but in hexadecimal beyond the 20 octets of RFC 5280 section 4.1.2.2."""
        return str(self.serial) if self.serial.bit_length() <= 160 else hex(self.serial)

    @property
    def signed_with(self) -> str:
        """The signature algorithm in words, such as "ECDSA with SHA256"."""
        if self.signature_algorithm not in SIGNATURES:
            return "Ed25519" if self.signature_algorithm == ED25519 else self.signature_algorithm
        kind, hashing = SIGNATURES[self.signature_algorithm]
        return f"{kind} with {hashing().name.upper()}"

    @property
    def is_signed_weakly(self) -> bool:
        """Whether its signature can be forged, by its hash."""
        return self.signed_with.endswith(("MD5", "SHA1"))

    @cached_property
    def public_key(self) -> PublicKeyTypes | None:
        """The subject's key, None for one of a kind or curve that `cryptography` does not know."""
        try:
            return load_der_public_key(self.spki)
        except (ValueError, UnsupportedAlgorithm):
            return None

    @cached_property
    def authority(self) -> tuple[bool, int | None]:
        """Basic constraints (section 4.2.1.9): whether it is a CA, and the path length that it allows."""
        if BASIC_CONSTRAINTS not in self.extensions:
            return False, None
        inside = list(self.extensions[BASIC_CONSTRAINTS].value)
        authority = bool(inside and inside[0].tag == der.BOOLEAN and inside[0].contents != b"\0")
        lengths = [der.integer(value, "path length") for value in inside if value.tag == der.INTEGER]
        return authority, lengths[0] if lengths else None

    @cached_property
    def key_usage(self) -> frozenset[str] | None:
        """The names of the bits of KeyUsage (section 4.2.1.3), None if there is no such extension."""
        if KEY_USAGE not in self.extensions:
            return None
        octets = der.bits(self.extensions[KEY_USAGE].value, "KeyUsage")
        is_set = [bool(octet & 0x80 >> n) for octet in octets for n in range(8)]
        return frozenset(name for name, on in zip(KEY_USAGES, is_set, strict=False) if on)

    @cached_property
    def extended_key_usage(self) -> tuple[str, ...] | None:
        """The OIDs of ExtendedKeyUsage (section 4.2.1.12), None if there is no such extension."""
        found = self.extensions.get(EXTENDED_KEY_USAGE)
        return tuple(der.oid(value, "a purpose") for value in found.value) if found else None

    @cached_property
    def alternative_names(self) -> tuple[tuple[str, str], ...]:
        """("DNS" or "IP", name) of SubjectAltName (section 4.2.1.6)."""
        found = self.extensions.get(SUBJECT_ALT_NAME)
        names = []
        for value in found.value if found else ():
            if value.tag == 0x82:
                names.append(("DNS", printable(value.contents.decode("ascii", "replace"))))
            elif value.tag == 0x87 and len(value.contents) in (4, 16):
                names.append(("IP", str(ip_address(value.contents))))
        return tuple(names)

    def signed_by(self, key: PublicKeyTypes | None) -> bool:
        """Whether its signature verifies under a key."""
        try:
            return _verifies(self, key)
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            return False


def _verifies(certificate: Certificate, key: PublicKeyTypes | None) -> bool:
    kind, hashing = SIGNATURES.get(certificate.signature_algorithm, ("", hashes.SHA256))
    if kind == "ECDSA" and isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(certificate.signature, certificate.tbs, ec.ECDSA(hashing()))
    elif kind == "RSA" and isinstance(key, rsa.RSAPublicKey):
        key.verify(certificate.signature, certificate.tbs, padding.PKCS1v15(), hashing())
    elif certificate.signature_algorithm == ED25519 and isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(certificate.signature, certificate.tbs)
    else:
        return False
    return True


# --- reading ---------------------------------------------------------------------------------------------------------


def parse_certificate(data: bytes) -> Certificate:
    """A certificate from its DER. Raises DerError."""
    whole = der.read(data).expect(der.SEQUENCE, "the certificate")
    tbs, algorithm, signature = _three(whole)
    fields = list(tbs.expect(der.SEQUENCE, "tbsCertificate"))
    version = der.integer(_first(fields.pop(0)), "the version") + 1 if fields and fields[0].tag == 0xA0 else 1
    if len(fields) < 6:
        raise DerError(f"tbsCertificate at byte {tbs.at} lacks fields")
    serial, inner_algorithm, issuer, validity, subject, spki, *others = fields
    begin, end = _two(validity)
    return Certificate(
        der=whole.raw,
        tbs=tbs.raw,
        version=version,
        serial=der.integer(serial, "the serial number"),
        signature_algorithm=der.oid(_first(algorithm), "the signature algorithm"),
        issuer=_name(issuer),
        not_before=der.time(begin, "notBefore"),
        not_after=der.time(end, "notAfter"),
        subject=_name(subject),
        spki=spki.raw,
        extensions=_extensions(others),
        signature=der.bits(signature, "the signature"),
        algorithms=(inner_algorithm.raw, algorithm.raw),
        trailing=data[len(whole.raw) :],
    )


def _first(value: Tlv) -> Tlv:
    for inner in value:
        return inner
    raise DerError(f"a value at byte {value.at} is empty")


def _two(value: Tlv) -> tuple[Tlv, Tlv]:
    match list(value):
        case [first, second]:
            return first, second
    raise DerError(f"a value at byte {value.at} should have two parts")


def _three(value: Tlv) -> tuple[Tlv, Tlv, Tlv]:
    match list(value):
        case [first, second, third]:
            return first, second, third
    raise DerError(f"a value at byte {value.at} should have three parts")


def _name(value: Tlv) -> Name:
    attributes = []
    for relative in value.expect(der.SEQUENCE, "a name"):
        for attribute in relative:
            kind, text = _two(attribute)
            dotted = der.oid(kind, "an attribute")
            encoding = "utf-16-be" if text.tag == 0x1E else "utf-8"  # BMPString
            attributes.append((ATTRIBUTES.get(dotted, dotted), text.contents.decode(encoding, "replace")))
    return Name(tuple(attributes), value.raw)


def _extensions(fields: list[Tlv]) -> dict[str, Extension]:
    found = {}
    for field in fields:
        for extension in _first(field) if field.tag == 0xA3 else ():
            if len(list(extension)) < 2:
                raise DerError(f"an extension at byte {extension.at} has no value")
            kind, *critical, value = extension
            octets = value.expect(der.OCTET_STRING, "an extension's value")
            start = octets.at + len(octets.raw) - len(octets.contents)
            is_critical = bool(critical and critical[0].contents != b"\0")
            found[der.oid(kind, "an extension")] = Extension(is_critical, der.read(octets.contents, 0, start))
    return found


def read_certificates(path: Path) -> list[Certificate]:
    """The certificates of a file in its order: any number in PEM (RFC 7468), or one in DER. Raises CertificateError."""
    try:
        data = read_bounded(path)
    except OSError as error:
        raise CertificateError(f"{path} cannot be read: {error.strerror}") from error
    blocks = [block[1] for block in PEM.finditer(data)]
    try:
        return [parse_certificate(octets) for octets in map(base64.b64decode, blocks)] or [parse_certificate(data)]
    except ValueError as error:  # of base64, or a DerError
        raise CertificateError(f"{path} {_why_not(data, error)}") from error


def _why_not(data: bytes, error: ValueError) -> str:
    """Why a file has no certificate, as a clause of which it is the subject."""
    label = re.search(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----", data)
    if not data.strip():
        return "is empty"
    if label is None:
        return f"is no certificate, neither PEM nor DER: {error}"
    if label[1] != b"CERTIFICATE":
        return f"holds a PEM block {label[1].decode()!r}, no certificate"
    if b"-----END CERTIFICATE-----" not in data:
        return "is cut off: it has a line -----BEGIN CERTIFICATE----- and none that ends it"
    return f"is a damaged PEM certificate: {error}"
