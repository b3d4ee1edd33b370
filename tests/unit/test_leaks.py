# SPDX-License-Identifier: GPL-2.0-or-later
"""What counts as left behind by connections."""

from __future__ import annotations

import pytest

from stm32emu.checks.heap_room import Block
from stm32emu.checks.leaks import Leaks

PLACE, OTHER = 0x0800_1000, 0x0800_2000


def blocks(*connections: int, place: int = PLACE) -> list[Block]:
    """One of 32 bytes for each connection."""
    return [Block(0x2000_0000 + 64 * n, 32, place, n, 0, 0) for n in connections]


@pytest.mark.parametrize(
    ("allocated", "closed", "found"),
    [
        (blocks(1, 2, 3), {1, 2, 3, 4}, [1, 2, 3]),
        (blocks(1, 2, 3, 4), {1, 2, 3, 4}, [1, 2, 3]),  # nobody came after the fourth
        (blocks(1, 3, 5), {1, 3, 4, 5, 6}, [1, 3, 5]),
        (blocks(1, 2), {1, 2, 3, 4, 5, 6}, []),  # a cache that fills
        (blocks(0, 0, 0, 1), {1, 2, 3}, []),  # made at the start
        (blocks(1, 1, 1, 1), {1, 2, 3}, []),  # made at the first
        (blocks(1, 2, 3), {1, 2, 4}, []),  # the third goes on
        (blocks(1, 2) + blocks(3, place=OTHER), {1, 2, 3, 4}, []),
        ([], set(), []),
    ],
)
def test_a_place_leaks_once_three_connections_left_something_behind(
    allocated: list[Block], closed: set[int], found: list[int]
) -> None:
    left = Leaks(lambda place: None).look(allocated, closed)
    assert {place: [block.connection for block in each] for place, each in left.items()} == (
        {PLACE: found} if found else {}
    )


def test_it_is_news_when_another_connection_joins() -> None:
    suspects: list[int] = []
    leaks = Leaks(suspects.append)
    seen = [bool(leaks.look(blocks(*range(1, n)), set(range(1, n + 1)))) for n in (2, 3, 4, 4, 5)]
    assert seen == [False, False, True, False, True]
    assert suspects == [PLACE]
