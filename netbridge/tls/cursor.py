# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading and writing the presentation language of RFC 5246 section 4: integers and vectors with a length in front."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Malformed:
    """What stands in place of something that could not be read.

    Attributes:
        reason: what is wrong, a clause.
        offset: where, in bytes from the start of what was read.
    """

    reason: str
    offset: int

    def __str__(self) -> str:
        return f"{self.reason} at byte {self.offset}"


class MalformedError(ValueError):
    """Raised by a Cursor, and turned into its `malformed` by `attempt` before any caller sees it."""

    def __init__(self, malformed: Malformed) -> None:
        super().__init__(str(malformed))
        self.malformed = malformed


class Cursor:
    """A place in some bytes. Every method moves on, and raises MalformedError where the bytes end too early."""

    __slots__ = ("_data", "_end", "at")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self._data = data
        self.at = at
        self._end = len(data) if end is None else end

    @property
    def left(self) -> int:
        """Bytes that have not been read."""
        return self._end - self.at

    def fail(self, reason: str) -> MalformedError:
        """The error that says so of this place; the caller raises it."""
        return MalformedError(Malformed(reason, self.at))

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes, which are `what`."""
        if count > self.left:
            raise self.fail(f"{what} needs {count} bytes, {self.left} are there")
        self.at += count
        return self._data[self.at - count : self.at]

    def uint(self, size: int, what: str) -> int:
        """An integer of `size` bytes."""
        return int.from_bytes(self.take(size, what), "big")

    def vector(self, size: int, what: str) -> bytes:
        """What follows its own length, an integer of `size` bytes."""
        return self.take(self.uint(size, f"the length of {what}"), what)

    def inside(self, size: int, what: str) -> Cursor:
        """A cursor over such a vector; it counts offsets from the same start."""
        start = self.at + size
        self.vector(size, what)
        return Cursor(self._data, start, self.at)

    def uints(self, size: int, width: int, what: str) -> tuple[int, ...]:
        """A vector of integers of `width` bytes, its length one of `size` bytes."""
        inner = self.inside(size, what)
        if inner.left % width:
            raise inner.fail(f"{what} have {inner.left} bytes, not a multiple of {width}")
        return tuple(inner.uint(width, what) for _ in range(inner.left // width))

    def vectors(self, size: int, inner_size: int, what: str, each: str) -> tuple[bytes, ...]:
        """A vector of vectors, the length of `what` one of `size` bytes, that of `each` one of `inner_size`."""
        inner = self.inside(size, what)
        found = []
        while inner.left:
            found.append(inner.vector(inner_size, each))
        return tuple(found)

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.left, "the rest")

    def end(self, what: str) -> None:
        """Nothing may be left."""
        if self.left:
            raise self.fail(f"{self.left} bytes follow {what}")


def attempt(parse: Callable[[Cursor], T], data: bytes, what: str) -> T | Malformed:
    """`parse` all of `data`; what is wrong with it if it cannot be parsed."""
    cursor = Cursor(data)
    try:
        parsed = parse(cursor)
        cursor.end(what)
        return parsed
    except MalformedError as error:
        return error.malformed


def vector(size: int, data: bytes) -> bytes:
    """`data` behind its length, an integer of `size` bytes."""
    return len(data).to_bytes(size, "big") + data


def vectors(size: int, inner_size: int, parts: Iterable[bytes]) -> bytes:
    """A vector of vectors, whose lengths are integers of `inner_size` bytes and its own one of `size`."""
    return vector(size, b"".join(vector(inner_size, part) for part in parts))


def uints(size: int, width: int, numbers: Iterable[int]) -> bytes:
    """A vector of integers of `width` bytes, its length one of `size` bytes."""
    return vector(size, b"".join(number.to_bytes(width, "big") for number in numbers))
