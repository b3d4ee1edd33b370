# SPDX-License-Identifier: GPL-2.0-or-later
"""What rules about certificates read and say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from ..certificate import Certificate
from ..config_rules.build import Build
from ..severity import Severity

MOST = 10  # certificates in a path


@dataclass(frozen=True)
class Link:
    """A certificate and who signed it: None if nobody at hand did; `named` are those with the right name."""

    certificate: Certificate
    issuer: Certificate | None
    named: tuple[Certificate, ...]


@dataclass(frozen=True)
class Identity:
    """What a server presents, and what it is judged by.

    `chain`: its certificates as it sends them, the leaf first. `roots`: what the client trusts. `at`: the time of the
    judgement. `hostname`: a DNS name or an IP address that the client asks for. `build`: the device's mbedTLS.
    """

    chain: tuple[Certificate, ...]
    roots: tuple[Certificate, ...]
    at: datetime
    key: PrivateKeyTypes | None = None
    hostname: str | None = None
    build: Build | None = None

    @cached_property
    def links(self) -> list[Link]:
        """From the leaf upwards, up to what is trusted, to what signs itself, or to where the chain breaks."""
        found: list[Link] = []
        certificate: Certificate | None = self.leaf
        while certificate is not None and len(found) < MOST:
            at_hand = [*self.roots, *self.chain]
            named = tuple(c for c in at_hand if c.subject.normal == certificate.issuer.normal)
            issuer = next((c for c in named if certificate.signed_by(c.public_key)), None)
            found.append(Link(certificate, issuer, named))
            ended = certificate in self.roots or issuer is None or issuer.der == certificate.der
            certificate = None if ended else issuer
        return found

    @property
    def path(self) -> list[Certificate]:
        """The certificates of the links, the leaf first (RFC 5280 section 6)."""
        return [link.certificate for link in self.links]

    @property
    def leaf(self) -> Certificate:
        """The server's own certificate."""
        return self.chain[0]


@dataclass(frozen=True)
class Finding:
    """One line of the judgement: what was looked at, what is the case, and its proof; what to do unless it is fine."""

    severity: Severity
    topic: str
    what: str
    proof: str
    fix: str = ""
