# SPDX-License-Identifier: GPL-2.0-or-later
"""What `_core_heap.c` reports, and the words for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from stm32emu.checks.heap_room import HeapRoom
from stm32emu.findings import Place


class Event(IntEnum):
    """See `_core_heap.h`."""

    DIRTY = 0
    OVERFLOW = 1
    NULL = 2
    WILD = 3
    DOUBLE = 4
    UNDERRUN = 5
    OVERRUN = 6
    AFTER_FREE = 7
    NULL_USED = 8
    ASKED_AGAIN = 9


ALLOC = {Event.DIRTY, Event.OVERFLOW, Event.NULL, Event.NULL_USED, Event.ASKED_AGAIN}
"""Events of the check `alloc`; the others are `heap`'s."""
AFTERWARDS = {Event.UNDERRUN, Event.OVERRUN, Event.AFTER_FREE}
"""Traces of an access, which `heap=exact` names itself."""
SEEN_BY_FREE = {Event.WILD, Event.DOUBLE, Event.UNDERRUN, Event.OVERRUN}


def events_of(checks: Sequence[str]) -> set[Event]:
    """What some checks have to do with."""
    heap = set(Event) - ALLOC
    events = {"alloc": ALLOC, "heap": heap, "heap=exact": heap - AFTERWARDS}
    return set().union(*(events.get(check, set()) for check in checks))


@dataclass(frozen=True)
class Facts:
    """One event: addresses of the function that the firmware called and of the innermost one behind it, where the call
    returns to, the block, and two facts that depend on the event."""

    event: Event
    function: int
    served: int
    ret: int
    address: int
    size: int
    a: int
    b: int


def describe(facts: Facts, place: Callable[[int], Place], room: HeapRoom) -> tuple[str, tuple[str, ...]]:
    """The sentence and the notes of an event."""
    name, address, size, a, b = place(facts.function).name, facts.address, facts.size, facts.a, facts.b
    block = room.block_name(address, size)
    match facts.event:
        case Event.DIRTY:
            return f"{name} returned memory that was not zero: {a} of {size} bytes dirty at {address + b:#010x}", ()
        case Event.OVERFLOW:
            return f"{name} returned a block for a product that does not fit 32 bits: {size} bytes of it", ()
        case Event.NULL:
            return f"{name} had no memory: {room.what_was_asked(facts.function, address, size)}", ()
        case Event.NULL_USED:
            return f"NULL is used: {place(a)} {'writes' if b else 'reads'} {address:#010x}", ()
        case Event.WILD:
            return f"{name} was given {address:#010x}, which no allocator returned", ()
        case Event.DOUBLE:
            return f"{name} was given {block} a second time", (f"first freed from {place(a - 2)}",)
        case Event.UNDERRUN:
            note = f"allocated from {place(a - 2)}"
            return f"something wrote before {block}: the allocator's header has changed, seen by {name}", (note,)
        case Event.OVERRUN:
            return f"something wrote past the end of {block}, seen by {name}", (f"allocated from {place(a - 2)}",)
        case Event.AFTER_FREE:
            freed = (f"freed from {place(b - 2)}",) if b else ()
            return f"something wrote to freed memory at {a:#010x}, seen when {name} handed it out again", freed
        case Event.ASKED_AGAIN:
            raise ValueError("nothing is wrong with that")
