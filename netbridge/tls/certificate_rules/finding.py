# SPDX-License-Identifier: GPL-2.0-or-later
"""What rules about certificates read and say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from ..certificate import Certificate
from ..chains import Link, links_from
from ..config_rules.build import Build
from ..severity import Severity


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
        return links_from(self.leaf, self.chain, self.roots)

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
