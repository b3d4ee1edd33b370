# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks `alloc` (what allocators promise) and `heap` (what their callers do to the memory).

The calls are followed natively (`_core_heap.c`); nothing is written into the guest, so a run with the checks is the
run without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import partial

from stm32emu._core import Heap
from stm32emu.allocators import Allocator, Contract, find_allocators, find_setters
from stm32emu.checks.exact import ExactHeap
from stm32emu.checks.finding import Finding, Findings, Place
from stm32emu.checks.scene import Scene
from stm32emu.machine import Machine


class Event(IntEnum):
    """What the native side reports; see `_core_heap.h`."""

    DIRTY = 0
    OVERFLOW = 1
    NULL = 2
    WILD = 3
    DOUBLE = 4
    UNDERRUN = 5
    OVERRUN = 6
    AFTER_FREE = 7
    NULL_USED = 8


ALLOC = {Event.DIRTY, Event.OVERFLOW, Event.NULL, Event.NULL_USED}
"""Events of the check `alloc`; the others are `heap`'s."""
AFTERWARDS = {Event.UNDERRUN, Event.OVERRUN, Event.AFTER_FREE}
"""Traces of an access, which `heap=exact` names itself."""


def _events_of(checks: Sequence[str]) -> set[Event]:
    """What some checks have to do with."""
    heap = set(Event) - ALLOC
    events = {"alloc": ALLOC, "heap": heap, "heap=exact": heap - AFTERWARDS}
    return set().union(*(events.get(check, set()) for check in checks))


class HeapChecks:
    """Follows the firmware's allocators for one of the checks or both.

    Args:
        checks: "alloc", "heap" or both; "heap=exact" in place of "heap" names each wrong access when it happens.

    `allocators` are the functions found; without any there is nothing to check.
    """

    def __init__(self, checks: Sequence[str], machine: Machine, scene: Scene, findings: Findings) -> None:
        self._events = _events_of(checks)
        self._cpu = machine.cpu
        self._scene = scene
        self._findings = findings
        self._heap = Heap(machine.cpu, self._event)
        self.allocators = find_allocators(scene.symbols)
        for allocator in self.allocators:
            self._follow(allocator)
        for address, contracts in find_setters(scene.symbols):
            machine.cpu.watch(address, partial(self._follow_arguments, contracts))
        if not scene.has_low_data:
            self._heap.follow_null(scene.current_tcb)
        if "heap=exact" in checks:
            ExactHeap(self._heap, machine.memory, scene, findings)

    def _follow(self, allocator: Allocator) -> None:
        contract = allocator.contract
        self._heap.follow(allocator.address, contract.kind, contract.first, allocator.header, allocator.grain)

    def _follow_arguments(self, contracts: tuple[Contract, ...], _setter: int) -> None:
        """An allocator is handed over: the firmware's own, perhaps."""
        for pointer, contract in zip(self._cpu.call_registers(), contracts, strict=False):
            address = pointer & ~1
            known = any(allocator.address == address for allocator in self.allocators)
            if not known and self._scene.symbols.is_code(address):
                self.allocators.append(Allocator(address, contract))
                self._follow(self.allocators[-1])

    def reset(self, _cause: str) -> None:
        """The chip was reset: nothing is allocated."""
        self._heap.clear()

    @property
    def live_bytes(self) -> int:
        """Bytes that are allocated now."""
        return self._heap.live_bytes

    @property
    def peak_bytes(self) -> int:
        """The most bytes that ever were allocated at once."""
        return self._heap.peak_bytes

    def _event(
        self, number: int, function: int, served: int, ret: int, address: int, size: int, a: int, b: int
    ) -> None:
        event = Event(number)
        if event in self._events:
            check = "alloc" if event in ALLOC else "heap"
            key = (event, function, a if event is Event.NULL_USED else ret)
            self._findings.add(key, lambda: self._finding(check, event, (function, served), ret, (address, size, a, b)))

    def _finding(
        self, check: str, event: Event, functions: tuple[int, int], ret: int, facts: tuple[int, int, int, int]
    ) -> Finding:
        function, served = functions
        text, notes = self._words(event, self._scene.place(function).name, facts)
        if event is Event.NULL_USED:
            failed = self._findings.get((Event.NULL, function, ret))
            notes = (*notes, f"{failed.text}, {failed.chain}") if failed else notes
        if function != served:
            notes = (f"the allocator behind it is {self._scene.place(served)}", *notes)
        task = self._scene.task
        return Finding(
            check=check,
            text=text,
            calls=self._calls(event, function, ret, facts[2]),
            notes=notes,
            data=dict(zip(("address", "size"), facts, strict=False)),
            task=task.name if task else None,
            connection=self._scene.connection,
            seconds=self._scene.seconds,
        )

    def _calls(self, event: Event, function: int, ret: int, place: int) -> tuple[Place, ...]:
        if event is Event.NULL_USED:
            return self._scene.calls_to_here(place)
        frees = event in (Event.WILD, Event.DOUBLE, Event.UNDERRUN, Event.OVERRUN)
        return self._scene.calls_to_here(function) if frees else self._scene.calls(ret)

    def _words(self, event: Event, name: str, facts: tuple[int, int, int, int]) -> tuple[str, tuple[str, ...]]:
        """The sentence and the notes of an event."""
        address, size, a, b = facts
        block = f"the block of {size} bytes at {address:#010x}"
        match event:
            case Event.DIRTY:
                return f"{name} returned memory that was not zero: {a} of {size} bytes dirty at {address + b:#010x}", ()
            case Event.OVERFLOW:
                return f"{name} returned a block for a product that does not fit 32 bits: {size} bytes of it", ()
            case Event.NULL:
                left = f"{self.live_bytes} bytes were allocated then, {self.peak_bytes} at most before"
                return f"{name} had no memory: NULL for {size} bytes", (left,)
            case Event.NULL_USED:
                return f"NULL is used: {self._scene.place(a)} {'writes' if b else 'reads'} {address:#010x}", ()
            case Event.WILD:
                return f"{name} was given {address:#010x}, which no allocator returned", ()
            case Event.DOUBLE:
                return f"{name} was given {block} a second time", (f"first freed from {self._scene.place(a - 2)}",)
            case Event.UNDERRUN:
                note = f"allocated from {self._scene.place(a - 2)}"
                return f"something wrote before {block}: the allocator's header has changed, seen by {name}", (note,)
            case Event.OVERRUN:
                note = f"allocated from {self._scene.place(a - 2)}"
                return f"something wrote past the end of {block}, seen by {name}", (note,)
            case Event.AFTER_FREE:
                freed = (f"freed from {self._scene.place(b - 2)}",) if b else ()
                return f"something wrote to freed memory at {a:#010x}, seen when {name} handed it out again", freed
