# SPDX-License-Identifier: GPL-2.0-or-later
"""The check `heap=exact`: the instruction that touches memory of the heap which is not its own, at the moment it does.

Every load and store is looked up natively (`_core_heap_exact.c`), before it happens; nothing is written into the guest.
"""

from __future__ import annotations

from enum import IntEnum

from stm32emu._core import Heap
from stm32emu.findings import Finding, Findings, Place
from stm32emu.guest_memory import GuestMemory
from stm32emu.scene import Scene

Access = tuple[int, int, int, int, int, int, int]


class Where(IntEnum):
    """Where an access was; see `_core_heap.h`."""

    IN_FREED = 0
    PAST_END = 1
    BEFORE = 2
    IN_NONE = 3


class ExactHeap:
    """Watches every access of the CPU, and of the DMA controllers in `memory`, to the blocks that `heap` follows.

    Args:
        arena: memory that is the allocator's alone; empty when that is not known.
    """

    def __init__(self, heap: Heap, memory: GuestMemory, scene: Scene, findings: Findings, arena: range) -> None:
        self._heap = heap
        self._scene = scene
        self._findings = findings
        heap.watch_accesses(self._access, arena.start, len(arena))
        memory.observers.append(self._bus)

    def _bus(self, address: int, length: int, write: bool) -> None:
        access = self._heap.bus_access(address, length, write)
        if access is not None:
            self._access(*access)

    def _access(self, where: int, pc: int, address: int, length: int, write: int, block: int, size: int) -> None:
        access = (where, pc, address, length, write, block, size)
        key = ("exact", where, write, pc or block)
        self._findings.add(key, lambda: self._finding(access))

    def _finding(self, access: Access) -> Finding:
        where, pc, address, length, _write, block, size = access
        who = str(self._scene.place(pc)) if pc else "a DMA controller"
        kind, words = _words(access)
        return Finding(
            check="heap",
            text=f"{kind}: {who} {words}",
            calls=self._scene.calls_to_here(pc) if pc else (),
            notes=(),
            details=block_history(self._heap, self._scene, block) if where != Where.IN_NONE else (),
            data={"pc": pc, "address": address, "length": length, "block": block, "size": size},
            when=self._scene.when,
        )


def block_history(heap: Heap, scene: Scene, block: int) -> tuple[str, ...]:
    """Who allocated the block at this address, and who freed it."""
    moments = zip(("allocated from", "freed from"), heap.scenes(block), strict=False)
    return tuple(f"{what} {_chain(scene.calls_then(*moment))}" for what, moment in moments)


def _chain(calls: tuple[Place, ...]) -> str:
    more = ["..."] if len(calls) > 5 else []
    return " <- ".join([*map(str, calls[:1]), *(call.name for call in calls[1:5]), *more])


def _words(access: Access) -> tuple[str, str]:
    """What kind of access it is; what it does, and where that is."""
    where, _pc, address, length, write, block, size = access
    does = f"{'writes' if write else 'reads'} {length} byte{'s' if length > 1 else ''} at {address:#010x}"
    of = f"the block of {size} bytes at {block:#010x}"
    match where:
        case Where.IN_FREED:
            return "freed memory is used", f"{does}, in {of}"
        case Where.PAST_END:
            return "an access past the end of a block", f"{does}, byte {address - block} of {of}"
        case Where.BEFORE:
            return "an access in front of a block", f"{does}, {block - address} before {of}"
        case _:
            return "an access to memory of the heap that no block has", does
