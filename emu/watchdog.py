# SPDX-License-Identifier: GPL-2.0-or-later
"""`--watchdog TIME`: a loop that the firmware does not leave for that long, where it is and with which values.

What tells it from a long computation and from waiting: one call, deeper than main() or a task's own function, which are
meant to loop, is under way in nearly all looks of that time; its loop comes round often; and most rounds touch no
peripheral. Looking changes nothing in the guest.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

from stm32emu.findings import Findings
from stm32emu.loop_probe import Activation, Loop, LoopProbe, LoopRound
from stm32emu.loop_report import LoopReport
from stm32emu.machine import Machine
from stm32emu.scene import Scene
from stm32emu.timebase import NANO
from stm32emu.unwind import Frame, unwind

LOOKS = 50
"""In the time that the user gave."""
ENOUGH = 45
"""Looks that must find the call under way; the others may see other tasks."""
ROOTS = ("main", "Reset_Handler")


@dataclass(frozen=True, slots=True)
class Look:
    """What ran at one moment: in which context (see `Cpu`), and its calls, outermost first."""

    context: int
    frames: tuple[Frame, ...]


class Watchdog:
    """Looks at a run from time to time.

    Args:
        seconds: of virtual time without progress.
        findings: takes the report.
    """

    def __init__(self, seconds: float, machine: Machine, scene: Scene, findings: Findings) -> None:
        self._seconds = seconds
        self._machine = machine
        self._scene = scene
        self._findings = findings
        self._due = 0
        self._looks: deque[Look] = deque(maxlen=LOOKS)
        self._probe: LoopProbe | LoopRound | None = None
        self._suspected: Activation | None = None
        self._told: set[tuple[int, int]] = set()  # loops, by function and SP
        self._outward = 0  # calls that were under way all the time but not the same, from the innermost on
        machine.reset_listeners.append(lambda _cause: self._looks.clear())

    @property
    def has_found(self) -> bool:
        """Whether there was a loop that makes no progress."""
        return bool(self._told)

    def look(self) -> None:
        """Between runs of the machine: see what it does, if it is time to."""
        if self._machine.time.now_ns < self._due:
            return
        self._due = self._machine.time.now_ns + round(self._seconds * NANO / LOOKS)
        self._looks.append(self._what_runs())
        probe, self._probe = self._probe, None
        if probe is not None:
            probe.close()
        if isinstance(probe, LoopProbe):
            self._learn(probe)
        elif (found := self._suspect()) and (found.function.address, found.sp) not in self._told:
            self._suspected = found
            self._probe = LoopProbe(self._machine, found)

    def _learn(self, probe: LoopProbe) -> None:
        """From what was seen between two looks: a loop, or that the call's caller is to be probed next, or neither."""
        self._outward = self._outward + 1 if probe.renewed else 0
        if probe.endless and not probe.renewed and self._suspected is not None:
            self._probe = LoopRound(self._machine, self._suspected, probe.head, probe.cycles, self._confirmed)

    def look_at(self) -> int:
        """The cycle of the next look."""
        return self._machine.time.cycle(self._due)

    def _what_runs(self) -> Look:
        registers = self._machine.registers().as_dict()
        chain = unwind(registers, self._machine.memory.peek, self._scene.symbols)
        return Look(self._machine.cpu.context, tuple(reversed(chain)))

    def _suspect(self) -> Activation | None:
        """The innermost call that was under way all the time."""
        if len(self._looks) < LOOKS:
            return None
        context, count = Counter(look.context for look in self._looks).most_common(1)[0]
        chains = [look.frames for look in self._looks if look.context == context]
        depth = _common(chains) - self._outward
        inner = chains[-1][depth - 1] if depth > 0 else None
        if count < ENOUGH or inner is None or inner.symbol is None or depth <= _roots(chains[-1]):
            self._outward = 0
            return None
        return Activation(
            function=inner.symbol,
            sp=inner.sp,
            context=context,
            places=frozenset(chain[depth - 1].pc for chain in chains),
            callees=frozenset(f.symbol.address for chain in chains for f in chain[depth : depth + 1] if f.symbol),
        )

    def _confirmed(self, loop: Loop) -> None:
        """The CPU stands at the loop's head."""
        key = loop.activation.function.address, loop.activation.sp
        self._told.add(key)
        report = LoopReport(self._machine, self._scene)
        self._findings.add(("loop", *key), lambda: report.finding(loop, self._seconds))
        self._machine.cpu.stop()  # for the session to end, if it is to


def _common(chains: Sequence[tuple[Frame, ...]]) -> int:
    """How many calls, from the outermost on, are the same in all chains."""
    depth = 0
    for frames in zip(*chains, strict=False):
        if len({(frame.symbol.address if frame.symbol else frame.pc, frame.sp) for frame in frames}) > 1:
            break
        depth += 1
    return depth


def _roots(chain: tuple[Frame, ...]) -> int:
    """Calls at the start of a chain that are meant to loop for ever."""
    names = [frame.symbol.name if frame.symbol else "" for frame in chain]
    return max((n + 1 for n, name in enumerate(names) if name in ROOTS), default=1)
