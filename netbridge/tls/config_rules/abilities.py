# SPDX-License-Identifier: GPL-2.0-or-later
"""What a build of mbedTLS can do in TLS by its config.h, which its versions read differently.

Run-time setters are not in a config.h: defaults are taken for all of them.
"""

from __future__ import annotations

import re

from .. import names
from ..algorithms import GROUP_CODES, HASHES, SHA_1, SHA_224, SHA_256, SHA_384, SHA_512
from ..device import Device
from ..mbedtls_options import curve_name, curve_option
from ..suites import SUITES, Suite
from .build import Build

DEFAULT_CONTENT_LEN = 16384
DEFAULT_MPI_MAX_SIZE = 1024

_PROTOCOLS = {
    "SSL_PROTO_SSL3": names.SSL_3_0,
    "SSL_PROTO_TLS1": names.TLS_1_0,
    "SSL_PROTO_TLS1_1": names.TLS_1_1,
    "SSL_PROTO_TLS1_2": names.TLS_1_2,
    "SSL_PROTO_TLS1_3": names.TLS_1_3,
}
_CURVES_2 = (
    "SECP521R1", "BP512R1", "SECP384R1", "BP384R1", "SECP256R1", "SECP256K1", "BP256R1", "SECP224R1", "SECP224K1",
    "SECP192R1", "SECP192K1", "CURVE25519", "CURVE448",
)  # fmt: skip
_CURVES_3 = ("CURVE25519", "SECP256R1", "SECP384R1", "CURVE448", "SECP521R1", "BP256R1", "BP384R1", "BP512R1")
"""The order of their defaults, without MBEDTLS_ECP_DP_..._ENABLED: by size in 2.x, by cost in 3.x."""
NOT_FOR_TLS = {"2.16": ("CURVE25519", "CURVE448")}
"""What a version has for other uses only."""
_SHARED = {"SHA224": "SHA256", "SHA384": "SHA512"}
"""Hash -> the one whose module brings it before 3.0."""
_NEEDED = {
    r"^TLS1_3_": "SSL_PROTO_TLS1_3",
    r"AES_(128|256)": "AES_C",
    r"CAMELLIA": "CAMELLIA_C",
    r"ARIA": "ARIA_C",
    r"3DES": "DES_C",
    r"RC4": "ARC4_C",
    r"NULL": "CIPHER_NULL_CIPHER",
    r"_GCM": "GCM_C",
    r"_CCM": "CCM_C",
    r"_CBC": "CIPHER_MODE_CBC",
    r"CHACHA20": "CHACHAPOLY_C",
}
"""Part of a suite's name -> the option that it needs."""
_NEEDED_2 = {r"^TLS_(?!ECDHE?_(RSA|ECDSA)_).*_NULL": "ENABLE_WEAK_CIPHERSUITES"}
"""The same, of 2.x besides."""


def missing_for_hash(name: str, build: Build) -> str | None:
    """What the build would need to know a hash, such as "SHA384": "MBEDTLS_SHA512_C". None if it knows it."""
    option = f"{name if build.version >= '3' else _SHARED.get(name, name)}_C"
    cut = name == "SHA384" and build.has("SHA512_NO_SHA384")
    if option in build.config and not cut:
        return None
    return f"MBEDTLS_{option}" + (" without MBEDTLS_SHA512_NO_SHA384" if cut else "")


def missing_for_suite(suite: str, build: Build) -> list[str]:
    """What the build would need for a suite, by mbedTLS's name without MBEDTLS_: "MBEDTLS_GCM_C"."""
    exchange = re.match(r"TLS_(\w+?)_WITH_", suite)
    options = [f"KEY_EXCHANGE_{exchange[1]}_ENABLED"] if exchange else []
    tables = (_NEEDED, _NEEDED_2) if build.version < "3" else (_NEEDED,)
    options += [option for table in tables for pattern, option in table.items() if re.search(pattern, suite)]
    missing = [f"MBEDTLS_{option}" for option in options if option not in build.config]
    hashing = re.search(r"_(SHA\d*|MD5)$", suite)
    need = missing_for_hash("SHA1" if hashing[1] == "SHA" else hashing[1], build) if hashing else None
    return missing + ([need] if need else [])


def suites(build: Build) -> tuple[int, ...]:
    """The suites that can be negotiated: in the order of MBEDTLS_SSL_CIPHERSUITES, without it in no order."""
    codes = {_name(suite): code for code, suite in SUITES.items()}
    listed = build.config.words("SSL_CIPHERSUITES")
    return tuple(codes[name] for name in listed or codes if name in codes and not missing_for_suite(name, build))


def _name(suite: Suite) -> str:
    """mbedTLS's, without MBEDTLS_."""
    return suite.iana if suite.exchange else f"TLS1_3_{suite.cipher}"


def groups(build: Build) -> tuple[int, ...]:
    """The curves for key exchanges and certificates, as named groups, in mbedTLS's order."""
    curves = _CURVES_2 if build.version < "3" else _CURVES_3
    usable = (curve for curve in curves if curve not in NOT_FOR_TLS.get(build.version, ()))
    registered = (curve_name(curve) for curve in usable)
    return tuple(GROUP_CODES[name] for name in registered if curve_option(name) in build.config)


def signing_hashes(build: Build) -> tuple[int, ...]:
    """The hashes of its own signatures, by their numbers in signature schemes, in mbedTLS's order."""
    allowed = [SHA_512, SHA_384, SHA_256]
    allowed += [SHA_224] if build.version < "3" else []
    allowed += [SHA_1] if build.has("TLS_DEFAULT_ALLOW_SHA1_IN_KEY_EXCHANGE") else []
    return tuple(code for code in allowed if missing_for_hash(HASHES[code].replace("-", ""), build) is None)


def versions(build: Build) -> frozenset[int]:
    """The versions of SSL and TLS."""
    return frozenset(version for option, version in _PROTOCOLS.items() if build.has(option))


def content_len(build: Build, direction: str) -> int:
    """The longest record content in octets, for direction "IN" or "OUT"."""
    both = build.config.number("SSL_MAX_CONTENT_LEN", DEFAULT_CONTENT_LEN) if build.version < "3" else None
    return build.config.number(f"SSL_{direction}_CONTENT_LEN", both or DEFAULT_CONTENT_LEN)


def mpi_max_size(build: Build) -> int:
    """The octets of the largest integer."""
    return build.config.number("MPI_MAX_SIZE", DEFAULT_MPI_MAX_SIZE)


def device_of(build: Build) -> Device:
    """The same for verdicts about handshakes."""
    return Device(
        groups=frozenset(groups(build)),
        suites=frozenset(suites(build)),
        hashes=frozenset(HASHES[code] for code in signing_hashes(build)),
        versions=versions(build),
        input_limit=content_len(build, "IN"),
        output_limit=content_len(build, "OUT"),
        mpi_size=mpi_max_size(build),
        build=build,
    )
