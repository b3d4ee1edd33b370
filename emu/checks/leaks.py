# SPDX-License-Identifier: GPL-2.0-or-later
"""Blocks that connections leave behind, found by the places that they were allocated from.

A connection has left a block behind when it allocated it, is closed, and a later connection is closed, too: by then
whoever serves one connection after the other has cleaned up. A place that did so in three connections leaks. Fewer may
be a cache that fills, or something that is made once. lwIP's own blocks are left out: it keeps closed connections for
minutes (TIME-WAIT, RFC 9293 section 3.6.1).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set

from stm32emu.checks.heap_room import Block

CONNECTIONS = 3
"""In so many connections a place must have left blocks behind."""


class Leaks:
    """Looks at the blocks that are allocated whenever a connection has closed.

    Args:
        suspect: hears of each place that has left something behind, at the first time.
    """

    def __init__(self, suspect: Callable[[int], None]) -> None:
        self._suspect = suspect
        self._known: dict[int, set[int]] = {}

    def look(self, blocks: Iterable[Block], closed: Set[int]) -> Mapping[int, Sequence[Block]]:
        """The places that left something behind since they were last looked at, each with all that it has left behind.

        Args:
            blocks: what is allocated now.
            closed: the connections that are over.
        """
        over = closed - {max(closed, default=0)}
        left: defaultdict[int, list[Block]] = defaultdict(list)
        for block in blocks:
            if block.connection in over:
                left[block.by].append(block)
        return {place: found for place, found in left.items() if self._grew(place, found)}

    def _grew(self, place: int, left: Iterable[Block]) -> bool:
        connections = {block.connection for block in left}
        if place not in self._known:
            self._suspect(place)
        known = self._known.setdefault(place, set())
        news = connections - known
        known |= connections
        return bool(news) and len(connections) >= CONNECTIONS
