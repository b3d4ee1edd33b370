# SPDX-License-Identifier: GPL-2.0-or-later
"""What a check found: one finding for each place in the firmware, with a count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """A point in the firmware's code: address, function, source file and line as far as they are known."""

    address: int
    function: str | None = None
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        name = self.function or f"{self.address:#010x}"
        return f"{name} ({self.file}:{self.line})" if self.file else name

    @property
    def name(self) -> str:
        """Without the line."""
        return self.function or f"{self.address:#010x}"


@dataclass(frozen=True)
class When:
    """A moment of a run.

    Args:
        task: the running task, None without a kernel.
        connection: which TCP connection was served, counted from 1; 0 before the first.
        seconds: virtual time.
    """

    task: str | None
    connection: int
    seconds: float


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, at its first occurrence.

    Args:
        check: which check found it.
        text: the sentence.
        calls: the chain of calls, innermost first.
        notes: further sentences.
        data: the same as numbers, for `--json`.
        when: it was met.
        details: sentences that are a line each.
    """

    check: str
    text: str
    calls: tuple[Place, ...]
    notes: tuple[str, ...]
    data: dict[str, int]
    when: When
    details: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What is the same at other places."""
        return f"{self.check}: {self.text.split(':')[0]}"

    @property
    def origin(self) -> str:
        """Where it comes from, in words."""
        return f"called from {self.calls[0]}" if self.calls else "from an unknown place"

    def render(self) -> str:
        """Text of a few lines, indented under the check's name."""
        lines = [
            self.text,
            *([self.chain] if self.calls else []),
            *self.details,
            "; ".join([*self.notes, self._moment()]),
        ]
        return f"\n{' ' * (len(self.check) + 2)}".join([f"{self.check}: {lines[0]}", *lines[1:]])

    @property
    def chain(self) -> str:
        """The calls in words."""
        names = [str(self.calls[0]), *(call.name for call in self.calls[1:])]
        shown = names if len(names) <= 6 else [*names[:4], "...", names[-1]]
        task = [f'task "{self.when.task}"'] if self.when.task else []
        return "called from " + " <- ".join([*shown, *task])

    def _moment(self) -> str:
        number = self.when.connection
        connection = f"connection {number}, " if number else "before the first connection, "
        return f"{connection}virtual time {self.when.seconds:.3f} s"

    def to_dict(self, count: int) -> dict[str, Any]:
        """For JSON."""
        calls = [vars(call) for call in self.calls]
        rest = {"details": self.details, **vars(self.when), "count": count}
        return {"check": self.check, "text": self.text, "notes": self.notes, "calls": calls, **self.data, **rest}


IN_FULL = 3
"""Places of one kind that are told in full when they are found; the summary lists the others."""


class Findings:
    """Those of a run. `log` takes each when it is first found; the summary has the rest, and the counts."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self.log = log
        self._found: dict[Hashable, Finding] = {}
        self._counts: Counter[Hashable] = Counter()
        self._places: Counter[str] = Counter()
        self._listed: set[Hashable] = set()

    def add(self, key: Hashable, make: Callable[[], Finding]) -> None:
        """Count what is found at the place that `key` names; `make` tells about it the first time."""
        self._counts[key] += 1
        if self._counts[key] == 1:
            self._found[key] = make()
            self._tell(key, self._found[key])

    def _tell(self, key: Hashable, finding: Finding) -> None:
        self._places[finding.kind] += 1
        if self._places[finding.kind] <= IN_FULL:
            self.log(finding.render())
            return
        if not any(self._found[other].kind == finding.kind for other in self._listed):
            self.log(f"{finding.kind}, at more places (the end of the run lists them)")
        self._listed.add(key)

    def first_sentences(self) -> dict[str, str]:
        """Of each check that has found something."""
        sentences: dict[str, str] = {}
        for finding in self._found.values():
            sentences.setdefault(finding.check, finding.text)
        return sentences

    def get(self, key: Hashable) -> Finding | None:
        """What was found first at this place, if anything was."""
        return self._found.get(key)

    def __len__(self) -> int:
        return len(self._found)

    def summary(self) -> list[str]:
        """For each kind of which not everything has been told: all its places, with their counts."""
        kinds = dict.fromkeys(
            finding.kind for key, finding in self._found.items() if self._counts[key] > 1 or key in self._listed
        )
        return [self._places_of(kind) for kind in kinds]

    def _places_of(self, kind: str) -> str:
        of_kind = {key: finding for key, finding in self._found.items() if finding.kind == kind}
        lines = [f"{_times(self._counts[key])} {finding.origin}" for key, finding in of_kind.items()]
        margin = " " * (kind.index(":") + 2)
        return "\n".join([kind, *(margin + line for line in lines)])

    def to_list(self) -> list[dict[str, Any]]:
        """For JSON, in the order of finding."""
        return [finding.to_dict(self._counts[key]) for key, finding in self._found.items()]


def _times(count: int) -> str:
    return f"{count} times" if count > 1 else "once"
