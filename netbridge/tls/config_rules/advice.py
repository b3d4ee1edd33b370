# SPDX-License-Identifier: GPL-2.0-or-later
"""What rules about a configuration read and say."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import Config, Option
from ..severity import Severity


@dataclass(frozen=True)
class Advice:
    """One finding. `option` is None for something that is missing."""

    severity: Severity
    what: str
    why: str
    fix: str
    option: Option | None = None


@dataclass(frozen=True)
class Device:
    """What is known of the device: its configuration, mbedTLS's version (one of VERSIONS), and if given its ELF's
    function names and the length in octets of each certificate that it sends (DER)."""

    config: Config
    version: str
    functions: frozenset[str] | None = None
    chain: tuple[int, ...] | None = None
