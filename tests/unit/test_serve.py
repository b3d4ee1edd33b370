# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu serve`: the policy that a config.h makes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from stm32emu.errors import UserError
from stm32emu.netbridge.tls.algorithms import GROUPS
from stm32emu.netbridge.tls.config import read_config
from stm32emu.netbridge.tls.config_rules import Build
from stm32emu.netbridge.tls.suites import SUITES
from stm32emu.netbridge.tls.twin.device_policy import PolicyError, policy_of
from stm32emu.netbridge.tls.twin.policy import ClientAuth, Policy
from stm32emu.twin import TwinOptions, make_site
from tls_samples import identity

SEED = Path(__file__).resolve().parents[2] / "images" / "tls_server" / "mbedtls_config.h"
FULL = (
    "SSL_PROTO_TLS1_2", "AES_C", "GCM_C", "CHACHAPOLY_C", "CIPHER_MODE_CBC", "SHA256_C", "SHA512_C", "RSA_C", "ECDSA_C",
    "KEY_EXCHANGE_ECDHE_ECDSA_ENABLED", "KEY_EXCHANGE_ECDHE_RSA_ENABLED", "ECP_DP_SECP256R1_ENABLED",
    "ECP_DP_SECP384R1_ENABLED", "ECP_DP_SECP521R1_ENABLED", "ECP_DP_CURVE25519_ENABLED", "ECP_DP_BP256R1_ENABLED",
    "SSL_EXTENDED_MASTER_SECRET", "SSL_ENCRYPT_THEN_MAC", "SSL_MAX_FRAGMENT_LENGTH", "SSL_CACHE_C",
    "SSL_SESSION_TICKETS", "SSL_TICKET_C", "HAVE_TIME_DATE", "X509_CHECK_KEY_USAGE", "X509_CHECK_EXTENDED_KEY_USAGE",
)  # fmt: skip


def policy(tmp_path: Path, *options: str, version: str = "2.28", without: tuple[str, ...] = ()) -> Policy:
    """Of a config.h with FULL and more options, less some."""
    header = tmp_path / "config.h"
    header.write_text("".join(f"#define MBEDTLS_{option}\n" for option in (*FULL, *options) if option not in without))
    return policy_of(Build.of(read_config(header), version))


def names(groups: tuple[int, ...]) -> list[str]:
    return [GROUPS[code] for code in groups]


def test_the_reports_own_config() -> None:
    made = policy_of(Build.of(read_config(SEED)), ClientAuth.OPTIONAL)
    assert [SUITES[code].openssl for code in made.suites] == [
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
    ]
    assert names(made.groups) == ["secp384r1", "secp256r1"]
    assert (made.in_limit, made.out_limit) == (1024, 1024)
    assert made.client_order
    assert made.fragment_length
    assert (made.extended_master_secret, made.encrypt_then_mac, made.cache, made.tickets) == (False,) * 4
    assert made.schemes == (0x0603, 0x0503, 0x0403, 0x0303)
    assert (made.requested, made.requested_types) == ((0x0503, 0x0403), (64,))


def test_the_order_of_curves_depends_on_the_version(tmp_path: Path) -> None:
    assert names(policy(tmp_path).groups) == ["secp521r1", "secp384r1", "secp256r1", "brainpoolP256r1", "x25519"]
    assert names(policy(tmp_path, version="3.6").groups) == [
        "x25519", "secp256r1", "secp384r1", "secp521r1", "brainpoolP256r1",
    ]  # fmt: skip
    assert "x25519" not in names(policy(tmp_path, version="2.16").groups)


def test_the_order_of_suites(tmp_path: Path) -> None:
    assert [SUITES[code].openssl for code in policy(tmp_path).suites[:3]] == [
        "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES256-GCM-SHA384",
    ]  # fmt: skip
    assert not policy(tmp_path).client_order
    respects = "SSL_SRV_RESPECT_CLIENT_PREFERENCE"
    assert policy(tmp_path, respects).client_order
    assert not policy(tmp_path, respects, version="3.0").client_order


