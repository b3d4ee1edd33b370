# SPDX-License-Identifier: GPL-2.0-or-later
"""Texts of a peer, or of a file from somewhere, on a user's terminal."""

from __future__ import annotations

MAX_LINE = 500


def printable(text: str) -> str:
    """With nothing in it that a terminal would act on, and not without end."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[:MAX_LINE])
