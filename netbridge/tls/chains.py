# SPDX-License-Identifier: GPL-2.0-or-later
"""Who signed whom, from a certificate upwards (RFC 5280 section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .certificate import Certificate

MOST = 10  # certificates in a path


@dataclass(frozen=True)
class Link:
    """A certificate and who signed it: None if nobody at hand did; `named` are those with the right name."""

    certificate: Certificate
    issuer: Certificate | None
    named: tuple[Certificate, ...]


def links_from(leaf: Certificate, others: Sequence[Certificate], roots: Sequence[Certificate]) -> list[Link]:
    """Up to one of the trusted `roots`, to what signs itself, or to where the chain breaks."""
    found: list[Link] = []
    certificate: Certificate | None = leaf
    while certificate is not None and len(found) < MOST:
        named = tuple(c for c in (*roots, *others) if c.subject.normal == certificate.issuer.normal)
        issuer = next((c for c in named if certificate.signed_by(c.public_key)), None)
        found.append(Link(certificate, issuer, named))
        ended = certificate in roots or issuer is None or issuer.der == certificate.der
        certificate = None if ended else issuer
    return found