OPTIONS = {
    "CHACHAPOLY_C": lambda made: 0xCCA9 not in made.suites,
    "CIPHER_MODE_CBC": lambda made: 0xC023 not in made.suites,
    "KEY_EXCHANGE_ECDHE_RSA_ENABLED": lambda made: all("RSA" not in SUITES[code].exchange for code in made.suites),
    "SHA512_C": lambda made: 0xC02C not in made.suites and 0x0603 not in made.schemes,
    "RSA_C": lambda made: made.requested_types == (64,) and 0x0401 not in made.schemes,
    "SSL_EXTENDED_MASTER_SECRET": lambda made: not made.extended_master_secret,
    "SSL_ENCRYPT_THEN_MAC": lambda made: not made.encrypt_then_mac,
    "SSL_MAX_FRAGMENT_LENGTH": lambda made: not made.fragment_length,
    "SSL_CACHE_C": lambda made: not made.cache,
    "SSL_TICKET_C": lambda made: not made.tickets,
    "HAVE_TIME_DATE": lambda made: not made.checks_dates,
    "X509_CHECK_KEY_USAGE": lambda made: not made.checks_usage,
    "X509_CHECK_EXTENDED_KEY_USAGE": lambda made: not made.checks_purposes,
}


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_that_is_left_out(option: str, tmp_path: Path) -> None:
    assert not OPTIONS[option](policy(tmp_path))
    assert OPTIONS[option](policy(tmp_path, without=(option,)))


def test_what_is_asked_of_clients(tmp_path: Path) -> None:
    """As measured with ssl_server2 of 2.16.9, 2.28.3, 3.0.0 and 3.5.2."""
    for version in ("2.16", "2.28", "3.0"):
        assert policy(tmp_path, "SHA384_C", version=version).requested == (0x0501, 0x0503, 0x0401, 0x0403)
    assert policy(tmp_path, "SHA384_C", version="3.6").requested == (0x0503, 0x0501, 0x0403, 0x0401)
    with_1_3 = policy(tmp_path, "SHA384_C", "SSL_PROTO_TLS1_3", version="3.6")
    assert with_1_3.requested == (0x0403, 0x0503, 0x0501, 0x0401)


def test_sha_1(tmp_path: Path) -> None:
    """To sign with where an option allows it; asked of clients only where there are older versions of TLS, too."""
    allowed = ("SHA1_C", "TLS_DEFAULT_ALLOW_SHA1_IN_KEY_EXCHANGE")
    assert 0x0203 not in policy(tmp_path, "SHA1_C", "SSL_PROTO_TLS1_1").schemes
    assert 0x0203 in policy(tmp_path, *allowed).schemes
    assert 0x0203 not in policy(tmp_path, *allowed).requested
    assert policy(tmp_path, *allowed, "SSL_PROTO_TLS1_1").requested == (0x0501, 0x0503, 0x0401, 0x0403, 0x0201, 0x0203)


def test_limits(tmp_path: Path) -> None:
    made = policy(tmp_path, "SSL_MAX_CONTENT_LEN 4096", "SSL_OUT_CONTENT_LEN 2048")
    assert (made.in_limit, made.out_limit) == (4096, 2048)
    assert policy(tmp_path).in_limit == 16384


REFUSED = {
    "the twin speaks TLS 1.2 only": ("SSL_PROTO_TLS1_2",),
    "enables no suite of the twin's": ("AES_C", "CHACHAPOLY_C"),
    "enables no curve of the twin's": tuple(option for option in FULL if option.startswith("ECP_DP")),
    "enables no hash and key that could sign": ("RSA_C", "ECDSA_C"),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_configs_of_which_there_is_no_twin(sentence: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=sentence):
        policy(tmp_path, without=REFUSED[sentence])


@pytest.mark.parametrize("limit", ["SSL_OUT_CONTENT_LEN 0", "SSL_IN_CONTENT_LEN (-5)", "SSL_MAX_CONTENT_LEN 16385"])
def test_lengths_of_records_that_there_are_not(limit: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="sets records of a length that TLS has not"):
        policy(tmp_path, limit)


def test_options_that_make_no_twin(tmp_path: Path) -> None:
    pem = tmp_path / "both.pem"
    pem.write_bytes(identity().pem)
    good = TwinOptions(certs=(pem,), keys=(pem,))
    assert len(make_site(good).identities) == 1
    for options, sentence in (
        (TwinOptions(), "whose twin is it?"),
        (TwinOptions(certs=(pem,)), "give a --key for each --cert"),
        (TwinOptions(certs=(tmp_path / "none",), keys=(pem,)), "cannot be read"),
        (TwinOptions(certs=(pem,), keys=(pem,), fault="no-such"), "--fault: there is no fault 'no-such'"),
        (TwinOptions(certs=(pem,), keys=(pem,), config=pem), "defines no MBEDTLS_ option"),
        (TwinOptions(certs=(pem,), keys=(pem,), client_auth=ClientAuth.REQUIRED), "needs --ca FILE"),
    ):
        with pytest.raises(UserError, match=sentence.replace("?", r"\?")):
            make_site(options)
