# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a server's certificates and key are valid, each judgement with its proof.

Not looked at: revocation, name constraints and policies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..der import DerError
from ..severity import Severity
from . import device, pair, path, usage, validity
from .finding import Finding, Identity

__all__ = ["RULES", "Finding", "Identity", "judge"]

RULES: tuple[Callable[[Identity], Iterator[Finding]], ...] = (
    *pair.RULES, *path.RULES, *validity.RULES, *usage.RULES, *device.RULES,
)  # fmt: skip


def judge(identity: Identity) -> list[Finding]:
    """All findings, the worst first; in the order of the rules otherwise."""
    found = [finding for rule in RULES for finding in _findings(rule, identity)]
    return sorted(found, key=lambda finding: finding.severity.rank)


def _findings(rule: Callable[[Identity], Iterator[Finding]], identity: Identity) -> list[Finding]:
    try:
        return list(rule(identity))
    except DerError as error:
        what = "an extension is damaged"
        return [Finding(Severity.ERROR, "form", what, str(error), "have the certificate reissued")]
