# SPDX-License-Identifier: GPL-2.0-or-later
"""The CPU: a Cortex-M4 (ARMv7-M ARM) on Unicorn, driven by the native core in `_core*.c`.

This is the only module that imports unicorn, and only to find the library that holds its C API.
"""

from __future__ import annotations

import ctypes
import mmap
import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from stm32emu._core import Core
from stm32emu.errors import UserError

Buffer = bytearray | memoryview | mmap.mmap | array  # type: ignore[type-arg]

Watch = Callable[[int], int | None]
"""Hears that code was entered at an address; may answer with the address to go on at instead."""

NEVER = (1 << 63) - 1
_R0 = 66  # UC_ARM_REG_R0; unicorn is imported only once its version is known
_API = (
    *("uc_open", "uc_close", "uc_ctl", "uc_emu_start", "uc_emu_stop", "uc_hook_add", "uc_hook_del", "uc_strerror"),
    *("uc_reg_write", "uc_reg_read_batch", "uc_reg_write_batch", "uc_mem_map_ptr", "uc_mmio_map"),
)


class Kind(IntEnum):
    """What a stretch of memory is to the core."""

    RAM = 0
    ROM = 1
    FLASH = 2


class Reason(IntEnum):
    """Why `Cpu.run` came back."""

    LIMIT = 0
    """the asked-for cycle was reached"""
    SLEEP = 1
    """WFI, WFE or sleep-on-exit with nothing to wake for"""
    FAULT = 2
    """a fault handler was entered; `take_fault` tells"""
    LOCKUP = 3
    """ARMv7-M ARM B1.5.15"""
    RESET = 4
    """AIRCR.SYSRESETREQ"""
    STOPPED = 5
    """`stop` was called"""
    IDLE = 6
    """a busy idle loop was found that may not be skipped to the next event, which lies beyond `idle_until`"""


@dataclass(frozen=True)
class Registers:
    """The registers of one moment; for a fault, `exception` is the handler entered, `pc` the faulting instruction."""

    r0: int
    r1: int
    r2: int
    r3: int
    r4: int
    r5: int
    r6: int
    r7: int
    r8: int
    r9: int
    r10: int
    r11: int
    r12: int
    sp: int
    lr: int
    pc: int
    xpsr: int
    msp: int
    psp: int
    control: int
    primask: int
    basepri: int
    faultmask: int
    exception: int
    exc_return: int
    cfsr: int
    hfsr: int
    mmfar: int
    bfar: int
    cycle: int

    def as_dict(self) -> dict[str, int]:
        """All of them by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


SUPPORTED = ((2, 1, 3), (2, 2))
"""The first Unicorn that has all the core needs, and the first that nobody has tried; pyproject.toml says the same."""


def unicorn_version() -> str:
    """The installed Unicorn, by its package metadata (2.1.1's library reports itself as 2.1.0)."""
    try:
        return version("unicorn")
    except PackageNotFoundError:
        raise UserError("Unicorn is not installed; install it with: pip install 'unicorn>=2.1.3,<2.2'") from None


def _require_supported(found: str) -> None:
    numbers = tuple(int(part) for part in re.findall(r"\d+", found)[:3])
    if not SUPPORTED[0] <= numbers < SUPPORTED[1]:
        raise UserError(
            f"Unicorn {found} is installed, which stm32emu does not support; "
            "install another one with: pip install 'unicorn>=2.1.3,<2.2'"
        )


def unicorn_api() -> dict[str, int]:
    """The addresses of the functions that the core calls. Raises UserError when Unicorn is missing or unsupported."""
    _require_supported(unicorn_version())
    from unicorn.unicorn_py3.unicorn import uclib  # 2.1.1 has no such module

    return {name: ctypes.cast(getattr(uclib, name), ctypes.c_void_p).value or 0 for name in _API}


def _call_all(callbacks: tuple[Watch, ...], address: int) -> int | None:
    answers = [callback(address) for callback in callbacks]
    return next((answer for answer in answers if answer is not None), None)


class Cpu(Core):
    """A Cortex-M4 with its NVIC, SysTick, SCB, DWT and ITM.

    Time is in cycles: one for each halfword of code fetched. `now` is the time at the last natural boundary, which is
    what peripherals see. `due` is the cycle at which `on_due` is called; it returns the next one or None.

    With `skip_loops` busy idle loops count as sleep (`_core_idle.c`); the firmware cannot tell the difference. Sleep
    passes from event to event at once up to the cycle `idle_until`; beyond it, `run` ends with SLEEP or IDLE, for the
    caller to wait and then to call `advance` and `wake`, or `skip_idle`.

    `context` is what runs: an exception by its number, else a task by its TCB, to which the kernel keeps a pointer at
    `current_tcb`; 0 for all threads without a kernel.
    """

    def __init__(self, api: dict[str, int] | None = None) -> None:
        super().__init__(unicorn_api() if api is None else api)
        self._watches: dict[int, tuple[Watch, ...]] = {}

    def watch(self, address: int, callback: Watch) -> None:
        """Call `callback(address)` whenever a branch, a call, a return or an exception enters the code at `address`,
        before it runs: at the start of a function, or where a call returns to.

        The callback may read and write registers (`call_registers`, `snapshot`). It answers None, or the address where
        the CPU is to go on instead. Several callbacks of one address are all called, in the order they were added;
        the first answer counts. A function that code runs into without a branch is not noticed.

        Raises:
            ValueError: no code can start at `address`.
        """
        self._set_callbacks(address, (*self._watches.get(address, ()), callback))

    def unwatch(self, address: int, callback: Watch) -> None:
        """Take back one `watch`. Raises ValueError when there is none."""
        left = list(self._watches.get(address, ()))
        left.remove(callback)
        self._set_callbacks(address, tuple(left))

    def _set_callbacks(self, address: int, callbacks: tuple[Watch, ...]) -> None:
        native = partial(_call_all, callbacks) if len(callbacks) > 1 else callbacks[0] if callbacks else None
        self.set_watch(address, native)
        self._watches[address] = callbacks

    def skip_call(self, result: int) -> int:
        """For a watch at a function's start: what to answer so that the call returns `result` at once."""
        self.write_register(_R0, result)
        return self.call_registers()[-1]

    def fault(self) -> Registers | None:
        """The fault that ended the last run with FAULT or LOCKUP, once."""
        values = self.take_fault()
        return None if values is None else Registers(*values)

    def snapshot(self) -> Registers:
        """The registers now."""
        return Registers(*self.registers())
