# SPDX-License-Identifier: GPL-2.0-or-later
"""What is known of a device besides what it says on the wire: its configuration, and what checks inside it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stm32emu.netbridge.tls.certificate import Certificate
    from stm32emu.netbridge.tls.config_rules import Build

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
        groups, suites, versions: what it is configured for.
        hashes: what it signs with.
        input_limit, output_limit: bytes of plaintext in a record.
        mpi_size: bytes of its largest integer (MBEDTLS_MPI_MAX_SIZE).
        checks: the device-side checks that are on.
        findings: what they found, the first sentence by the check's name.
        crashed: what the firmware died of.
        remembered: marks of earlier runs.
        build: its mbedTLS.
        roots: what its clients trust.
    """

    groups: frozenset[int] | None = None
    suites: frozenset[int] | None = None
    hashes: frozenset[str] | None = None
    versions: frozenset[int] | None = None
    input_limit: int | None = None
    output_limit: int | None = None
    mpi_size: int | None = None
    checks: tuple[str, ...] = ()
    findings: Mapping[str, str] = field(default_factory=dict)
    crashed: str = ""
    remembered: frozenset[Mark] = frozenset()
    build: Build | None = None
    roots: tuple[Certificate, ...] = ()
