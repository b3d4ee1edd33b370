# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates against the device's own configuration."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from paper_device import Device as PaperDevice
from paper_device import Talk, alert, client_hello, record
from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.certificate import Certificate, parse_certificate
from stm32emu.netbridge.tls.certificate_rules import Finding, Identity, judge
from stm32emu.netbridge.tls.config import read_config
from stm32emu.netbridge.tls.config_rules import Build
from stm32emu.netbridge.tls.config_rules.abilities import device_of
from stm32emu.netbridge.tls.doctor import diagnose
from stm32emu.netbridge.tls.evidence import Evidence
from stm32emu.netbridge.tls.transcript import Side
from stm32emu.netbridge.tls.verdict import Case, Verdict
from tls_samples import Hash, identity

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OPTIONS = ("ECP_DP_SECP256R1_ENABLED", "KEY_EXCHANGE_ECDHE_ECDSA_ENABLED", "SHA256_C", "MPI_MAX_SIZE 48")
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def build_of(tmp_path: Path, *options: str) -> Build:
    header = tmp_path / "config.h"
    header.write_text("".join(f"#define MBEDTLS_{option}\n" for option in options))
    return Build.of(read_config(header))


def device(tmp_path: Path, leaf: Certificate, *options: str) -> list[Finding]:
    """What is said about the device."""
    judged = Identity((leaf,), (leaf,), NOW, build=build_of(tmp_path, *options))
    return [finding for finding in judge(judged) if finding.topic in ("device", "size")]


def test_a_certificate_that_fits(tmp_path: Path) -> None:
    (finding,) = device(tmp_path, parse_certificate(identity(EC_KEY).der), *OPTIONS)
    assert finding.what == "the chain fits into a record"


@pytest.mark.parametrize(
    ("hashing", "options", "proof"),
    [
        (hashes.SHA384, (*OPTIONS, "SSL_MAX_CONTENT_LEN 4096"), "needs MBEDTLS_SHA512_C: -0x2600"),
        (hashes.SHA384, OPTIONS, "needs MBEDTLS_SHA384_C: -0x2600"),
        (hashes.SHA256, OPTIONS[1:], "MBEDTLS_ECP_DP_SECP256R1_ENABLED is not defined"),
        (hashes.SHA256, (OPTIONS[0], *OPTIONS[2:]), "every handshake ends with alert 40"),
        (hashes.SHA256, (*OPTIONS, "SSL_MAX_CONTENT_LEN 200"), "a record may have 200"),
    ],
)
def test_what_the_device_cannot_use(tmp_path: Path, hashing: Hash, options: tuple[str, ...], proof: str) -> None:
    found = device(tmp_path, parse_certificate(identity(EC_KEY, hashing=hashing).der), *options)
    assert [proof in finding.proof for finding in found if finding.severity.value == "error"] == [True]


@pytest.mark.parametrize(("version", "code"), [("2.28", "-0x7500"), ("3.6", "-0x6a00")])
def test_the_code_of_a_chain_that_does_not_fit(version: str, code: str, tmp_path: Path) -> None:
    build = replace(build_of(tmp_path, *OPTIONS, "SSL_OUT_CONTENT_LEN 200"), version=version)
    leaf = parse_certificate(identity(EC_KEY).der)
    (size,) = (finding for finding in judge(Identity((leaf,), (leaf,), NOW, build=build)) if finding.topic == "size")
    assert size.proof.endswith(f"a record may have 200, and mbedTLS does not split it: {code}")


def test_rsa_keys_need_rsa_and_room(tmp_path: Path) -> None:
    leaf = parse_certificate(identity(rsa.generate_private_key(65537, 2048)).der)
    exchange = "KEY_EXCHANGE_ECDHE_RSA_ENABLED"
    assert "MBEDTLS_RSA_C is not defined" in device(tmp_path, leaf, exchange, "SHA256_C")[0].proof
    assert "is 48 octets" in device(tmp_path, leaf, *OPTIONS, exchange, "RSA_C")[0].proof
    assert device(tmp_path, leaf, exchange, "SHA256_C", "RSA_C")[0].severity.value == "ok"


def verdict(talk: Talk, leaf: Certificate, build: Build) -> Verdict:
    """Over one connection with a device of which certificate and configuration are known."""
    return diagnose(Case([Evidence(talk.observer.transcript, (leaf,))], device_of(build)))


def test_a_device_without_a_key_exchange_for_its_key(tmp_path: Path) -> None:
    talk = Talk().client(record(names.CLIENT_HELLO, client_hello())).device(alert(40)).ends(Side.SERVER)
    leaf = parse_certificate(identity(EC_KEY).der)
    found = verdict(talk, leaf, build_of(tmp_path, *OPTIONS[::2]))
    assert (found.id, "every handshake ends with alert 40" in found.proof[0]) == ("unusable-certificate", True)
    assert verdict(talk, leaf, build_of(tmp_path, *OPTIONS)).id != "unusable-certificate"


def test_a_certificate_that_is_longer_than_a_record(tmp_path: Path) -> None:
    hello = client_hello()
    flight = PaperDevice(identity()).flight(hello, names.SERVER_HELLO)
    talk = Talk().client(record(names.CLIENT_HELLO, hello)).device(flight).ends(Side.SERVER)
    build = build_of(tmp_path, *OPTIONS, "SSL_MAX_CONTENT_LEN 200")
    found = verdict(talk, parse_certificate(identity(EC_KEY).der), build)
    assert (found.id, "a record may have 200" in found.proof[-1]) == ("chain-too-long", True)
