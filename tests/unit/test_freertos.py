# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading a FreeRTOS kernel's structures out of memory laid out by the compiler."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from stm32emu.rtos.freertos import FreeRtos, current_task
from stm32emu.symbols import Symbols

SOURCE = """
typedef unsigned u32;
struct xLIST;
typedef struct xLIST_ITEM {
    CHECK u32 xItemValue; struct xLIST_ITEM *pxNext, *pxPrevious; void *pvOwner; struct xLIST *pvContainer;
} ListItem_t;
typedef struct xMINI { CHECK u32 xItemValue; struct xLIST_ITEM *pxNext, *pxPrevious; } MiniListItem_t;
typedef struct xLIST { CHECK volatile u32 uxNumberOfItems; ListItem_t *pxIndex; MiniListItem_t xListEnd; } List_t;
typedef struct tskTaskControlBlock {
    volatile u32 *pxTopOfStack; EXTRA
    ListItem_t xStateListItem, xEventListItem; u32 uxPriority; u32 *pxStack; char pcTaskName[NAME];
} TCB_t;
u32 stacks[4][64];
#define TCB(n, name, priority, next, list) TCB_t t##n = { .pxTopOfStack = &stacks[n][40], \\
  .xStateListItem = { .pxNext = (ListItem_t *)next, .pvOwner = &t##n, .pvContainer = &list }, \\
  .uxPriority = priority, .pxStack = stacks[n], .pcTaskName = name }
#define LIST(items, first) { .uxNumberOfItems = items, .xListEnd = { .pxNext = (ListItem_t *)first } }
extern TCB_t t0, t1, t2, t3;
extern List_t xDelayedTaskList1, xDelayedTaskList2, xSuspendedTaskList, pxReadyTasksLists[3];
TCB(0, "tcpip", 2, &t1.xStateListItem, pxReadyTasksLists[2]);
TCB(1, "tls server", 2, &pxReadyTasksLists[2].xListEnd, pxReadyTasksLists[2]);
TCB(2, "blinky", 1, &xDelayedTaskList2.xListEnd, xDelayedTaskList2);
TCB(3, "IDLE", 0, &pxReadyTasksLists[0].xListEnd, pxReadyTasksLists[0]);
List_t pxReadyTasksLists[3] = { LIST(1, &t3.xStateListItem), LIST(0, &pxReadyTasksLists[1].xListEnd),
                                LIST(2, &t0.xStateListItem) };
List_t xDelayedTaskList1 = LIST(0, &xDelayedTaskList1.xListEnd);
List_t xDelayedTaskList2 = LIST(1, &t2.xStateListItem);
List_t xSuspendedTaskList = { 0 };
TCB_t *volatile pxCurrentTCB = &t1;
void vTaskSwitchContext(void) { pxCurrentTCB = &t0; }
void Reset_Handler(void) { for (;;) vTaskSwitchContext(); }
"""
CLASSIC = ["-DCHECK=", "-DEXTRA=", "-DNAME=16"]
SHIFTED = ["-DCHECK=u32 check;", "-DEXTRA=u32 more[3];", "-DNAME=24"]
TASKS = [("tls server", "running", 2), ("IDLE", "ready", 0), ("tcpip", "ready", 2), ("blinky", "blocked", 1)]


def reader(elf: Path) -> Callable[[int, int], bytes]:
    """Initialised memory at its run-time address."""
    with elf.open("rb") as file:
        areas = [(s["p_vaddr"], s.data()) for s in ELFFile(file).iter_segments("PT_LOAD")]

    def read(address: int, length: int) -> bytes:
        for base, data in areas:
            if base <= address and address + length <= base + len(data):
                return data[address - base : address - base + length]
        raise ValueError("nothing there")

    return read


@pytest.fixture(scope="module")
def classic(compile_firmware) -> Path:
    return compile_firmware("classic", SOURCE, "-O1", "-g", *CLASSIC)


@pytest.mark.parametrize("version", ["2", "5"])
@pytest.mark.parametrize("flags", [CLASSIC, SHIFTED], ids=["classic", "shifted"])
def test_tasks_by_dwarf_offsets(compile_firmware, flags, version):
    elf = compile_firmware("kernel", SOURCE, "-O1", f"-gdwarf-{version}", *flags)
    symbols, read = Symbols.from_elf(elf), reader(elf)
    tasks = FreeRtos(read, symbols).tasks()
    assert [(task.name, task.state, task.priority) for task in tasks] == TASKS
    stacks = symbols.address("stacks")
    assert [(task.stack_pointer - task.stack, task.stack - stacks) for task in tasks] == [
        (160, 256 * n) for n in (1, 3, 0, 2)
    ]
    assert current_task(read, symbols) == "tls server"


def test_tasks_by_the_usual_layout(classic, stripped):
    symbols = Symbols.from_elf(stripped(classic, "--strip-debug"))
    assert [(task.name, task.state, task.priority) for task in FreeRtos(reader(classic), symbols).tasks()] == TASKS


def test_an_unusual_layout_without_dwarf_gives_nothing_wrong(compile_firmware, stripped):
    elf = compile_firmware("shifted", SOURCE, "-O1", "-g", *SHIFTED)
    symbols = Symbols.from_elf(stripped(elf, "--strip-debug"))
    names = {task.name for task in FreeRtos(reader(elf), symbols).tasks()}
    assert not names - {task[0] for task in TASKS}


def test_before_the_kernel_runs_there_is_no_task(classic):
    symbols = Symbols.from_elf(classic)
    assert current_task(lambda address, length: bytes(length), symbols) is None
    assert FreeRtos(lambda address, length: bytes(length), symbols).tasks() == []


def test_unreadable_memory_and_other_firmware_have_no_tasks(classic):
    def refuse(address: int, length: int) -> bytes:
        raise ValueError("nothing there")

    assert FreeRtos(refuse, Symbols.from_elf(classic)).tasks() == []
    assert current_task(refuse, Symbols()) is None


def test_a_damaged_list_ends(classic):
    symbols, memory = Symbols.from_elf(classic), reader(classic)
    loop = symbols.address("t3") + 4

    def read(address: int, length: int) -> bytes:
        return loop.to_bytes(4, "little") if address == loop + 4 else memory(address, length)

    assert {task.name for task in FreeRtos(read, symbols).tasks()} == {task[0] for task in TASKS}
