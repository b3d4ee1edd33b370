# SPDX-License-Identifier: GPL-2.0-or-later
"""How much a finding matters."""

from __future__ import annotations

from enum import Enum


class Severity(Enum):
    """It cannot work, it may go wrong, it is good to know, it is as it should be; the worst first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    OK = "ok"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)
