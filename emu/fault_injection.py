# SPDX-License-Identifier: GPL-2.0-or-later
"""Injects the faults of a run into its machine and its cable, each at its virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from stm32emu.allocators import allocating_names, find_allocator, find_functions
from stm32emu.errors import UserError
from stm32emu.failing_call import FailingCall
from stm32emu.faults import Fault, Moment
from stm32emu.machine import Machine
from stm32emu.netbridge.link import Direction, Link
from stm32emu.netbridge.link_faults import Corruption, Delay, LinkFault, Loss, Reorder
from stm32emu.netbridge.syn import opens_connection
from stm32emu.peripherals.eth import Eth
from stm32emu.peripherals.rng import Biased, Distortion, Repeating, Rng, StuckAt
from stm32emu.symbols import Symbol, Symbols
from stm32emu.timebase import NANO

Switch = Callable[[bool], None]
"""Turns a fault on and off."""


class FaultInjection:
    """The faults of one run. Raises UserError for one that the chip or the firmware has no place for.

    Each draws from a generator of its own, seeded by `seed` and its text: another fault more or less changes nothing.

    Args:
        machine, link: where they go.
        log: takes a line when a fault begins and ends.
    """

    def __init__(
        self, faults: Sequence[Fault], *, machine: Machine, link: Link, seed: int, log: Callable[[str], None]
    ) -> None:
        self._machine = machine
        self._link = link
        self._seed = seed
        self._log = log
        self._standing: Counter[str] = Counter()
        self._switches = [(fault, SWITCHES[fault.row.name](self, fault)) for fault in faults]

    def start(self) -> None:
        """Begin with the faults that have no time; the others follow at theirs."""
        for fault, switch in self._switches:
            self._at(fault.start, partial(self._begin, fault, switch))
            if fault.end is not None:
                self._at(fault.end, partial(self._end, fault, switch))

    def _at(self, moment: Moment | None, action: Callable[[], None]) -> None:
        if moment is None:
            action()
        elif moment.is_cycle:
            self._machine.clock.at(moment.value, action)
        else:
            self._machine.time.alarm(moment.value, action)

    def _begin(self, fault: Fault, switch: Switch) -> None:
        self._say(fault, "begins")
        switch(True)

    def _end(self, fault: Fault, switch: Switch) -> None:
        self._say(fault, "ends")
        switch(False)

    def _say(self, fault: Fault, what: str) -> None:
        self._log(f"fault {fault} {what} at {self._machine.time.now_ns / NANO:.3f} s")

    def _while_any(self, fault: Fault, switch: Switch) -> Switch:
        """For what cannot be broken twice: broken while any fault of its kind lasts."""

        def count(on: bool) -> None:
            self._standing[fault.row.name] += 1 if on else -1
            switch(self._standing[fault.row.name] > 0)

        return count

    # The random number generator

    def _rng(self, fault: Fault) -> Rng:
        rng = self._machine.board.blocks.get("RNG")
        if not isinstance(rng, Rng):
            raise _misplaced(fault, f"{self._machine.chip.name} has no random number generator")
        return rng

    def _distort(self, fault: Fault, distortion: Distortion) -> Switch:
        distortions = self._rng(fault).distortions
        return lambda on: distortions.append(distortion) if on else distortions.remove(distortion)

    def _stuck(self, fault: Fault) -> Switch:
        return self._distort(fault, StuckAt(fault.argument))

    def _bias(self, fault: Fault) -> Switch:
        return self._distort(fault, Biased(fault.argument))

    def _repeat(self, fault: Fault) -> Switch:
        rng, repeating = self._rng(fault), Repeating()

        def see(frame: bytes, _now: int, way: Direction) -> None:
            if way is Direction.TO_GUEST and opens_connection(frame):
                repeating.restart()
                rng.discard()

        self._link.taps.append(see)
        return self._distort(fault, repeating)

    # The network

    def _eth(self, fault: Fault) -> Eth:
        eth = self._machine.board.eth()
        if eth is None:
            raise _misplaced(fault, f"{self._machine.chip.name} has no Ethernet")
        return eth

    def _link_down(self, fault: Fault) -> Switch:
        phy = self._eth(fault).phy
        return self._while_any(fault, lambda on: phy.set_link(not on))

    def _stages(self, fault: Fault, make: Callable[[Random], LinkFault]) -> Switch:
        """One stage for each direction, each with its own chance."""
        self._eth(fault)
        stages = []
        for way, lane in self._link.lanes.items():
            stages.append(make(Random(f"{self._seed} {fault} {way.value}")))
            lane.faults.append(stages[-1])

        def switch(on: bool) -> None:
            for stage in stages:
                stage.active = on

        return switch

    def _loss(self, fault: Fault) -> Switch:
        return self._stages(fault, partial(Loss, fault.argument))

    def _reorder(self, fault: Fault) -> Switch:
        return self._stages(fault, partial(Reorder, fault.argument))

    def _corrupt(self, fault: Fault) -> Switch:
        return self._stages(fault, partial(Corruption, fault.argument))

    def _delay(self, fault: Fault) -> Switch:
        return self._stages(fault, lambda _random: Delay(fault.argument))

    # The firmware's memory

    def _alloc_fail(self, fault: Fault) -> Switch:
        symbols = self._machine.symbols

        def tell(function: str, caller: int) -> None:
            self._log(f"fault {fault}: {function} returns NULL to {symbols.format(caller - 2)}")

        functions = self._allocator(fault, symbols)
        failing = FailingCall(self._machine.cpu, functions, fault.argument.number, tell)
        return lambda _on: failing.start()

    def _allocator(self, fault: Fault, symbols: Symbols) -> list[Symbol]:
        name, elf = fault.argument.function, self._machine.firmware.path.name
        found = find_functions(symbols, [name]) if name else find_allocator(symbols)
        if found:
            return found
        if name:
            raise _misplaced(fault, f"{elf} has no function {name}; an ELF that was stripped has no names at all")
        known = ", ".join(name for family in allocating_names() for name in family)
        raise _misplaced(fault, f"{elf} has none of {known}; name its allocator, as in alloc=fail:my_malloc.1")

    def _mem_flip(self, fault: Fault) -> Switch:
        bit, machine = fault.argument, self._machine
        if not machine.memory.peek(bit.address, 1):
            raise _misplaced(fault, f"{machine.chip.name} has no memory at {bit.address:#010x}")

        def flip(_on: bool) -> None:
            machine.memory.flip(bit.address, bit.bit)
            machine.cpu.flush()  # the byte may be code that was translated before

        return flip


def _misplaced(fault: Fault, why: str) -> UserError:
    return UserError(f"--fault {fault}: {why}")


SWITCHES: dict[str, Callable[[FaultInjection, Fault], Switch]] = {
    "rng=stuck": FaultInjection._stuck,
    "rng=repeat": FaultInjection._repeat,
    "rng=bias": FaultInjection._bias,
    "rng=seed-error": lambda self, fault: self._while_any(fault, self._rng(fault).break_seed),
    "rng=clock-off": lambda self, fault: self._while_any(fault, self._rng(fault).break_clock),
    "eth=link-down": FaultInjection._link_down,
    "eth=loss": FaultInjection._loss,
    "eth=reorder": FaultInjection._reorder,
    "eth=corrupt": FaultInjection._corrupt,
    "eth=delay": FaultInjection._delay,
    "alloc=fail": FaultInjection._alloc_fail,
    "mem=flip": FaultInjection._mem_flip,
}
"""What each row of the table does."""
