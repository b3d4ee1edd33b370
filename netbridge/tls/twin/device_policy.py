# SPDX-License-Identifier: GPL-2.0-or-later
"""The policy that a device has by its config.h: what mbedTLS 2.16, 2.28 and 3.x choose with these options.

Run-time setters are not in a config.h: defaults are taken for all of them, but for a session cache and tickets, which
are taken for set up where they are compiled in.
"""

from __future__ import annotations

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.algorithms import ECDSA, GROUPS, RSA, SHA_1, SHA_256, SHA_384
from stm32emu.netbridge.tls.config_rules import Build
from stm32emu.netbridge.tls.config_rules.abilities import content_len, groups, signing_hashes, suites, versions
from stm32emu.netbridge.tls.records import MAX_PLAINTEXT
from stm32emu.netbridge.tls.suites import SUITES
from stm32emu.netbridge.tls.twin import key_agreement
from stm32emu.netbridge.tls.twin.ciphers import CIPHERS
from stm32emu.netbridge.tls.twin.policy import ClientAuth, Policy, signature_schemes

_SUITES = (
    0xCCA8, 0xCCA9, 0xC02C, 0xC030, 0xC024, 0xC028, 0xC00A, 0xC014, 0xC02B, 0xC02F, 0xC023, 0xC027, 0xC009, 0xC013,
)  # fmt: skip
"""The order of mbedTLS's own list, of those that the twin has."""

_REQUESTED = signature_schemes((SHA_384, SHA_256), (RSA, ECDSA))
_REQUESTED_3 = signature_schemes((SHA_384, SHA_256), (ECDSA, RSA))
_REQUESTED_WITH_1_3 = (0x0403, 0x0503, 0x0501, 0x0401)
"""The schemes in its CertificateRequests: up to 3.0, later, and where it has TLS 1.3 as well."""


class PolicyError(Exception):
    """A config.h of a server that the twin cannot be; says in one sentence why."""


def policy_of(build: Build, client_auth: ClientAuth = ClientAuth.NONE) -> Policy:
    """What the device is willing to do. Raises PolicyError if the twin can do nothing of that."""
    config, signatures = build.config, _signatures(build)
    policy = Policy(
        suites=_suites(build),
        client_order=build.has("SSL_SRV_RESPECT_CLIENT_PREFERENCE"),
        groups=tuple(code for code in groups(build) if code in key_agreement.GROUPS),
        schemes=signature_schemes(signing_hashes(build), signatures),
        needs_groups=True,
        in_limit=content_len(build, "IN"),
        out_limit=content_len(build, "OUT"),
        fragment_length="SSL_MAX_FRAGMENT_LENGTH" in config,
        extended_master_secret="SSL_EXTENDED_MASTER_SECRET" in config,
        encrypt_then_mac="SSL_ENCRYPT_THEN_MAC" in config,
        acknowledges_name=False,
        cache="SSL_CACHE_C" in config,
        tickets="SSL_SESSION_TICKETS" in config and "SSL_TICKET_C" in config,
        client_auth=client_auth,
        requested=_requested(build),
        requested_types=tuple({RSA: 1, ECDSA: 64}[signature] for signature in signatures),
        checks_dates="HAVE_TIME_DATE" in config,
        checks_usage="X509_CHECK_KEY_USAGE" in config or build.version >= "3",
        checks_purposes="X509_CHECK_EXTENDED_KEY_USAGE" in config or build.version >= "3",
    )
    _check(build, policy)
    return policy


def _check(build: Build, policy: Policy) -> None:
    path = build.config.path
    if names.TLS_1_2 not in versions(build):
        raise PolicyError(f"{path} does not define MBEDTLS_SSL_PROTO_TLS1_2, and the twin speaks TLS 1.2 only")
    if not all(1 <= limit <= MAX_PLAINTEXT for limit in (policy.in_limit, policy.out_limit)):
        wanted = f"MBEDTLS_SSL_..._CONTENT_LEN may be 1 to {MAX_PLAINTEXT}"
        raise PolicyError(f"{path} sets records of a length that TLS has not: {wanted}")
    if not policy.suites:
        ciphers = ", ".join(sorted({SUITES[code].cipher for code in CIPHERS}))
        raise PolicyError(f"{path} enables no suite of the twin's, which are ECDHE-ECDSA and ECDHE-RSA with {ciphers}")
    if not policy.groups:
        known = ", ".join(GROUPS[code] for code in key_agreement.GROUPS)
        raise PolicyError(f"{path} enables no curve of the twin's, which are {known}")
    if not policy.schemes:
        raise PolicyError(f"{path} enables no hash and key that could sign: MBEDTLS_SHA256_C and MBEDTLS_ECDSA_C do")


def _suites(build: Build) -> tuple[int, ...]:
    able = suites(build)
    order = able if "SSL_CIPHERSUITES" in build.config else _SUITES
    return tuple(code for code in order if code in able and code in CIPHERS)


def _requested(build: Build) -> tuple[int, ...]:
    """What is asked of clients: of its hashes those that it can run along with the handshake."""
    order = _REQUESTED
    if build.version >= "3.6":
        order = _REQUESTED_WITH_1_3 if names.TLS_1_3 in versions(build) else _REQUESTED_3
    elif versions(build) & {names.TLS_1_0, names.TLS_1_1}:
        order += signature_schemes((SHA_1,))
    able = signature_schemes(signing_hashes(build), _signatures(build))
    return tuple(scheme for scheme in order if scheme in able)


def _signatures(build: Build) -> tuple[int, ...]:
    options = {RSA: "RSA_C", ECDSA: "ECDSA_C"}
    return tuple(signature for signature, option in options.items() if option in build.config)
