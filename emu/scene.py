# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the firmware is just now: call chain, task, connection and time, for whoever has something to tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from itertools import pairwise

from stm32emu.findings import Place, When
from stm32emu.machine import Machine
from stm32emu.netbridge.conversations import Conversations
from stm32emu.netbridge.link import Direction, Link
from stm32emu.rtos.freertos import FreeRtos, Task
from stm32emu.symbols import file_name
from stm32emu.timebase import NANO
from stm32emu.unwind import unwind

LOW_END = 0x1000
"""Where the addresses end that a NULL pointer to a structure leads to; LOW_END in the core."""
REGISTERS = (*(f"r{n}" for n in range(13)), "sp", "lr", "pc")


class Scene:
    """Looks at a machine from within a watch or between runs; changes nothing."""

    def __init__(self, machine: Machine, link: Link) -> None:
        self.symbols = machine.symbols
        self._machine = machine
        self.read_memory = machine.memory.peek
        self._kernel = FreeRtos(self.read_memory, machine.symbols)
        self._conversations = Conversations()
        self.connection_listeners: list[Callable[[], None]] = []
        link.taps.append(self._see)

    def _see(self, frame: bytes, _now: int, way: Direction) -> None:
        before = self.connection, len(self.closed_connections)
        if way is Direction.TO_GUEST:
            self._conversations.receive(frame)
        else:
            self._conversations.send(frame)
        if (self.connection, len(self.closed_connections)) != before:
            for listener in self.connection_listeners:
                listener()

    @property
    def has_low_data(self) -> bool:
        """Whether the firmware itself lies at the addresses that NULL pointers lead to."""
        return any(segment.virtual < LOW_END for segment in self._machine.firmware.segments)

    @property
    def connection(self) -> int:
        """The TCP connection that last opened or sent data to the firmware, counted from 1; 0 before there is one."""
        return self._conversations.current

    @property
    def closed_connections(self) -> Set[int]:
        """The numbers of those that are over."""
        return self._conversations.closed

    @property
    def when(self) -> When:
        """This moment."""
        task = self.task
        return When(task.name if task else None, self.connection, self._machine.time.now_ns / NANO)

    @property
    def task(self) -> Task | None:
        """The running task, None in a handler or without a kernel."""
        return None if self._machine.cpu.ipsr else self._kernel.current()

    def place(self, address: int) -> Place:
        """The code at `address`."""
        symbol, line = self.symbols.lookup(address), self.symbols.line(address)
        file = file_name(line[0]) if line else None
        return Place(address, symbol.name if symbol else None, file, line[1] if line else None)

    def calls(self, returned_to: int) -> tuple[Place, ...]:
        """The chain of calls, innermost first, of the code that a call has just returned to."""
        return self.calls_at(returned_to - 2)

    def calls_to_here(self, pc: int) -> tuple[Place, ...]:
        """The chain of calls that led to the instruction at `pc`, or the start of a function, without that itself."""
        return self.calls_at(pc)[1:]

    def calls_at(self, pc: int) -> tuple[Place, ...]:
        """The chain of calls of the instruction at `pc`, which is about to run: itself first."""
        registers = {**self._machine.registers().as_dict(), "pc": pc}
        chain = unwind(registers, self.read_memory, self.symbols)
        return tuple(self.place(frame.place) for frame in chain)

    def frame_around(self, address: int) -> str | None:
        """The function whose stack frame an address lies in, of those that run now on the stack in use."""
        chain = unwind(self._machine.registers().as_dict(), self.read_memory, self.symbols)
        for frame, caller in pairwise(chain):
            if frame.sp <= address < caller.sp:
                return self.place(frame.place).name
        return None

    def calls_then(self, registers: Sequence[int], stack: bytes) -> tuple[Place, ...]:
        """The chain of calls of an earlier moment: r0 to r12, SP, LR and PC, and what was on the stack from SP on."""
        top = registers[13]

        def then(address: int, length: int) -> bytes:
            inside = top <= address < top + len(stack)
            return stack[address - top :][:length] if inside else self._code(address, length)

        chain = unwind(dict(zip(REGISTERS, registers, strict=True)), then, self.symbols)
        return tuple(self.place(frame.place) for frame in chain)

    def _code(self, address: int, length: int) -> bytes:
        """What the firmware's program says; RAM may have changed since then."""
        return self.read_memory(address, length) if self.symbols.is_code(address) else b""

    def task_name(self, tcb: int) -> str:
        """The name of the task with this TCB."""
        return next((task.name for task in self._kernel.tasks() if task.tcb == tcb), f"{tcb:#010x}")
