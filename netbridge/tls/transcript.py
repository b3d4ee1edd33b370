# SPDX-License-Identifier: GPL-2.0-or-later
"""What was seen of one connection, in order: the observer writes it, the doctor and the ladder read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeVar

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.cursor import Malformed
from stm32emu.netbridge.tls.holes import NO_HOLES, Holes
from stm32emu.netbridge.tls.messages import Message

MAX_EVENTS = 200
"""Events that are kept of a connection; a handshake has about 20."""
MAX_HASHED = 1 << 16
LONG = 5_000_000_000
"""Nanoseconds that no step of a handshake takes in a device that is well."""
M = TypeVar("M")


class Side(Enum):
    """Who speaks. The server is the device that is looked at."""

    CLIENT = "client"
    SERVER = "device"

    @property
    def other(self) -> Side:
        """Whom it speaks to."""
        return Side.SERVER if self is Side.CLIENT else Side.CLIENT


class Moment(NamedTuple):
    """Nanoseconds: `now` is virtual time in a run and the capture's time in a capture, `wall` the host's clock."""

    now: int
    wall: int = 0


START = Moment(0)


@dataclass(frozen=True, slots=True)
class Handshake:
    """A handshake message in the clear; `message` is its contents or what is wrong with them.

    `records` says over how many records it was spread, `longest` how long the longest of those was.
    """

    type: int
    message: Message | Malformed
    size: int
    records: int = 1
    longest: int = 0
    holes: Holes = NO_HOLES


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert in the clear."""

    level: int
    description: int


@dataclass(frozen=True, slots=True)
class ChangeCipherSpec:
    """What its sender says next is encrypted."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """`count` encrypted records of one type; `size` of all fragments together, and of the longest."""

    type: int
    count: int
    size: int
    longest: int


@dataclass(frozen=True, slots=True)
class Finished:
    """An encrypted Finished: the fragment of its record."""

    sender: Side
    fragment: bytes


class End(Enum):
    """How one side leaves, or what stands in place of its leaving."""

    CLOSED = "closed"
    RESET = "reset"
    SILENT = "silent"
    SLOW = "slow"
    CUT = "cut"
    """The run or capture ends before the connection does."""


Item = Handshake | Alert | ChangeCipherSpec | Sealed | Malformed | End


@dataclass(frozen=True, slots=True)
class Event:
    """What `sender` did at a moment."""

    moment: Moment
    sender: Side
    item: Item


@dataclass(slots=True)
class Transcript:
    """One connection.

    Attributes:
        number: counted from 1.
        opened: when.
        events: up to MAX_EVENTS of them; `dropped` counts the rest.
        midway: its beginning was not captured.
        gaps: how often captured bytes were missing.
        hashed: what Finished covers, in order: messages with their headers, and the Finished themselves; up to
            MAX_HASHED bytes.
    """

    number: int = 1
    opened: Moment = START
    events: list[Event] = field(default_factory=list)
    dropped: int = 0
    midway: bool = False
    gaps: int = 0
    hashed: list[bytes | Finished] = field(default_factory=list)

    def hash(self, part: bytes | Finished) -> None:
        """One more message of the handshake, for Finished to cover."""
        size = sum(len(each) for each in self.hashed if isinstance(each, bytes))
        if size < MAX_HASHED and not self.finished(Side.CLIENT, Side.SERVER):
            self.hashed.append(part)

    def finished(self, *sides: Side) -> bool:
        """Whether the Finished of each of these sides is there."""
        return set(sides) <= {each.sender for each in self.hashed if isinstance(each, Finished)}

    def add(self, event: Event) -> None:
        """One more event; encrypted records that follow each other are one."""
        last = self.events[-1] if self.events else None
        if last and last.sender is event.sender and isinstance(last.item, Sealed) and isinstance(event.item, Sealed):
            merged = _merged(last.item, event.item)
            if merged:
                self.events[-1] = Event(last.moment, last.sender, merged)
                return
        if len(self.events) < MAX_EVENTS or isinstance(event.item, End):
            self.events.append(event)
        else:
            self.dropped += 1

    def handshakes(self, sender: Side | None = None) -> Iterator[Handshake]:
        """The handshake messages in the clear."""
        for event in self.events:
            if isinstance(event.item, Handshake) and sender in (None, event.sender):
                yield event.item

    def handshake(self, kind: int, sender: Side | None = None) -> Handshake | None:
        """The first message of this type."""
        return next((each for each in self.handshakes(sender) if each.type == kind), None)

    def message(self, kind: type[M], sender: Side | None = None) -> M | None:
        """The contents of the first message that reads as this."""
        found = (each.message for each in self.handshakes(sender) if isinstance(each.message, kind))
        return next(found, None)

    def ends(self) -> list[tuple[Side, End]]:
        """Who left, and how, in order."""
        return [(event.sender, event.item) for event in self.events if isinstance(event.item, End)]

    @property
    def is_tls(self) -> bool:
        """Whether anything of TLS was seen."""
        return any(not isinstance(event.item, Malformed | End) for event in self.events)

    @property
    def complete(self) -> bool:
        """Whether both sides' Finished have been seen: encrypted handshake records after ChangeCipherSpec."""
        done = {
            event.sender
            for event in self.events
            if isinstance(event.item, Sealed) and event.item.type in (names.HANDSHAKE, names.APPLICATION_DATA)
        }
        return done == set(Side)


def _merged(one: Sealed, more: Sealed) -> Sealed | None:
    if one.type != more.type:
        return None
    return Sealed(one.type, one.count + more.count, one.size + more.size, max(one.longest, more.longest))
