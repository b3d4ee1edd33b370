# SPDX-License-Identifier: GPL-2.0-or-later
"""The build of mbedTLS that rules about a configuration are about."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import Config
from ..mbedtls_options import VERSIONS, known


@dataclass(frozen=True)
class Build:
    """What is known of the build: its configuration, mbedTLS's version (one of VERSIONS), and if given its ELF's
    function names and the length in octets of each certificate that it sends (DER)."""

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


def likely_version(config: Config) -> str:
    """The version that knows most of the options. Of several that brings SHA-384, then the newest: before 3.0 it comes
    with SHA512_C, since then with an option of its own."""
    old = "SHA512_C" in config and "SHA384_C" not in config
    return max(
        VERSIONS,
        key=lambda version: (sum(known(name, version) for name in config.options), old and version < "3", version),
    )
