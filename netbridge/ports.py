# SPDX-License-Identifier: GPL-2.0-or-later
"""Ephemeral ports (RFC 6056) such that a four-tuple does not come back while the guest may still remember it."""

from __future__ import annotations

from random import Random

FIRST = 49152
LAST = 65535


class EphemeralPorts:
    """Hands out 49152 to 65535 round robin from a seeded start: a port returns only after 16383 others.

    A guest's TIME-WAIT therefore never meets a new connection with the same ports.
    """

    def __init__(self, random: Random) -> None:
        self._next = random.randint(FIRST, LAST)
        self._taken: set[int] = set()

    def take(self) -> int:
        """A port not in use. Raises RuntimeError when all are, which 16384 open connections would need."""
        for _ in range(FIRST, LAST + 1):
            port = self._next
            self._next = FIRST if port == LAST else port + 1
            if port not in self._taken:
                self._taken.add(port)
                return port
        raise RuntimeError("all ephemeral ports are in use")

    def release(self, port: int) -> None:
        """The port may be handed out again when its turn comes."""
        self._taken.discard(port)
