# SPDX-License-Identifier: GPL-2.0-or-later
"""The check `uninit`: values of heap or stack that were never written, where they decide something.

They are followed natively (`_core_uninit.c`); nothing is written into the guest.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from stm32emu._core import Heap, Uninit
from stm32emu.checks.exact import block_history
from stm32emu.findings import Finding, Findings
from stm32emu.guest_memory import GuestMemory
from stm32emu.scene import Scene


class Use(IntEnum):
    """What a value decides; see `_core_uninit.h`."""

    BRANCH = 0
    ADDRESS = 1
    TARGET = 2


WORDS = {
    Use.BRANCH: "decides a branch",
    Use.ADDRESS: "is used as an address",
    Use.TARGET: "is jumped to",
}


class UninitCheck:
    """Follows values of the blocks that `heap` follows, and of every stack."""

    def __init__(self, heap: Heap, memory: GuestMemory, scene: Scene, findings: Findings) -> None:
        self._heap = heap
        self._scene = scene
        self._findings = findings
        self._uninit = Uninit(heap, self._used)
        memory.observers.append(self._bus)

    def reset(self) -> None:
        """The chip was reset: nothing is allocated, no function runs."""
        self._uninit.clear()

    def _bus(self, address: int, length: int, write: bool) -> None:
        if write:
            self._uninit.written(address, length)

    def _used(self, use: int, pc: int, read: int, address: int) -> None:
        self._findings.add(("uninit", read, pc), lambda: self._finding(Use(use), pc, read, address))

    def _finding(self, use: Use, pc: int, read: int, address: int) -> Finding:
        first = f"it was first read by {self._scene.place(read)}" if read else "an exception return loaded it"
        return Finding(
            check="uninit",
            text=f"a value that was never written {WORDS[use]}: {self._scene.place(pc)}",
            calls=self._scene.calls_to_here(pc),
            notes=(),
            details=(f"{first}, at {address:#010x}", *self._owner(address)),
            data={"pc": pc, "read": read, "address": address},
            when=self._scene.when,
        )

    def _owner(self, address: int) -> Sequence[str]:
        """What the value lies in: a function's stack frame, a block and who allocated it."""
        function = self._scene.frame_around(address)
        if function is not None:
            return [f"in the stack frame of {function}"]
        block = self._heap.block_around(address)
        if block is None:
            return []
        address, size = block
        return [f"in the block of {size} bytes at {address:#010x}", *block_history(self._heap, self._scene, address)]
