# SPDX-License-Identifier: GPL-2.0-or-later
"""A loop that a call of the firmware does not leave: whether it makes progress, and what a round of it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from stm32emu.cpu import Registers
from stm32emu.machine import Machine
from stm32emu.symbols import Symbol

ROUNDS = 100
"""Measured before a loop counts as one."""
LONGEST_ROUND = 20_000
"""Cycles. A computation on large numbers has longer ones in the loop that it spends seconds in."""
EXCEPTIONS = 256
BRANCH_TO_SELF = b"\xfe\xe7"  # B, encoding T2, ARMv7-M ARM A7.7.12
LARGEST_FRAME = 0x1000
"""Bytes. A call that begins at most so far above another's SP is not inside of that."""
SHORTEST_ROUND = 64
"""Cycles. A shorter one that leaves all registers as they were waits for an interrupt to change a variable."""


@dataclass(frozen=True, slots=True)
class Activation:
    """A call under way: of which function, its SP, in which context (see `Cpu`).

    `places` are addresses in the function where it has been seen, `callees` the functions it was seen to call.
    """

    function: Symbol
    sp: int
    context: int
    places: frozenset[int]
    callees: frozenset[int]


@dataclass(frozen=True, slots=True)
class Called:
    """A call that a round makes: of the function at `address`; r0 to r3 and SP at its start, where it returns to."""

    address: int
    registers: tuple[int, ...]
    sp: int
    returns_to: int


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop: its call, the address at which its rounds begin, the registers there, cycles of a round, its calls."""

    activation: Activation
    head: int
    registers: Registers
    cycles: int
    calls: tuple[Called, ...]


class _Watcher:
    """Watches of one call under way, all taken back at once."""

    def __init__(self, machine: Machine, activation: Activation) -> None:
        self._machine = machine
        self._activation = activation
        self._watched: dict[int, Callable[[int], None]] = {}

    def close(self) -> None:
        """Stop looking."""
        for address in list(self._watched):
            self._unwatch(address)

    def _watch(self, address: int, callback: Callable[[int], None]) -> None:
        if address not in self._watched:
            self._machine.cpu.watch(address, callback)
            self._watched[address] = callback

    def _unwatch(self, address: int) -> None:
        self._machine.cpu.unwatch(address, self._watched.pop(address))

    def _above(self) -> int | None:
        """How far SP is above the call's; None in another context."""
        here = self._machine.cpu.context == self._activation.context
        return self._machine.cpu.call_registers()[4] - self._activation.sp if here else None


class LoopProbe(_Watcher):
    """Finds out whether a call goes on (`renewed`: another one has taken its place), and what its rounds are.

    `head` is the first of its places that is passed, `cycles` the average length of a round, `endless` whether most are
    short and touch no peripheral, and are not a mere wait.
    """

    def __init__(self, machine: Machine, activation: Activation) -> None:
        super().__init__(machine, activation)
        self.renewed = self.endless = False
        self.head = self.cycles = 0
        self._heads: list[tuple[int, int, tuple[int, ...]]] = []  # cycle, accesses of peripherals, registers
        start, end = activation.function.address, activation.function.address + activation.function.size
        self._watch(start, self._entered)
        for address in {*activation.places, *(block for block in machine.cpu.blocks() if start < block < end)}:
            self._watch(address, self._at_place)

    def _entered(self, address: int) -> None:
        if self._machine.memory.peek(address, 2) == BRANCH_TO_SELF:  # all there is of the function
            self._at_place(address)
            return
        above = self._above()
        self.renewed |= above is not None and 0 <= above < LARGEST_FRAME

    def _at_place(self, address: int) -> None:
        if self._above() != 0 or (self.head and address != self.head):
            return
        self.head = address
        cpu = self._machine.cpu
        self._heads.append((cpu.now, cpu.accesses, _values(cpu.snapshot())))
        if len(self._heads) > ROUNDS:
            for place in {address, *(self._watched.keys() - {self._activation.function.address})}:
                self._unwatch(place)
            self._judge()

    def _judge(self) -> None:
        rounds = list(pairwise(self._heads))
        self.cycles = (self._heads[-1][0] - self._heads[0][0]) // ROUNDS
        short = sum(after[0] - before[0] <= LONGEST_ROUND for before, after in rounds)
        untouched = sum(after[1] == before[1] for before, after in rounds)
        same = sum(after[2] == before[2] for before, after in rounds)
        waits = same > ROUNDS // 2 and self.cycles <= SHORTEST_ROUND and not self._waits_in_vain()
        computes = short > ROUNDS // 2 and untouched > ROUNDS // 2
        self.endless = (computes and not waits) or self._in_handler

    @property
    def _in_handler(self) -> bool:
        """Handlers do not wait, or all of the firmware waits for them."""
        return 0 < self._activation.context < EXCEPTIONS

    def _waits_in_vain(self) -> bool:
        """With interrupts masked, or in a branch to itself, which looks at no variable."""
        return bool(self._machine.cpu.snapshot().primask) or self._machine.memory.peek(self.head, 2) == BRANCH_TO_SELF


class LoopRound(_Watcher):
    """Follows one round of a loop from `head` to `head` for the calls that it makes.

    Args:
        cycles: of a round.
        found: takes the loop, while the CPU stands at its head.
    """

    def __init__(
        self, machine: Machine, activation: Activation, head: int, cycles: int, found: Callable[[Loop], None]
    ) -> None:
        super().__init__(machine, activation)
        self._cycles = cycles
        self._found = found
        self._begun = False
        self._calls: list[Called] = []
        self._watch(head, self._at_head)
        for callee in self._callees():
            self._watch(callee, self._at_callee)

    def _callees(self) -> set[int]:
        """Functions that ran lately, or in a look, and that perhaps the loop itself calls."""
        symbols = self._machine.symbols
        entered = {block for block in self._machine.cpu.blocks() if (s := symbols.lookup(block)) and s.offset == 0}
        return entered | self._activation.callees

    def _at_head(self, address: int) -> None:
        if self._above() != 0:
            return
        if not self._begun:
            self._begun = True
            return
        self.close()
        registers = self._machine.cpu.snapshot()
        self._found(Loop(self._activation, address, registers, self._cycles, tuple(self._calls)))

    def _at_callee(self, address: int) -> None:
        *registers, sp, lr = self._machine.cpu.call_registers()
        function = self._activation.function
        if self._begun and self._above() == 0 and function.address <= lr < function.address + function.size:
            self._calls.append(Called(address, tuple(registers), sp, lr & ~1))


def _values(registers: Registers) -> tuple[int, ...]:
    """Those that a loop computes with."""
    return tuple(getattr(registers, f"r{n}") for n in range(13))
