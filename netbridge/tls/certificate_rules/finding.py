# SPDX-License-Identifier: GPL-2.0-or-later
"""What rules about certificates read and say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from ..certificate import Certificate
from ..config import Config
from ..severity import Severity


@dataclass(frozen=True)
class Identity:
    """What a server presents, and what it is judged by.

    `chain`: its certificates as it sends them, the leaf first. `roots`: what the client trusts. `at`: the time of the
    judgement. `hostname`: a DNS name or an IP address that the client asks for. `config`, `version`: what the device's
    mbedTLS is compiled with.
    """

    chain: tuple[Certificate, ...]
    roots: tuple[Certificate, ...]
    at: datetime
    key: PrivateKeyTypes | None = None
    hostname: str | None = None
    config: Config | None = None
    version: str = "2.28"

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
