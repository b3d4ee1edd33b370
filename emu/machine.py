# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine: a chip with a firmware in it, and virtual time. It knows no sockets, terminals or wall clocks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property, partial
from io import BytesIO

from stm32emu.board import Board, Wiring
from stm32emu.chip import Chip
from stm32emu.cpu import NEVER, Cpu, Reason, Registers
from stm32emu.elf import Firmware
from stm32emu.errors import GuestError
from stm32emu.guest_memory import GuestMemory
from stm32emu.peripherals.clock import Clock, ClockTree
from stm32emu.peripherals.ledger import Entry, Ledger
from stm32emu.peripherals.rcc import Rcc
from stm32emu.rtos.freertos import CURRENT_TCB
from stm32emu.semihosting import Semihosting
from stm32emu.symbols import Symbols
from stm32emu.timebase import NANO, Timebase

FRAME_DELAY_NS = 10_000
"""From the host's end of the cable to the MAC: a switch and some metres."""


class Machine:
    """One chip running one firmware.

    Args:
        firmware: the checked ELF.
        chip: the part; the firmware must fit (`chips.check_fits`).
        seed: of every source of chance.
        phy: which PHY sits on the MAC ("auto", "lan8742a@0" ...).
        hse_hz: the crystal, None to infer it from the PLL's settings.
        strict: make the first use of something unmodelled a GuestError.
        on_byte: hears (uart, byte) for every byte sent by a serial port or by ITM port 0, "ITM".
        on_frame: hears every Ethernet frame sent, without its FCS.
    """

    def __init__(
        self,
        firmware: Firmware,
        chip: Chip,
        *,
        seed: int = 0,
        phy: str = "auto",
        hse_hz: int | None = None,
        strict: bool = False,
        on_byte: Callable[[str, int], None] = lambda uart, byte: None,
        on_frame: Callable[[bytes], None] = lambda frame: None,
    ) -> None:
        self.firmware = firmware
        self.chip = chip
        self.cpu = Cpu()
        self.tree = ClockTree()
        self.clock = Clock(lambda: self.cpu.now, self._earlier)
        self.time = Timebase(self.clock, self.tree)
        self.ledger = Ledger(lambda: self.cpu.block, self._refuse if strict else lambda kind, entry: None)
        self.memory = GuestMemory(chip)
        self.memory.map_into(self.cpu)
        self.cpu.on_due = self._on_due
        self.cpu.on_itm = partial(_stimulus, on_byte)
        self.cpu.on_semihosting = Semihosting(self.memory, on_byte, lambda: self.time.now_ns / NANO, self._on_exit).call
        self.exited: bool | None = None
        self.cpu.on_limit = self._on_limit
        wiring = Wiring(
            clock=self.clock,
            tree=self.tree,
            ledger=self.ledger,
            seed=seed,
            phy=phy,
            hse_hz=hse_hz,
            on_byte=on_byte,
            on_frame=on_frame,
            on_reset=self._ask_reset,
        )
        self.board = Board(chip, self.cpu, self.memory, wiring)
        self.resets = 0
        self.reset_listeners: list[Callable[[str], None]] = []
        self._reset_cause: str | None = None
        self._asleep = False
        for segment in filter(lambda segment: segment.data, firmware.segments):
            self.memory.load(segment.physical, segment.data)
        self._start()

    def _start(self) -> None:
        table = self.firmware.vector_table
        self.cpu.reset(table, table not in (0, self.chip.flash.base))

    def _earlier(self, due: int) -> None:
        self.cpu.due = due

    def _on_due(self) -> int | None:
        self.clock.run_due()
        due = self.clock.next_due()
        return NEVER if due is None else due

    def _refuse(self, kind: str, entry: Entry) -> None:
        if kind == "unmodelled":
            where = f"{entry.block}+{entry.offset:#x}"
            raise GuestError(
                f"strict: the firmware used {where}{' ' + entry.what if entry.what else ''} near "
                f"{entry.pc or 0:#010x}, which stm32emu does not model; run without --strict to go on"
            )

    def _on_exit(self, good: bool) -> None:
        """`exited` says how the firmware ended; what it does afterwards is of no interest."""
        self.exited = good
        self.cpu.stop()

    def _on_limit(self, address: int, what: str) -> None:
        """The firmware set something in the core that has no effect here (docs/fidelity.md)."""
        self.ledger.unmodelled("core", address & 0xFFFF, what)

    def _ask_reset(self, cause: str) -> None:
        self._reset_cause = cause
        self.cpu.stop()

    @cached_property
    def symbols(self) -> Symbols:
        """The firmware's names for addresses, read when somebody first asks; from then on the core knows tasks."""
        symbols = Symbols.from_elf(BytesIO(self.firmware.contents))
        self.cpu.current_tcb = symbols.address(CURRENT_TCB) or 0
        return symbols

    def run(self, limit: int) -> Reason:
        """Run until cycle `limit`, a fault, lockup, or sleep that nothing pending ends. Resets happen on the way.

        A limit that has passed makes it return at once, with LIMIT.
        """
        while True:
            if self._reset_cause is not None:
                self.reset(self._reset_cause)
            elif self._asleep and not self.sleep(self.clock.now):
                if self._reset_cause is None:
                    return Reason.SLEEP
            else:
                reason = Reason(self.cpu.run(limit))
                self._asleep = reason is Reason.SLEEP
                if reason is Reason.RESET:
                    self._reset_cause = "software"
                elif not self._asleep and self._reset_cause is None:
                    return reason

    def sleep(self, until: int) -> bool:
        """While the CPU sleeps: let time pass up to cycle `until` or the first event; True if that wakes the CPU."""
        self.cpu.advance(min(until, self.cpu.wake_at))
        self._asleep = not self.cpu.wake()
        return not self._asleep

    def skip_idle(self, until: int) -> None:
        """After IDLE: skip whole rounds of the loop up to cycle `until` or the first event."""
        self.cpu.skip_idle(min(until, self.cpu.wake_at))

    def reset(self, cause: str) -> None:
        """A system reset, its cause ("software", "iwdg", "wwdg") noted in RCC_CSR; memory keeps its contents."""
        self._reset_cause = None
        self._asleep = False
        self.resets += 1
        self.board.one(Rcc).note_reset(cause)
        self.board.reset()
        self._start()
        for listener in self.reset_listeners:
            listener(cause)

    def deliver(self, frame: bytes, cycle: int) -> None:
        """A frame from the cable reaches the MAC at `cycle`."""
        eth = self.board.eth()
        if eth is not None:
            self.clock.at(cycle, lambda: eth.receive(frame), outside=True)

    def frame_cycle(self) -> int:
        """When a frame that the host sends now reaches the MAC."""
        return max(self.time.cycle(self.time.now_ns + FRAME_DELAY_NS), self.clock.now + 1)

    def registers(self) -> Registers:
        """The CPU's registers now."""
        return self.cpu.snapshot()

    def state_hash(self) -> str:
        """SHA-256 over all RAM, the registers and the core's state: equal for equal runs."""
        digest = hashlib.sha256(self.cpu.state())
        for ram in self.memory.ram():
            digest.update(ram)
        return digest.hexdigest()


def _stimulus(on_byte: Callable[[str, int], None], port: int, size: int, value: int) -> None:
    """Port 0 of the ITM is for text, by the convention of CMSIS."""
    for byte in value.to_bytes(size, "little") if port == 0 else b"":
        on_byte("ITM", byte)
