# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules about weak, slow and unwise choices."""

from __future__ import annotations

from collections.abc import Iterator

from ..severity import Severity
from .advice import Advice
from .build import Build

WEAK = {
    "SSL_PROTO_SSL3": "SSL 3.0 is broken (RFC 7568)",
    "SSL_PROTO_TLS1": "TLS 1.0 is deprecated (RFC 8996)",
    "SSL_PROTO_TLS1_1": "TLS 1.1 is deprecated (RFC 8996)",
    "SSL_SRV_SUPPORT_SSLV2_CLIENT_HELLO": "SSL 2.0 must not be used (RFC 6176)",
    "ARC4_C": "RC4 must not be used in TLS (RFC 7465)",
    "DES_C": "triple DES has a block of 64 bits (Sweet32)",
    "MD5_C": "MD5 signatures can be forged (RFC 6151)",
    "SHA1_C": "SHA-1 signatures can be forged (RFC 9155)",
    "TLS_DEFAULT_ALLOW_SHA1_IN_CERTIFICATES": "SHA-1 signatures can be forged (RFC 9155)",
    "ECP_DP_SECP192R1_ENABLED": "192 bits are too few today (RFC 8422 drops the curve)",
    "ECP_DP_SECP192K1_ENABLED": "192 bits are too few today (RFC 8422 drops the curve)",
    "KEY_EXCHANGE_RSA_ENABLED": "no forward secrecy: whoever gets the key reads all that was recorded",
    "SSL_TRUNCATED_HMAC": "80 bits of MAC are too few (RFC 7525 section 4.5)",
    "ZLIB_SUPPORT": "compression before encryption leaks contents (CRIME)",
    "CIPHER_NULL_CIPHER": "suites without encryption can be negotiated",
    "TEST_NULL_ENTROPY": "keys are predictable: for tests only",
    "ECP_NO_INTERNAL_RNG": "no blinding of scalar multiplications: keys leak through timing",
    "X509_ALLOW_UNSUPPORTED_CRITICAL_EXTENSION": "critical extensions are ignored, against RFC 5280 section 4.2",
    "X509_ALLOW_EXTENSIONS_NON_V3": "extensions of version 1 certificates are believed",
    "SSL_CLI_ALLOW_WEAK_CERTIFICATE_VERIFICATION_WITHOUT_HOSTNAME": "a client of this device takes any host's name",
}


def slow_curves(build: Build) -> Iterator[Advice]:
    curves = [name for name in ("SECP256R1", "SECP384R1", "SECP521R1") if f"ECP_DP_{name}_ENABLED" in build.config]
    if curves and "ECP_C" in build.config and "ECP_NIST_OPTIM" not in build.config:
        why = f"reduction modulo the primes of {', '.join(map(str.lower, curves))} is done by long division"
        fix = "define MBEDTLS_ECP_NIST_OPTIM: a handshake takes a fraction of the time for a few kilobytes of flash"
        yield Advice(Severity.NOTE, "MBEDTLS_ECP_NIST_OPTIM is not defined", why, fix)


def weak_choices(build: Build) -> Iterator[Advice]:
    for name, why in WEAK.items():
        if name in build.config:
            option = build.config.options[name]
            yield Advice(
                Severity.WARNING, f"MBEDTLS_{name} is a weak choice", why, "remove it if nobody needs it", option
            )


def test_certificates(build: Build) -> Iterator[Advice]:
    linked = build.functions is None or any(name.startswith("mbedtls_test_") for name in build.functions)
    if "CERTS_C" in build.config and linked:
        what = "MBEDTLS_CERTS_C puts mbedTLS's test certificates and their private keys into the flash"
        why = "everybody has these keys; the certificates of that version may have expired too"
        fix = "use it for trials only, and a certificate of your own in the product"
        yield Advice(Severity.NOTE, what, why, fix, build.config.options["CERTS_C"])


RULES = (slow_curves, weak_choices, test_certificates)
