# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults injected into any firmware from outside: one grammar, and one table that the parser, `stm32emu faults` and the
README read. What they do to a machine is in `fault_injection`.

    TARGET=KIND[:ARGUMENT][@TIME[..TIME]]
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from stm32emu.timebase import NANO

GRAMMAR = "TARGET=KIND[:ARGUMENT][@TIME[..TIME]]"
TIMES = "times are virtual, such as 2s, 500ms or 20us; a number alone is a CPU cycle"
LISTED = "`stm32emu faults` lists them"
_GRAMMAR = re.compile(r"([^=:@]*)=([^:@]*)(?::([^@]*))?(?:@(.*))?")
_UNITS = {"us": NANO // 1_000_000, "ms": NANO // 1000, "s": NANO, "m": 60 * NANO}


class Times(Enum):
    """Which times a fault takes."""

    WINDOW = "[@TIME[..TIME]]"
    START = "[@TIME]"
    MOMENT = "@TIME"


@dataclass(frozen=True)
class Moment:
    """A point of virtual time: nanoseconds, or a cycle of the CPU."""

    value: int
    is_cycle: bool = False


@dataclass(frozen=True)
class Fault:
    """One parsed fault. `argument` is what its row's parser made of the text, None if there was none. Without `start`
    it is there from the first cycle, without `end` it stays."""

    row: FaultKind
    argument: Any
    start: Moment | None
    end: Moment | None
    word: str

    def __str__(self) -> str:
        return self.word


@dataclass(frozen=True)
class FaultKind:
    """One row: what `TARGET=KIND` does. `metavar` names the argument, in brackets when it may be left out; `parse`
    raises ValueError with a clause that says what it should be."""

    target: str
    kind: str
    help: str
    example: str
    times: Times = Times.WINDOW
    metavar: str = ""
    parse: Callable[[str], Any] = str

    @property
    def name(self) -> str:
        """`TARGET=KIND`."""
        return f"{self.target}={self.kind}"

    @property
    def optional(self) -> bool:
        """Whether the argument may be left out."""
        return self.metavar[:1] == "[" and self.metavar[-1:] == "]"

    @property
    def usage(self) -> str:
        """What can be written."""
        argument = f"[:{self.metavar[1:-1]}]" if self.optional else f":{self.metavar}" if self.metavar else ""
        return f"{self.name}{argument}{self.times.value}"


@dataclass(frozen=True)
class Call:
    """The `number`th call (from 1) of `function`, None for the allocator that is found."""

    function: str | None
    number: int


@dataclass(frozen=True)
class Bit:
    """Bit 0 to 7 of the byte at `address`."""

    address: int
    bit: int


def parse_percent(text: str) -> float:
    """A probability from "5%" or "0.1%"."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)%", text)
    probability = float(match[1]) / 100 if match else 0
    if not 0 < probability <= 1:
        raise ValueError(f"{text!r} is not a share, such as 5% or 0.1%")
    return probability


def parse_time(text: str) -> int:
    """Nanoseconds from "2s", "1.5s", "500ms", "20us" or "1m"."""
    match = re.fullmatch(r"(\d{1,7}(?:\.\d{1,9})?)(us|ms|s|m)", text)
    if not match:
        raise ValueError(f"{text!r} is not a time, such as 2s, 500ms or 20us")
    return int(Decimal(match[1]) * _UNITS[match[2]])


def parse_moment(text: str) -> Moment:
    """A time, or a cycle from a number alone."""
    return Moment(int(text), is_cycle=True) if re.fullmatch(r"\d{1,18}", text) else Moment(parse_time(text))


def _number(text: str, low: int, high: int, what: str) -> int:
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if not low <= number <= high or text != text.strip():
        raise ValueError(f"{text!r} is not {what}")
    return number


def parse_word(text: str) -> int:
    """A 32-bit word."""
    return _number(text, 0, 0xFFFF_FFFF, "a word of 32 bits, such as 0 or 0xffffffff")


def parse_bits(text: str) -> int:
    """A count from "2bit" or "2"."""
    return _number(text.removesuffix("bit"), 1, 31, "a number of bits from 1bit to 31bit")


def parse_call(text: str) -> Call:
    """A call from "1234" or "pvPortMalloc.3"."""
    function, dot, number = text.rpartition(".")
    if dot and not function:
        raise ValueError(f"{text!r} names no function, such as pvPortMalloc.3")
    return Call(function or None, _number(number, 1, 1 << 62, "the number of a call, counted from 1"))


def parse_bit(text: str) -> Bit:
    """A bit from "0x20001234.3"."""
    address, _dot, bit = text.partition(".")
    what = "the address of a byte and one of its bits, such as 0x20001234.3"
    return Bit(_number(address, 0, 0xFFFF_FFFF, what), _number(bit, 0, 7, what))


FAULTS = (
    FaultKind(
        "rng", "stuck", "the random number generator gives one word for ever: WORD, or the first that comes; no error "
        "is reported", "rng=stuck@2s", metavar="[WORD]", parse=parse_word,
    ),
    FaultKind("rng", "repeat", "its words start again from the first with every TCP connection", "rng=repeat"),
    FaultKind(
        "rng", "bias", "the upper N bits of each of its words are 0", "rng=bias:2bit", metavar="Nbit", parse=parse_bits,
    ),
    FaultKind("rng", "seed-error", "it reports a seed error (SECS, SEIS) and gives no words", "rng=seed-error@2s..4s"),
    FaultKind("rng", "clock-off", "it reports a lost clock (CECS, CEIS) and gives no words", "rng=clock-off"),
    FaultKind(
        "eth", "link-down", "the cable is pulled: the PHY reports it, and no frame passes", "eth=link-down@3s..5s"
    ),
    FaultKind("eth", "loss", "frames get lost, in both directions", "eth=loss:5%", metavar="P%", parse=parse_percent),
    FaultKind(
        "eth", "reorder", "frames swap places with the next", "eth=reorder:2%", metavar="P%", parse=parse_percent
    ),
    FaultKind(
        "eth", "corrupt", "a bit of a frame flips on the cable; the receiving MAC counts and drops it (bad FCS)",
        "eth=corrupt:1%", metavar="P%", parse=parse_percent,
    ),
    FaultKind(
        "eth", "delay", "frames take DELAY longer, in both directions and in order", "eth=delay:20ms", metavar="DELAY",
        parse=parse_time,
    ),
    FaultKind(
        "alloc", "fail", "the Nth call of the allocator returns NULL: of mbedtls_calloc, else pvPortMalloc and "
        "pvPortCalloc, else malloc, calloc and realloc, or of FUNCTION; counted from TIME", "alloc=fail:1234",
        Times.START, "[FUNCTION.]N", parse_call,
    ),
    FaultKind(
        "mem", "flip", "a bit of memory flips", "mem=flip:0x20001234.3@2s", Times.MOMENT, "ADDRESS.BIT", parse_bit
    ),
)  # fmt: skip


def parse_fault(word: str) -> Fault:
    """The fault that `word` describes. Raises ValueError with a clause that says what is wrong."""
    match = _GRAMMAR.fullmatch(word)
    if not match:
        raise ValueError(f"{word!r} is not {GRAMMAR}, such as {FAULTS[0].example}; {LISTED}")
    target, kind, argument, times = match.groups()
    row = _row(target, kind)
    start, end = _times(row, times)
    return Fault(row, _argument(row, argument), start, end, word)


def _row(target: str, kind: str) -> FaultKind:
    rows = [row for row in FAULTS if row.target == target]
    if not rows:
        targets = ", ".join(dict.fromkeys(row.target for row in FAULTS))
        raise ValueError(f"there are no faults of {target!r}, only of {targets}; {LISTED}")
    for row in rows:
        if row.kind == kind:
            return row
    raise ValueError(f"{target} has no fault {kind!r}, only {', '.join(row.kind for row in rows)}; {LISTED}")


def _argument(row: FaultKind, text: str | None) -> Any:
    if text is None and row.metavar and not row.optional:
        raise ValueError(f"{row.name} needs an argument: write {row.usage}, such as {row.example}")
    if text is not None and not row.metavar:
        raise ValueError(f"{row.name} takes no argument: write {row.usage}, such as {row.example}")
    return None if text is None else row.parse(text)


def _times(row: FaultKind, text: str | None) -> tuple[Moment | None, Moment | None]:
    if text is None:
        if row.times is Times.MOMENT:
            raise ValueError(f"{row.name} needs a time: write {row.usage}, such as {row.example}")
        return None, None
    first, dots, last = text.partition("..")
    if not dots:
        return parse_moment(first), None
    if row.times is not Times.WINDOW:
        raise ValueError(f"{row.name} happens once, so it has no end: write {row.usage}, such as {row.example}")
    start, end = parse_moment(first), parse_moment(last)
    if start.is_cycle != end.is_cycle or start.value >= end.value:
        raise ValueError(f"{text!r} is not a stretch of time, such as 3s..5s")
    return start, end


def faults_table() -> str:
    """The faults as a Markdown table."""
    rows = (f"| `{row.usage}` | {row.help} | `{row.example}` |" for row in FAULTS)
    return "\n".join(["| fault | what it does | example |", "| --- | --- | --- |", *rows])
