# SPDX-License-Identifier: GPL-2.0-or-later
"""What is wrong, or risky, in an mbedTLS configuration for a TLS server on a microcontroller.

Rules are functions from a `Device` to `Advice`; each says what, why, and how to put it right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..config import Config
from ..mbedtls_options import VERSIONS, known
from . import choices, limits, names, platform, suites
from .advice import Advice, Device

__all__ = ["RULES", "Advice", "Device", "advise", "likely_version"]

RULES: tuple[Callable[[Device], Iterator[Advice]], ...] = (
    *names.RULES, *limits.RULES, *platform.RULES, *suites.RULES, *choices.RULES,
)  # fmt: skip


def advise(device: Device) -> list[Advice]:
    """All findings, the worst first."""
    found = [advice for rule in RULES for advice in rule(device)]
    return sorted(found, key=lambda advice: advice.severity.rank)


def likely_version(config: Config) -> str:
    """The version that knows most of the options; the newest of several."""
    return max(VERSIONS, key=lambda version: (sum(known(name, version) for name in config.options), version))
