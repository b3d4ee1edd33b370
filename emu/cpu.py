# SPDX-License-Identifier: GPL-2.0-or-later
"""The CPU: a Cortex-M4 (ARMv7-M ARM) on Unicorn, driven by the native core in `_core*.c`.

This is the only module that imports unicorn, and only to find the library that holds its C API.
"""

from __future__ import annotations

import ctypes
import mmap
from array import array
from dataclasses import dataclass, fields
from enum import IntEnum
from importlib.metadata import version

from unicorn.unicorn_py3.unicorn import uclib

from stm32emu._core import Core

Buffer = bytearray | memoryview | mmap.mmap | array  # type: ignore[type-arg]

NEVER = (1 << 63) - 1
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


def unicorn_version() -> str:
    """The installed Unicorn, by its package metadata (2.1.1's library reports itself as 2.1.0)."""
    return version("unicorn")


def _api() -> dict[str, int]:
    return {name: ctypes.cast(getattr(uclib, name), ctypes.c_void_p).value or 0 for name in _API}


class Cpu(Core):
    """A Cortex-M4 with its NVIC, SysTick, SCB, DWT and ITM.

    Time is in cycles: one for each halfword of code fetched. `now` is the time at the last natural boundary, which is
    what peripherals see. `due` is the cycle at which `on_due` is called; it returns the next one or None.
    """

    def __init__(self) -> None:
        super().__init__(_api())

    def fault(self) -> Registers | None:
        """The fault that ended the last run with FAULT or LOCKUP, once."""
        values = self.take_fault()
        return None if values is None else Registers(*values)

    def snapshot(self) -> Registers:
        """The registers now."""
        return Registers(*self.registers())
