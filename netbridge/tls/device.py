# SPDX-License-Identifier: GPL-2.0-or-later
"""What is known of a device besides what it says on the wire: its configuration, and what checks inside it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stm32emu.netbridge.tls.algorithms import GROUPS
from stm32emu.netbridge.tls.config import Config
from stm32emu.netbridge.tls.config_rules.limits import DEFAULT_CONTENT_LEN, mpi_max_size
from stm32emu.netbridge.tls.mbedtls_options import curve_name
from stm32emu.netbridge.tls.suites import SUITES

MBEDTLS_HASHES = {"MD5": "MD5", "SHA1": "SHA-1", "SHA256": "SHA-256", "SHA512": "SHA-512", "SHA384": "SHA-384"}
P521_SIZE = 66


@dataclass(frozen=True)
class Mark:
    """A number that should never come again, in hexadecimal: a server "random", or the part of a signature that depends
    on its "nonce" alone."""

    what: str
    value: str


@dataclass(frozen=True)
class Device:
    """None, and nothing in a mapping, is what is not known.

    Attributes:
        groups, suites, hashes: what it is configured for.
        input_limit, output_limit: bytes of plaintext in a record.
        mpi_size: bytes of its largest integer (MBEDTLS_MPI_MAX_SIZE).
        checks: the device-side checks that are on.
        findings: what they found, the first sentence by the check's name.
        crashed: what the firmware died of.
        remembered: marks of earlier runs.
    """

    groups: frozenset[int] | None = None
    suites: frozenset[int] | None = None
    hashes: frozenset[str] | None = None
    input_limit: int | None = None
    output_limit: int | None = None
    mpi_size: int | None = None
    checks: tuple[str, ...] = ()
    findings: Mapping[str, str] = field(default_factory=dict)
    crashed: str = ""
    remembered: frozenset[Mark] = frozenset()

    def configured(self, config: Config) -> Device:
        """With what mbedTLS's config.h says."""
        full = config.number("SSL_MAX_CONTENT_LEN", DEFAULT_CONTENT_LEN)
        return replace(
            self,
            groups=_groups(config),
            suites=_suites(config),
            hashes=_hashes(config),
            input_limit=config.number("SSL_IN_CONTENT_LEN", full),
            output_limit=config.number("SSL_OUT_CONTENT_LEN", full),
            mpi_size=mpi_max_size(config),
        )


def _groups(config: Config) -> frozenset[int]:
    enabled = {
        name.removeprefix("ECP_DP_").removesuffix("_ENABLED")
        for name in config.options
        if name.startswith("ECP_DP_") and name.endswith("_ENABLED")
    }
    names = {curve_name(name) for name in enabled}
    return frozenset(code for code, name in GROUPS.items() if name in names)


def _suites(config: Config) -> frozenset[int]:
    """Those listed; without a list, those of the enabled key exchanges."""
    listed = set(config.words("SSL_CIPHERSUITES"))
    if listed:
        return frozenset(code for code, suite in SUITES.items() if suite.iana in listed)
    return frozenset(code for code, suite in SUITES.items() if f"KEY_EXCHANGE_{suite.exchange}_ENABLED" in config)


def _hashes(config: Config) -> frozenset[str]:
    enabled = {name for option, name in MBEDTLS_HASHES.items() if f"{option}_C" in config}
    if "SHA512_C" in config and "SHA512_NO_SHA384" not in config and "SHA384_C" not in config:
        enabled.add("SHA-384")
    return frozenset(enabled | ({"SHA-224"} if "SHA256_C" in config else set()))
