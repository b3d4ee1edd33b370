# SPDX-License-Identifier: GPL-2.0-or-later
"""What the firmware's heaps and pools hold, and how much of them is free and in which pieces.

That is seen from the allocated blocks; no allocator's own lists are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from stm32emu.allocators import LWIP, Allocator, Kind
from stm32emu.checks.pools import Pools
from stm32emu.scene import Scene

SMALLEST = 16
"""Bytes of the smallest free piece that counts: allocators need as much for a small block and what they know of it."""
MOST_HOLDERS = 3


class Block(NamedTuple):
    """An allocated block: where the call that returned it returned to, the connection that was the latest then (0
    before the first), the function called and the innermost one behind it."""

    address: int
    size: int
    by: int
    connection: int
    function: int
    served: int


class HeapRoom:
    """The heaps of one firmware.

    Args:
        allocators: by address; may grow.
    """

    def __init__(self, scene: Scene, allocators: Mapping[int, Allocator]) -> None:
        self._scene = scene
        self._allocators = allocators
        self._pools = Pools(scene.symbols, scene.read_memory)

    def block_name(self, address: int, size: int) -> str:
        """A block or a pool's element in words."""
        pool = None if size else self._pools.holding(address)
        return f"{f'the element of pool {pool}' if pool else f'the block of {size} bytes'} at {address:#010x}"

    def what_was_asked(self, function: int, pool: int, size: int) -> str:
        """Of the allocator that had nothing."""
        return f"pool {self._pools.name(pool)} is empty" if self.is_pool(function) else f"NULL for {size} bytes"

    def is_pool(self, function: int) -> bool:
        """Whether a function hands out elements of pools."""
        return self._allocators[function].contract.kind is Kind.POOL

    def when_full(self, function: int, served: int, pool: int, blocks: Sequence[Block]) -> tuple[str, ...]:
        """What was free, or who holds the pool's elements, when `function`, by `served`, had nothing to return."""
        if self.is_pool(function):
            return self._holders(self._pools.name(pool), blocks)
        allocator = self._allocators[served]
        own = [each for each in blocks if self._allocators[each.served].family is allocator.family]
        return (free_space([(each.address, each.size) for each in own], allocator),)

    def _holders(self, pool: str, blocks: Iterable[Block]) -> tuple[str, ...]:
        places = Counter(block.by for block in blocks if self._pools.holding(block.address) == pool)
        most = [f"{self._scene.place(by - 2)} ({count})" for by, count in places.most_common(MOST_HOLDERS)]
        return (f"its {places.total()} elements were allocated from {', '.join(most)}",) if most else ()

    def of_the_application(self, blocks: Iterable[Block]) -> list[Block]:
        """Without lwIP's own."""
        return [block for block in blocks if self._allocators[block.function].family.functions is not LWIP]


def free_space(blocks: Iterable[tuple[int, int]], allocator: Allocator) -> str:
    """What lies between blocks, each an address and a size, within the allocator's arena or, when that is not known,
    between the first and the last."""
    arena, grain = allocator.arena, allocator.grain
    spans = sorted((address - allocator.header, address + -(-size // grain) * grain) for address, size in blocks)
    starts, ends = [start for start, _end in spans], [end for _start, end in spans]
    starts, ends = ([*starts, arena.stop], [arena.start, *ends]) if arena else (starts[1:], ends)
    gaps = [start - end for start, end in zip(starts, ends, strict=False) if start - end >= SMALLEST]
    if len(gaps) < 2:
        return f"{gaps[0]} bytes were free in one piece" if gaps else "nothing was free"
    return f"{sum(gaps)} bytes were free in {len(gaps)} pieces, the largest of {max(gaps)}"
