# SPDX-License-Identifier: GPL-2.0-or-later
"""Bytes that look random and are the same for the same seed: for tests, and for a server that repeats itself."""

from __future__ import annotations

import hashlib


class SeededSource:
    """SHA-256 of the seed and a counter, block by block; call it for so many bytes. No secret should rest on it."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._counter = 0

    def __call__(self, size: int) -> bytes:
        """The next `size` bytes."""
        output = b""
        while len(output) < size:
            output += hashlib.sha256(self._seed + self._counter.to_bytes(8, "big")).digest()
            self._counter += 1
        return output[:size]
