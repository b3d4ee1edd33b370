# SPDX-License-Identifier: GPL-2.0-or-later
"""What rules about a configuration say."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import Option
from ..severity import Severity


@dataclass(frozen=True)
class Advice:
    """One finding. `option` is None for something that is missing."""

    severity: Severity
    what: str
    why: str
    fix: str
    option: Option | None = None
