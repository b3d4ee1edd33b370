# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks `alloc` (what allocators promise) and `heap` (what their callers do to the memory).

The calls are followed natively (`_core_heap.c`); nothing is written into the guest, so a run with the checks is the
run without them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from stm32emu._core import Heap
from stm32emu.allocators import Allocator, Contract, find_allocators, find_setters
from stm32emu.checks.exact import ExactHeap
from stm32emu.checks.heap_events import ALLOC, SEEN_BY_FREE, Event, Facts, describe, events_of
from stm32emu.checks.heap_room import Block, HeapRoom
from stm32emu.checks.leaks import Leaks
from stm32emu.checks.uninit import UninitCheck
from stm32emu.findings import Finding, Findings, Place
from stm32emu.machine import Machine
from stm32emu.scene import Scene


class HeapChecks:
    """Follows the firmware's allocators for one of the checks or both.

    Args:
        checks: "alloc", "heap" or both; "heap=exact" in place of "heap" names each wrong access when it happens.
        own: contracts of functions that only the user knows, by name.

    `allocators` are the functions found, by address; without any there is nothing to check.
    """

    def __init__(
        self, checks: Sequence[str], machine: Machine, scene: Scene, findings: Findings, own: Mapping[str, Contract]
    ) -> None:
        self._events = events_of(checks)
        self._cpu = machine.cpu
        self._scene = scene
        self._findings = findings
        self._heap = Heap(machine.cpu, self._event)
        self._leaks = Leaks(self._heap.suspect)
        self._held: dict[Hashable, Finding] = {}
        self.allocators: dict[int, Allocator] = {}
        self._room = HeapRoom(scene, self.allocators)
        for allocator in find_allocators(scene.symbols, own):
            self._follow(allocator)
        for address, contracts in find_setters(scene.symbols):
            machine.cpu.watch(address, partial(self._follow_arguments, contracts))
        scene.connection_listeners.append(self._connections_changed)
        if not scene.has_low_data:
            self._heap.follow_null()
        if "heap=exact" in checks:
            arena = next((allocator.arena for allocator in self.allocators.values() if allocator.arena), range(0))
            ExactHeap(self._heap, machine.memory, scene, findings, arena)
        self._uninit = UninitCheck(self._heap, machine.memory, scene, findings) if "uninit" in checks else None

    def _follow(self, allocator: Allocator) -> None:
        contract = allocator.contract
        self.allocators[allocator.address] = allocator
        self._heap.follow(allocator.address, contract.kind, contract.first, allocator.header, allocator.grain)

    def _follow_arguments(self, contracts: tuple[Contract, ...], _setter: int) -> None:
        """An allocator is handed over: the firmware's own, perhaps."""
        for pointer, contract in zip(self._cpu.call_registers(), contracts, strict=False):
            address = pointer & ~1
            if address not in self.allocators and self._scene.symbols.is_code(address):
                self._follow(Allocator(address, contract))

    def reset(self, _cause: str) -> None:
        """The chip was reset: nothing is allocated."""
        self._heap.clear()
        self._leaks = Leaks(self._heap.suspect)
        if self._uninit is not None:
            self._uninit.reset()

    def marks(self) -> dict[str, int]:
        """Bytes that are allocated now, and the most that ever were at once, since the last reset."""
        return {"allocated": self._heap.live_bytes, "most": self._heap.peak_bytes}

    def summary(self) -> list[str]:
        """The same as a line."""
        marks = self.marks()
        return [f"heap: {marks['most']} bytes were allocated at most, {marks['allocated']} at the end"]

    def _blocks(self) -> list[Block]:
        return [Block(*facts) for facts in self._heap.blocks()]

    def _connections_changed(self) -> None:
        self._heap.epoch = self._scene.connection
        if Event.WILD not in self._events:
            return
        blocks = self._room.of_the_application(self._blocks())
        for place, left in self._leaks.look(blocks, self._scene.closed_connections).items():
            self._findings.add(("leak", place), partial(self._leak, place, left))

    def _leak(self, place: int, left: Sequence[Block]) -> Finding:
        connections = sorted({block.connection for block in left})
        size = sum(block.size for block in left)
        return Finding(
            check="heap",
            text=f"connections leave memory behind: {len(left)} blocks of {self._scene.place(left[0].function).name}, "
            f"{size} bytes in all",
            calls=self._calls_then(max(left, key=lambda block: block.connection)) or (self._scene.place(place - 2),),
            notes=(f"those of connections {', '.join(map(str, connections))} are closed",),
            data={"blocks": len(left), "size": size},
            when=replace(self._scene.when, task=None),
        )

    def _calls_then(self, block: Block) -> tuple[Place, ...]:
        """The calls that led to its allocation, if that was suspect then."""
        return next((self._scene.calls_then(*scene) for scene in self._heap.scenes(block.address)), ())

    def _event(
        self, number: int, function: int, served: int, ret: int, address: int, size: int, a: int, b: int
    ) -> None:
        facts = Facts(Event(number), function, served, ret, address, size, a, b)
        if facts.event not in self._events:
            return
        key = (facts.event, function, a if facts.event is Event.NULL_USED else ret)
        if facts.event is Event.ASKED_AGAIN:
            self._settle((Event.NULL, function, ret), wrong=not a)
        elif facts.event is Event.NULL and self._room.is_pool(function):
            self._held[key] = self._finding(facts)
        else:
            self._findings.add(key, partial(self._finding, facts))

    def _settle(self, key: Hashable, *, wrong: bool) -> None:
        """What to make of an empty pool."""
        finding = self._held.pop(key, None)
        if finding and wrong:
            self._findings.add(key, lambda: finding)

    def finish(self) -> None:
        """The run is over: nobody will ask a pool again."""
        for key in list(self._held):
            self._settle(key, wrong=True)

    def _finding(self, facts: Facts) -> Finding:
        text, notes = describe(facts, self._scene.place, self._room)
        if facts.event is Event.NULL:
            full = self._room.when_full(facts.function, facts.served, facts.address, self._blocks())
            notes = (*full, *self._marks_then())
        elif facts.event is Event.NULL_USED:
            failed = self._findings.get((Event.NULL, facts.function, facts.ret))
            notes = (f"{failed.text}, {failed.chain}",) if failed else ()
        if facts.function != facts.served:
            notes = (f"the allocator behind it is {self._scene.place(facts.served)}", *notes)
        return Finding(
            check="alloc" if facts.event in ALLOC else "heap",
            text=text,
            calls=self._calls(facts),
            notes=notes,
            data={"address": facts.address, "size": facts.size},
            when=self._scene.when,
        )

    def _marks_then(self) -> tuple[str]:
        marks = self.marks()
        return (f"{marks['allocated']} bytes were allocated then, {marks['most']} at most before",)

    def _calls(self, facts: Facts) -> tuple[Place, ...]:
        if facts.event is Event.NULL_USED:
            return self._scene.calls_to_here(facts.a)
        if facts.event in SEEN_BY_FREE:
            return self._scene.calls_to_here(facts.function)
        return self._scene.calls(facts.ret)
