# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules about sizes: of numbers, curves, records and chains."""

from __future__ import annotations

from collections.abc import Iterator

from ..severity import Severity
from .abilities import DEFAULT_CONTENT_LEN, NOT_FOR_TLS, content_len, mpi_max_size
from .advice import Advice
from .build import Build

CURVES = {
    "SECP192R1": 192, "SECP224R1": 224, "SECP256R1": 256, "SECP384R1": 384, "SECP521R1": 521,
    "SECP192K1": 192, "SECP224K1": 224, "SECP256K1": 256, "BP256R1": 256, "BP384R1": 384, "BP512R1": 512,
    "CURVE25519": 255, "CURVE448": 448,
}  # fmt: skip
"""Bits of each curve that ECP_DP_..._ENABLED names."""


def curve_beyond_the_limits(build: Build) -> Iterator[Advice]:
    octets = mpi_max_size(build)
    bits_allowed = build.config.number("ECP_MAX_BITS", 521) if build.version < "3" else 521
    for curve, bits in CURVES.items():
        option = build.config.options.get(f"ECP_DP_{curve}_ENABLED")
        negotiated = curve not in NOT_FOR_TLS.get(build.version, ())
        if option and negotiated and bits > 8 * octets:
            what = f"{curve.lower()} needs numbers of {-(-bits // 8)} octets, MBEDTLS_MPI_MAX_SIZE is {octets}"
            code = _code(build, "-0x7d00", "-0x7300")
            why = f"a handshake on that curve ends after the ServerKeyExchange with {code}, the client sees a close"
            fix = f"set MBEDTLS_MPI_MAX_SIZE to {-(-bits // 8)} or more, or do without the curve"
            yield Advice(Severity.ERROR, what, why, fix, option)
        if option and bits > bits_allowed:
            what = f"{curve.lower()} has {bits} bits, MBEDTLS_ECP_MAX_BITS is {bits_allowed}"
            why = "ecp.h stops with #error" + (SINCE_2_16_11[negotiated] if build.version == "2.16" else "")
            severity = Severity.ERROR if negotiated or build.version != "2.16" else Severity.WARNING
            yield Advice(severity, what, why, f"set it to {bits} or more, or do without the curve", option)


SINCE_2_16_11 = {
    True: " since 2.16.11; before, the shared secret overruns its buffer",
    False: " since 2.16.11; before, nothing happens, since TLS does not use the curve",
}
"""Whether TLS uses a curve -> what more there is to say of 2.16."""


def _code(build: Build, old: str, new: str) -> str:
    """The error code of 2.x, or of 3.x."""
    return old if build.version < "3" else new


def rsa_beyond_the_limits(build: Build) -> Iterator[Advice]:
    octets = mpi_max_size(build)
    if "RSA_C" in build.config and octets < 256:
        what = f"MBEDTLS_MPI_MAX_SIZE {octets} is too small for RSA keys of 2048 bits"
        why = "signatures of such keys cannot be verified or made"
        yield Advice(Severity.ERROR, what, why, "set it to 256 or more", build.config.options["MPI_MAX_SIZE"])


def certificate_message(chain: tuple[int, ...]) -> int:
    """The length in octets of a Certificate message with its header (RFC 5246 sections 7.4 and 7.4.2)."""
    return 4 + 3 + sum(3 + length for length in chain)


def too_long_to_send(build: Build) -> str:
    """The error code of a server whose Certificate message is longer than a record may be."""
    return _code(build, "-0x7500", "-0x6a00")


def chain_beyond_the_limit(build: Build) -> Iterator[Advice]:
    limit = content_len(build, "OUT")
    if build.chain and certificate_message(build.chain) > limit:
        option = build.config.options.get("SSL_OUT_CONTENT_LEN", build.config.options.get("SSL_MAX_CONTENT_LEN"))
        what = (
            f"the chain makes a Certificate message of {certificate_message(build.chain)} octets, the limit is {limit}"
        )
        why = f"mbedTLS does not split it: the server ends with {too_long_to_send(build)} after its ServerHello"
        yield Advice(Severity.ERROR, what, why, "send fewer certificates, or raise the limit", option)


def small_records(build: Build) -> Iterator[Advice]:
    limit = content_len(build, "IN")
    if limit < DEFAULT_CONTENT_LEN:
        option = build.config.options.get("SSL_IN_CONTENT_LEN", build.config.options.get("SSL_MAX_CONTENT_LEN"))
        what = (
            f"records over {limit} octets end the connection with {'-0x7200' if build.version == '2.16' else '-0x7100'}"
        )
        why = "a client may send 16384; only one that asks for max_fragment_length (RFC 6066 section 4) keeps below"
        fix = "let clients ask for it, keep their certificate chains short, or raise the limit"
        yield Advice(Severity.WARNING, what, why, fix, option)


def records_beyond_tls(build: Build) -> Iterator[Advice]:
    """RFC 5246 section 6.2.1, and before 3.0 no direction may have longer ones than both together."""
    both = build.config.number("SSL_MAX_CONTENT_LEN", DEFAULT_CONTENT_LEN) if build.version < "3" else None
    for name in ("SSL_MAX_CONTENT_LEN", "SSL_IN_CONTENT_LEN", "SSL_OUT_CONTENT_LEN"):
        length = build.config.number(name, DEFAULT_CONTENT_LEN)
        most = DEFAULT_CONTENT_LEN if both is None or name == "SSL_MAX_CONTENT_LEN" else both
        if build.has(name) and not 1 <= length <= most:
            what = f"MBEDTLS_{name} is {length}, and may be 1 to {most}"
            why = "a header of mbedTLS's stops with #error" if length > most else "no record fits"
            yield Advice(Severity.ERROR, what, why, "choose a value between", build.config.options[name])


RULES = (curve_beyond_the_limits, rsa_beyond_the_limits, chain_beyond_the_limit, small_records, records_beyond_tls)
