# SPDX-License-Identifier: GPL-2.0-or-later
"""FreeRTOS seen from outside: the current task and the list of all tasks, read from the kernel's own structures.

Offsets come from DWARF where the kernel was compiled with it, else from the layout that FreeRTOS 8 to 11 have without
an MPU; what does not look like a task is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from stm32emu.symbols import Symbols

ReadMemory = Callable[[int, int], bytes]
CURRENT_TCB = "pxCurrentTCB"
"""The kernel's pointer to the running task's TCB."""
KERNEL_FUNCTIONS = ("vTaskSwitchContext", "xTaskIncrementTick", "vTaskStartScheduler")
MOST_TASKS, MOST_PRIORITIES, LARGEST_STACK = 256, 256, 1 << 18
LISTS = (
    ("pxReadyTasksLists", "ready"),
    ("xPendingReadyList", "ready"),
    ("xDelayedTaskList1", "blocked"),
    ("xDelayedTaskList2", "blocked"),
    ("xSuspendedTaskList", "suspended"),
    ("xTasksWaitingTermination", "deleted"),
)


@dataclass(frozen=True, slots=True)
class Task:
    """A task: its name, TCB address, saved stack pointer, lowest stack address, priority and state.

    `stack_pointer` is where PendSV left it: of the running task it is old.
    """

    name: str
    tcb: int
    stack_pointer: int
    stack: int
    priority: int
    state: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Offsets in bytes within the TCB, list and list item structures."""

    name: int = 52
    name_length: int = 16
    priority: int = 44
    stack: int = 48
    list_end: int = 8
    list_size: int = 20
    item_next: int = 4
    item_owner: int = 12

    @classmethod
    def of(cls, symbols: Symbols) -> Self:
        """The firmware's own layout, as far as DWARF tells it."""
        anchor = next((a for a in map(symbols.address, KERNEL_FUNCTIONS) if a is not None), None)
        if anchor is None:
            return cls()
        tcb = symbols.debug.members("tskTaskControlBlock", anchor)
        lists = symbols.debug.members("xLIST", anchor)
        item = symbols.debug.members("xLIST_ITEM", anchor)
        if not {"pcTaskName", "uxPriority", "pxStack"} <= tcb.keys():
            return cls()
        if "xListEnd" not in lists or not {"pxNext", "pvOwner"} <= item.keys():
            return cls()
        return cls(
            name=tcb["pcTaskName"].offset,
            name_length=tcb["pcTaskName"].size or cls().name_length,
            priority=tcb["uxPriority"].offset,
            stack=tcb["pxStack"].offset,
            list_end=lists["xListEnd"].offset,
            list_size=max(member.offset + member.size for member in lists.values()),
            item_next=item["pxNext"].offset,
            item_owner=item["pvOwner"].offset,
        )


class FreeRtos:
    """The kernel in one firmware's memory; answers are empty before it runs and where nothing can be read."""

    def __init__(self, read_memory: ReadMemory, symbols: Symbols) -> None:
        self._read_memory = read_memory
        self._symbols = symbols
        self._layout = Layout.of(symbols)
        ready = symbols.address("pxReadyTasksLists")
        found = None if ready is None else symbols.lookup(ready)
        self._priorities = found.size // self._layout.list_size if found is not None else 0

    def current(self) -> Task | None:
        """The task that runs."""
        pointer = self._symbols.address(CURRENT_TCB)
        tcb = None if pointer is None else self._word(pointer)
        return self._task(tcb, "running") if tcb else None

    def tasks(self) -> list[Task]:
        """Every task, the running one first, each once."""
        current = self.current()
        found = {} if current is None else {current.tcb: current}
        for name, state in LISTS:
            base = self._symbols.address(name)
            count = max(self._priorities, 1) if name == "pxReadyTasksLists" else 1
            for number in range(count if base is not None else 0):
                for tcb in self._owners((base or 0) + number * self._layout.list_size):
                    task = None if tcb in found else self._task(tcb, state)
                    if task is not None:
                        found[tcb] = task
        return list(found.values())

    def _owners(self, address: int) -> Iterator[int]:
        """Owners of the items of the list at `address`."""
        end = address + self._layout.list_end
        item = self._word(end + self._layout.item_next)
        for _ in range(MOST_TASKS):
            if not item or item == end:
                return
            owner = self._word(item + self._layout.item_owner)
            if owner:
                yield owner
            item = self._word(item + self._layout.item_next)

    def _task(self, tcb: int, state: str) -> Task | None:
        """The task whose TCB is at `tcb`, if that looks like one: a printable name, SP near its stack."""
        layout = self._layout
        pointer, stack, priority = (self._word(tcb + at) for at in (0, layout.stack, layout.priority))
        name = self._read(tcb + layout.name, layout.name_length).split(b"\0", 1)[0]
        if pointer is None or not stack or priority is None or priority >= MOST_PRIORITIES:
            return None
        if abs(pointer - stack) >= LARGEST_STACK or not name.isascii() or not name.decode("ascii").isprintable():
            return None
        return Task(name.decode("ascii"), tcb, pointer, stack, priority, state)

    def _read(self, address: int, length: int) -> bytes:
        try:
            return bytes(self._read_memory(address, length))
        except Exception:  # the reader is the caller's; whatever it raises means that nothing is there
            return b""

    def _word(self, address: int) -> int | None:
        data = self._read(address, 4)
        return int.from_bytes(data, "little") if len(data) == 4 else None


def current_task(read_memory: ReadMemory, symbols: Symbols) -> str | None:
    """Name of the running FreeRTOS task; None without that kernel or before it runs."""
    if symbols.address(CURRENT_TCB) is None:
        return None
    task = FreeRtos(read_memory, symbols).current()
    return None if task is None else task.name
