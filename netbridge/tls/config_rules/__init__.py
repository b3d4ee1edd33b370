# SPDX-License-Identifier: GPL-2.0-or-later
"""What is wrong, or risky, in an mbedTLS configuration for a TLS server on a microcontroller.

Rules are functions from a `Build` to `Advice`; each says what, why, and how to put it right. What a build can do is in
`abilities`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import choices, limits, names, platform, suites
from .advice import Advice
from .build import Build

__all__ = ["RULES", "Advice", "Build", "advise"]

RULES: tuple[Callable[[Build], Iterator[Advice]], ...] = (
    *names.RULES, *limits.RULES, *platform.RULES, *suites.RULES, *choices.RULES,
)  # fmt: skip


def advise(build: Build) -> list[Advice]:
    """All findings, the worst first."""
    found = [advice for rule in RULES for advice in rule(build)]
    return sorted(found, key=lambda advice: advice.severity.rank)
