# SPDX-License-Identifier: GPL-2.0-or-later
"""The policy that a device has by its config.h: what mbedTLS 2.16, 2.28 and 3.x choose with these options.

Run-time setters are not in a config.h: defaults are taken for all of them, but for a session cache and tickets, which
are taken for set up where they are compiled in.
"""

from __future__ import annotations

from collections.abc import Iterator

from stm32emu.netbridge.tls.algorithms import ECDSA, GROUPS, RSA
from stm32emu.netbridge.tls.config_rules import Device
from stm32emu.netbridge.tls.config_rules.limits import content_len
from stm32emu.netbridge.tls.config_rules.suites import missing_for
from stm32emu.netbridge.tls.mbedtls_options import curve_name
from stm32emu.netbridge.tls.suites import SUITES
from stm32emu.netbridge.tls.twin import key_agreement
from stm32emu.netbridge.tls.twin.ciphers import CIPHERS
from stm32emu.netbridge.tls.twin.policy import (
    SHA_224,
    SHA_256,
    SHA_384,
    SHA_512,
    ClientAuth,
    Policy,
    signature_schemes,
)

_SUITES = (
    0xCCA8, 0xCCA9, 0xC02C, 0xC030, 0xC024, 0xC028, 0xC00A, 0xC014, 0xC02B, 0xC02F, 0xC023, 0xC027, 0xC009, 0xC013,
)  # fmt: skip
"""The order of mbedTLS's own list, of those that the twin has."""
_CURVES_2 = (
    "SECP521R1", "BP512R1", "SECP384R1", "BP384R1", "SECP256R1", "SECP256K1", "BP256R1", "SECP224R1", "SECP224K1",
    "SECP192R1", "SECP192K1", "CURVE25519",
)  # fmt: skip
_CURVES_3 = ("CURVE25519", "SECP256R1", "SECP384R1", "SECP521R1", "BP256R1", "BP384R1", "BP512R1")
"""The order of their defaults, without MBEDTLS_ECP_DP_..._ENABLED: by size in 2.x, by cost in 3.x."""


class PolicyError(Exception):
    """A config.h of a server that the twin cannot be; says in one sentence why."""


def policy_of(device: Device, client_auth: ClientAuth = ClientAuth.NONE) -> Policy:
    """What the device is willing to do. Raises PolicyError if the twin can do nothing of that."""
    config, signatures = device.config, _signatures(device)
    policy = Policy(
        suites=tuple(_suites(device)),
        client_order="SSL_SRV_RESPECT_CLIENT_PREFERENCE" in config and device.version < "3",
        groups=tuple(_groups(device)),
        schemes=signature_schemes(tuple(_hashes(device)), signatures),
        needs_groups=True,
        in_limit=content_len(device, "IN"),
        out_limit=content_len(device, "OUT"),
        fragment_length="SSL_MAX_FRAGMENT_LENGTH" in config,
        extended_master_secret="SSL_EXTENDED_MASTER_SECRET" in config,
        encrypt_then_mac="SSL_ENCRYPT_THEN_MAC" in config,
        acknowledges_name=False,
        cache="SSL_CACHE_C" in config,
        tickets="SSL_SESSION_TICKETS" in config and "SSL_TICKET_C" in config,
        client_auth=client_auth,
        requested=signature_schemes(tuple(code for code in _hashes(device) if code in (SHA_384, SHA_256)), signatures),
        requested_types=tuple({RSA: 1, ECDSA: 64}[signature] for signature in signatures),
        checks_dates="HAVE_TIME_DATE" in config,
    )
    _check(device, policy)
    return policy


def _check(device: Device, policy: Policy) -> None:
    path = device.config.path
    if "SSL_PROTO_TLS1_2" not in device.config:
        raise PolicyError(f"{path} does not define MBEDTLS_SSL_PROTO_TLS1_2, and the twin speaks TLS 1.2 only")
    if not policy.suites:
        suites = ", ".join(sorted({SUITES[code].cipher for code in CIPHERS}))
        raise PolicyError(f"{path} enables no suite of the twin's, which are ECDHE-ECDSA and ECDHE-RSA with {suites}")
    if not policy.groups:
        known = ", ".join(GROUPS[code] for code in key_agreement.GROUPS)
        raise PolicyError(f"{path} enables no curve of the twin's, which are {known}")
    if not policy.schemes:
        raise PolicyError(f"{path} enables no hash and key that could sign: MBEDTLS_SHA256_C and MBEDTLS_ECDSA_C do")


def _suites(device: Device) -> Iterator[int]:
    codes = {SUITES[code].iana: code for code in _SUITES}
    listed = device.config.words("SSL_CIPHERSUITES")
    for name in listed or codes:
        if name in codes and not missing_for(name, device):
            yield codes[name]


def _groups(device: Device) -> Iterator[int]:
    codes = {GROUPS[code]: code for code in key_agreement.GROUPS}
    for curve in _CURVES_2 if device.version < "3" else _CURVES_3:
        known = device.version != "2.16" or curve != "CURVE25519"  # 2.16 has it for other uses than TLS
        code = codes.get(curve_name(curve))
        if code is not None and known and f"ECP_DP_{curve}_ENABLED" in device.config:
            yield code


def _hashes(device: Device) -> Iterator[int]:
    config = device.config
    has_384 = "SHA384_C" in config if device.version >= "3" else "SHA512_NO_SHA384" not in config
    for code, present in (
        (SHA_512, "SHA512_C" in config),
        (SHA_384, has_384 and ("SHA512_C" in config or device.version >= "3")),
        (SHA_256, "SHA256_C" in config),
        (SHA_224, "SHA256_C" in config and device.version < "3"),
    ):
        if present:
            yield code


def _signatures(device: Device) -> tuple[int, ...]:
    options = {RSA: "RSA_C", ECDSA: "ECDSA_C"}
    return tuple(signature for signature, option in options.items() if option in device.config)
