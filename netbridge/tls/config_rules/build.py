# SPDX-License-Identifier: GPL-2.0-or-later
"""The build of mbedTLS that rules about a configuration are about."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import Config
from ..mbedtls_options import VERSIONS, known, options_of


@dataclass(frozen=True)
class Build:
    """What is known of the build: its configuration, mbedTLS's version (one of VERSIONS), and if given the
    names of its ELF's functions and objects, and the length in octets of each certificate that it sends (DER)."""

    config: Config
    version: str
    functions: frozenset[str] | None = None
    chain: tuple[int, ...] | None = None

    @classmethod
    def of(cls, config: Config, version: str | None = None) -> Build:
        """That of a config.h alone; without a version it is the likeliest."""
        return cls(config, version or likely_version(config))

    def has(self, option: str) -> bool:
        """Whether an option is defined that this version knows; one that it does not know does nothing."""
        return option in self.config and known(option, self.version)


FULL = 100
"""Options from which on a header is taken for one that lists all of them, as mbedTLS's own does."""


def likely_version(config: Config) -> str:
    """That of the mbedTLS at hand, or the nearest; else the one that knows most of the options. Of several the one
    whose own header lists the same, if it lists all; then the one that brings SHA-384: before 3.0 it comes with
    SHA512_C, since then with an option of its own; then the newest."""
    if config.version:
        return max(
            (each for each in VERSIONS if _number(each) <= _number(config.version)), key=_number, default=VERSIONS[0]
        )
    old = "SHA512_C" in config and "SHA384_C" not in config
    full = len(config.listed) >= FULL
    return max(
        VERSIONS,
        key=lambda version: (
            sum(known(name, version) for name in config.options),
            -len(config.listed ^ options_of(version)) if full else 0,
            old and version < "3",
            version,
        ),
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
