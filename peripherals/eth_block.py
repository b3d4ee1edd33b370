# SPDX-License-Identifier: GPL-2.0-or-later
"""What the parts of the Ethernet block share: time, the PHY, interrupts."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable

from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.eth_phy import Phy
from stm32emu.peripherals.eth_registers import EthRegisters
from stm32emu.peripherals.ledger import Ledger
from stm32emu.peripherals.memory import BusError, Memory
from stm32emu.peripherals.register import Field, Register

MINIMUM, LONGEST = 60, 2044  # bytes of a frame without FCS; beyond LONGEST jabber and watchdog timers cut it off
FCS, PREAMBLE_AND_GAP = 4, 20  # bytes


def frame_check_sequence(frame: bytes) -> bytes:
    """The FCS in the order of the wire (IEEE 802.3 section 3.2.9)."""
    return zlib.crc32(frame).to_bytes(FCS, "little")


class EthBlock(EthRegisters):
    """The base of the parts; each part extends `_clear` by the state of its own.

    `dropped` counts frames that got lost, by reason.
    """

    def __init__(self, name: str, *, clock: Clock, tree: ClockTree, memory: Memory, phy: Phy, ledger: Ledger) -> None:
        super().__init__(name, ledger=ledger)
        self.clock = clock
        self.tree = tree
        self.phy = phy
        self.dropped: dict[str, int] = {}
        self._memory = memory
        self._events: dict[str, Event] = {}
        self._cable: deque[tuple[bytes, bool]] = deque()  # frames on their way here; the bool: damaged

    def _clear(self) -> None:
        """Forget everything that a reset of the block forgets, registers apart. The cable is no part of it."""
        for event in self._events.values():
            event.cancel()

    def _update(self) -> None:
        """Bring summary bits and interrupt lines up to date; every change of status ends here."""
        raise NotImplementedError

    def _bus_error(self, access: int, error: BusError) -> None:
        """An access of the DMA failed."""
        raise NotImplementedError

    def _enqueue(self, frame: bytes, bad_fcs: bool) -> None:
        """A frame sets out towards the receiver."""
        raise NotImplementedError

    def _stamp(self) -> tuple[int, int]:
        """The system time: seconds, subseconds."""
        raise NotImplementedError

    def _count(self, counter: Register, half_way: Field) -> None:
        """Add one to an MMC counter."""
        raise NotImplementedError

    def _after(self, key: str, cycles: int, action: Callable[[], None]) -> None:
        self._events[key] = self.clock.after(cycles, action)

    def _cancel(self, key: str) -> None:
        if key in self._events:
            self._events[key].cancel()

    def _waits_for(self, key: str) -> bool:
        return key in self._events and self._events[key].pending

    def _wire_time(self, frame: bytes, mbit: int) -> int:
        """Cycles that a frame keeps the wire busy: preamble, frame, FCS and inter-frame gap."""
        return self.tree.cycles(8 * (len(frame) + FCS + PREAMBLE_AND_GAP), mbit * 1_000_000)

    def _drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1

    def _illegal(self, register: Register, what: str) -> None:
        self.ledger.illegal(self.name, register.offset, what)

    def _read_and_clear(self, register: Register, *fields: Field) -> int:
        """A read that takes the given flags with it."""
        word = self.words[register.index]
        for each in fields:
            self.words[register.index] &= ~each.mask
        self._update()
        return word
