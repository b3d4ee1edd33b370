# SPDX-License-Identifier: GPL-2.0-or-later
"""Our reader of certificates against `cryptography` and openssl, on mbedTLS's test certificates."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from stm32emu.netbridge.tls.certificate import (
    KEY_USAGES,
    Certificate,
    CertificateError,
    Name,
    parse_certificate,
    read_certificates,
)
from stm32emu.netbridge.tls.der import DerError, oid, read

BUILD = Path(__file__).resolve().parents[2] / "images" / "build"
FILES = sorted((BUILD / "src/mbedtls/tests/data_files").rglob("*.crt"))
CERTS = BUILD / "host" / "certs"


def cryptography_reads(path: Path) -> list[x509.Certificate]:
    """What `cryptography` makes of a file, nothing if it refuses it."""
    data = path.read_bytes()
    with warnings.catch_warnings(action="ignore"):
        try:
            pem = b"-BEGIN" in data
            return x509.load_pem_x509_certificates(data) if pem else [x509.load_der_x509_certificate(data)]
        except ValueError:
            return []


def pairs() -> Iterator[tuple[Certificate, x509.Certificate]]:
    for path in FILES:
        if theirs := cryptography_reads(path):
            yield from zip(read_certificates(path), theirs, strict=True)


def usages(extension: x509.KeyUsage) -> set[str]:
    """Its bits by RFC 5280's names."""
    names = {
        "digitalSignature": extension.digital_signature,
        "nonRepudiation": extension.content_commitment,
        "keyEncipherment": extension.key_encipherment,
        "dataEncipherment": extension.data_encipherment,
        "keyAgreement": extension.key_agreement,
        "keyCertSign": extension.key_cert_sign,
        "cRLSign": extension.crl_sign,
    }
    return {name for name, on in names.items() if on}


def extensions_of(certificate: x509.Certificate) -> list[x509.Extension[x509.ExtensionType]]:
    """What `cryptography` makes of them, nothing if it refuses one, such as a BOOLEAN of 0x01."""
    try:
        return list(certificate.extensions)
    except ValueError:
        return []


def check_extensions(ours: Certificate, theirs: x509.Certificate) -> None:
    for extension in extensions_of(theirs):
        assert ours.extensions[extension.oid.dotted_string].critical == extension.critical
        match extension.value:
            case x509.BasicConstraints(ca=ca, path_length=length):
                assert ours.authority == (ca, length)
            case x509.KeyUsage() as usage:
                assert ours.key_usage is not None
                assert usages(usage) == ours.key_usage - {"encipherOnly", "decipherOnly"}
            case x509.ExtendedKeyUsage() as purposes:
                assert ours.extended_key_usage == tuple(purpose.dotted_string for purpose in purposes)
            case x509.SubjectAlternativeName() as names:
                dns = names.get_values_for_type(x509.DNSName)
                assert [name for kind, name in ours.alternative_names if kind == "DNS"] == dns


def test_the_same_fields_as_cryptography() -> None:
    seen = 0
    with warnings.catch_warnings(action="ignore"):
        for ours, theirs in pairs():
            seen += 1
            assert ours.serial == theirs.serial_number
            assert ours.version == theirs.version.value + 1
            assert (ours.not_before, ours.not_after) == (theirs.not_valid_before_utc, theirs.not_valid_after_utc)
            assert (ours.tbs, ours.signature) == (theirs.tbs_certificate_bytes, theirs.signature)
            assert ours.issuer.raw == theirs.issuer.public_bytes()
            assert [value for _, value in ours.subject.attributes] == [a.value for a in theirs.subject]
            assert ours.signature_algorithm == theirs.signature_algorithm_oid.dotted_string
            assert ours.public_key == theirs.public_key()
            check_extensions(ours, theirs)
    assert seen > 150


def test_the_reports_ca_which_cryptography_refuses() -> None:
    """A NULL in its AlgorithmIdentifier, where RFC 5758 section 3.2 wants no parameters; openssl does not mind."""
    path = CERTS / "ca.crt"
    assert cryptography_reads(path) == []
    (ca,) = read_certificates(path)
    wanted = ["-noout", "-serial", "-subject", "-enddate", "-nameopt", "sep_comma_plus_space"]
    command = ["openssl", "x509", "-in", str(path), *wanted]
    serial, subject, end = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert serial == f"serial={ca.serial:X}"
    assert subject == f"subject={ca.subject}"
    assert end == f"notAfter={ca.not_after:%b %e %H:%M:%S %Y} GMT"
    assert ca.authority == (True, None)
    assert ca.signed_by(ca.public_key)


def test_who_signed_what() -> None:
    (ca,) = read_certificates(CERTS / "ca.crt")
    for name in ("server5.crt", "client.crt"):
        (leaf,) = read_certificates(CERTS / name)
        assert leaf.signed_by(ca.public_key)
        assert not leaf.signed_by(leaf.public_key)
        assert not leaf.signed_by(None)


LEAF = read_certificates(CERTS / "server5.crt")[0].der
CA = read_certificates(CERTS / "ca.crt")[0]


@settings(max_examples=300)
@given(st.integers(0, len(LEAF) - 1), st.integers(0, 255), st.integers(0, len(LEAF)))
def test_damage_is_named_and_nothing_else(at: int, value: int, length: int) -> None:
    mutant = (LEAF[:at] + bytes([value]) + LEAF[at + 1 :])[:length]
    with suppress(DerError):
        certificate = parse_certificate(mutant)
        assert certificate.der + certificate.trailing == mutant
        assert len(certificate.authority) == 2
        assert certificate.key_usage is None or certificate.key_usage <= set(KEY_USAGES)
        if certificate.signed_by(CA.public_key):
            assert certificate.tbs == parse_certificate(LEAF).tbs


@pytest.mark.parametrize(
    ("data", "because"),
    [
        (b"", "is empty"),
        (b"\x01\x02", "is no certificate, neither PEM nor DER"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "is a damaged PEM certificate"),
        (b"-----BEGIN CERTIFICATE-----\n*!\n-----END CERTIFICATE-----\n", "is a damaged PEM certificate"),
        (b"-----BEGIN CERTIFICATE-----\nMIIBA\n-----END CERTIFICATE-----\n", "is a damaged PEM certificate"),  # padding
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n", "is cut off: it has a line -----BEGIN CERTIFICATE-----"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n", "holds a PEM block 'CERTIFICATE REQUEST', no certificate"),
    ],
)
def test_files_that_are_none(tmp_path: Path, data: bytes, because: str) -> None:
    path = tmp_path / "x.crt"
    path.write_bytes(data)
    with pytest.raises(CertificateError, match=because):
        read_certificates(path)


def test_a_number_without_end_in_an_oid() -> None:
    """Python would not even print it; nothing that is in use comes near."""
    with pytest.raises(DerError, match="a kind at byte 0 has a number that is too long"):
        oid(read(b"\x06\x82\x08\x34\x2a" + 2098 * b"\xff" + b"\x7f"), "a kind")


def test_a_serial_number_without_end_has_a_text() -> None:
    (ca,) = read_certificates(CERTS / "ca.crt")
    nameless = replace(ca, subject=Name((), b""), serial=1 << 20_000)
    assert nameless.label == f"serial {1 << 20_000:#x}"
    assert replace(nameless, serial=-5).label == "serial -5"
