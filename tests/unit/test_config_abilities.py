# SPDX-License-Identifier: GPL-2.0-or-later
"""What a config.h makes of mbedTLS in TLS: the same options mean different things to its versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.algorithms import GROUPS
from stm32emu.netbridge.tls.config import read_config
from stm32emu.netbridge.tls.config_rules import Build
from stm32emu.netbridge.tls.config_rules.abilities import device_of, missing_for_hash, missing_for_suite, suites
from stm32emu.netbridge.tls.device import Device
from stm32emu.netbridge.tls.suites import SUITES

SUITE = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
COMMON = (
    "SSL_PROTO_TLS1_2", "AES_C", "GCM_C", "SHA1_C", "SHA256_C", "SHA512_C", "ECDSA_C",
    "KEY_EXCHANGE_ECDHE_ECDSA_ENABLED", "ECP_DP_SECP256R1_ENABLED", "ECP_DP_CURVE25519_ENABLED",
)  # fmt: skip


@pytest.fixture
def header(tmp_path: Path) -> Path:
    return tmp_path / "config.h"


def build(header: Path, version: str, *options: str) -> Build:
    """Of a config.h with COMMON and more options."""
    header.write_text("".join(f"#define MBEDTLS_{option}\n" for option in (*COMMON, *options)))
    return Build.of(read_config(header), version)


def device(header: Path, version: str, *options: str) -> Device:
    return device_of(build(header, version, *options))


def test_hashes_of_the_devices_signatures(header: Path) -> None:
    old = {"SHA-512", "SHA-384", "SHA-256", "SHA-224"}
    assert device(header, "2.28").hashes == old
    assert device(header, "2.28", "SHA512_NO_SHA384").hashes == old - {"SHA-384"}
    assert device(header, "2.16", "SHA512_NO_SHA384").hashes == old
    assert device(header, "2.28", "TLS_DEFAULT_ALLOW_SHA1_IN_KEY_EXCHANGE").hashes == old | {"SHA-1"}
    assert device(header, "3.6").hashes == {"SHA-512", "SHA-256"}
    assert device(header, "3.6", "SHA384_C", "SHA224_C").hashes == {"SHA-512", "SHA-384", "SHA-256"}


def test_what_is_missing_for_a_hash(header: Path) -> None:
    assert missing_for_hash("SHA384", build(header, "2.28")) is None
    assert missing_for_hash("SHA384", build(header, "3.6")) == "MBEDTLS_SHA384_C"
    assert missing_for_hash("MD5", build(header, "2.28")) == "MBEDTLS_MD5_C"
    lacking = missing_for_hash("SHA384", build(header, "2.28", "SHA512_NO_SHA384"))
    assert lacking == "MBEDTLS_SHA512_C without MBEDTLS_SHA512_NO_SHA384"


def test_suites_need_their_hash(header: Path) -> None:
    assert not missing_for_suite(SUITE, build(header, "2.28"))
    assert missing_for_suite(SUITE, build(header, "3.6")) == ["MBEDTLS_SHA384_C"]
    assert [SUITES[code].openssl for code in suites(build(header, "3.6"))] == ["ECDHE-ECDSA-AES128-GCM-SHA256"]


def test_what_is_listed_counts_only_if_it_can_be(header: Path) -> None:
    listed = f"SSL_CIPHERSUITES MBEDTLS_{SUITE}, MBEDTLS_TLS_RSA_WITH_AES_128_GCM_SHA256"
    assert device(header, "2.28", listed).suites == {0xC02C}


def test_suites_of_tls_1_3_need_it(header: Path) -> None:
    listed = "SSL_CIPHERSUITES MBEDTLS_TLS1_3_AES_128_GCM_SHA256"
    assert device(header, "3.6", listed).suites == set()
    assert device(header, "3.6", listed, "SSL_PROTO_TLS1_3").suites == {0x1301}


def test_curves_by_version(header: Path) -> None:
    found = {version: device(header, version).groups or () for version in ("2.16", "2.28", "3.6")}
    named = {version: {GROUPS[code] for code in codes} for version, codes in found.items()}
    assert named == {"2.16": {"secp256r1"}, "2.28": {"secp256r1", "x25519"}, "3.6": {"secp256r1", "x25519"}}


def test_versions_of_tls(header: Path) -> None:
    assert device(header, "2.28", "SSL_PROTO_TLS1_1").versions == {names.TLS_1_1, names.TLS_1_2}
    assert device(header, "3.6", "SSL_PROTO_TLS1_1", "SSL_PROTO_TLS1_3").versions == {names.TLS_1_2, names.TLS_1_3}


def test_limits(header: Path) -> None:
    options = ("SSL_MAX_CONTENT_LEN 2048", "SSL_OUT_CONTENT_LEN 1024", "MPI_MAX_SIZE 48")
    old, new = device(header, "2.28", *options), device(header, "3.6", *options)
    assert (old.input_limit, old.output_limit, old.mpi_size) == (2048, 1024, 48)
    assert (new.input_limit, new.output_limit) == (16384, 1024)
