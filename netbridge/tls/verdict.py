# SPDX-License-Identifier: GPL-2.0-or-later
"""What the doctor says, and the case that it looks at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from stm32emu.netbridge.tls.device import Device
from stm32emu.netbridge.tls.evidence import Evidence, Stage

WATCHDOG = "watchdog"
PLAIN = 1024
"""A server may well close after a short request; one of more bytes it may not have been able to take."""
NOTHING_WRONG = "nothing-wrong"


@dataclass(frozen=True)
class Verdict:
    """One fault, or that there is none.

    Attributes:
        id: a short name that stays the same.
        title: the sentence.
        proof: clauses.
        so: what each client makes of it.
        rules_out: what it is not.
        next: the command or the thing to do.
        notes: what else is worth knowing.
    """

    id: str
    title: str
    proof: tuple[str, ...] = ()
    so: str = ""
    rules_out: str = ""
    next: str = ""
    notes: tuple[str, ...] = ()

    @property
    def faulty(self) -> bool:
        """Whether anything is wrong."""
        return self.id != NOTHING_WRONG


@dataclass(frozen=True)
class Case:
    """All connections so far, oldest first, and what else is known of the device."""

    evidence: Sequence[Evidence]
    device: Device = field(default_factory=Device)

    @property
    def found(self) -> tuple[str, ...]:
        """What checks inside the device found, as clauses of a proof."""
        return tuple(f"{option_of(name)}: {text}" for name, text in self.device.findings.items())

    @property
    def failed(self) -> list[Evidence]:
        """Those whose handshake did not come through, or whose data was not answered."""
        return [each for each in self.evidence if each.stage is not Stage.COMPLETE or each.refused_data > PLAIN]

    @property
    def latest(self) -> Evidence | None:
        """The last one that failed."""
        failed = self.failed
        return failed[-1] if failed else None


Rule = Callable[[Case], Verdict | None]
"""None where it does not apply."""


def option_of(check: str) -> str:
    """The option that turns a check on."""
    return "--watchdog" if check == WATCHDOG else f"--check {check}"


def connections(evidence: Sequence[Evidence]) -> str:
    """As in "connection 3" or "connections 1, 2 and 3"."""
    numbers = [str(each.number) for each in evidence]
    if len(numbers) > 6:
        return f"{len(numbers)} connections"
    if len(numbers) == 1:
        return f"connection {numbers[0]}"
    return f"connections {', '.join(numbers[:-1])} and {numbers[-1]}"
