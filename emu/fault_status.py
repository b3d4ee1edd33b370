# SPDX-License-Identifier: GPL-2.0-or-later
"""The fault status registers in words (ARMv7-M Architecture Reference Manual B3.2.13 to B3.2.18)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StatusBit:
    """One flag: its name and register as in the manual, and what it says about the program."""

    register: str
    name: str
    mask: int
    meaning: str

    def __str__(self) -> str:
        return f"{self.register}.{self.name}"


def _bits(register: str, *rows: tuple[str, int, str]) -> tuple[StatusBit, ...]:
    return tuple(StatusBit(register, name, 1 << bit, meaning) for name, bit, meaning in rows)


CFSR_BITS = (
    *_bits(
        "MMFSR",
        ("IACCVIOL", 0, "instruction fetch from memory that may not be executed"),
        ("DACCVIOL", 1, "data access that memory protection forbids"),
        ("MUNSTKERR", 3, "memory protection violated while an exception return restored registers from the stack"),
        ("MSTKERR", 4, "memory protection violated while exception entry saved registers on the stack"),
        ("MLSPERR", 5, "memory protection violated while lazily saving floating-point registers"),
        ("MMARVALID", 7, "MMFAR holds the address"),
    ),
    *_bits(
        "BFSR",
        ("IBUSERR", 8, "bus error on an instruction fetch"),
        ("PRECISERR", 9, "precise data bus error"),
        ("IMPRECISERR", 10, "imprecise data bus error: a buffered store failed after the program had run on"),
        ("UNSTKERR", 11, "bus error while an exception return restored registers: the stack pointer is probably wrong"),
        ("STKERR", 12, "bus error while exception entry saved registers: the stack probably overflowed"),
        ("LSPERR", 13, "bus error while lazily saving floating-point registers"),
        ("BFARVALID", 15, "BFAR holds the address"),
    ),
    *_bits(
        "UFSR",
        ("UNDEFINSTR", 16, "undefined instruction"),
        ("INVSTATE", 17, "execution without the Thumb bit: a call or return to an even address"),
        ("INVPC", 18, "exception return with an invalid EXC_RETURN or stacked xPSR"),
        ("NOCP", 19, "coprocessor instruction while that coprocessor is off (the FPU needs CPACR)"),
        ("UNALIGNED", 24, "unaligned access by an instruction that must be aligned (LDRD, STRD, LDM, STM)"),
        ("DIVBYZERO", 25, "division by zero"),
    ),
)
HFSR_BITS = _bits(
    "HFSR",
    ("VECTTBL", 1, "bus error while reading the vector table"),
    ("FORCED", 30, "an exception was escalated: its handler is disabled, masked, or not urgent enough"),
    ("DEBUGEVT", 31, "BKPT or debug event with no debugger"),
)
DFSR_BITS = _bits(
    "DFSR",
    ("HALTED", 0, "halt requested"),
    ("BKPT", 1, "BKPT instruction or breakpoint"),
    ("DWTTRAP", 2, "watchpoint"),
    ("VCATCH", 3, "vector catch"),
    ("EXTERNAL", 4, "external debug request"),
)
SHCSR_BITS = _bits(
    "SHCSR",
    ("MEMFAULTACT", 0, "MemManage is active"),
    ("BUSFAULTACT", 1, "BusFault is active"),
    ("USGFAULTACT", 3, "UsageFault is active"),
    ("SVCALLACT", 7, "SVCall is active"),
    ("MONITORACT", 8, "DebugMonitor is active"),
    ("PENDSVACT", 10, "PendSV is active"),
    ("SYSTICKACT", 11, "SysTick is active"),
    ("USGFAULTPENDED", 12, "UsageFault is pending"),
    ("MEMFAULTPENDED", 13, "MemManage is pending"),
    ("BUSFAULTPENDED", 14, "BusFault is pending"),
    ("SVCALLPENDED", 15, "SVCall is pending"),
    ("MEMFAULTENA", 16, "MemManage is enabled"),
    ("BUSFAULTENA", 17, "BusFault is enabled"),
    ("USGFAULTENA", 18, "UsageFault is enabled"),
)
MMARVALID, BFARVALID = 1 << 7, 1 << 15
VECTTBL, FORCED, DEBUGEVT = 1 << 1, 1 << 30, 1 << 31

EXCEPTION_NAMES = {
    0: "Thread",
    1: "Reset",
    2: "NMI",
    3: "HardFault",
    4: "MemManage",
    5: "BusFault",
    6: "UsageFault",
    11: "SVCall",
    12: "DebugMonitor",
    14: "PendSV",
    15: "SysTick",
}
"""ARMv7-M ARM table B1-4; interrupts follow from 16."""

EXC_RETURNS = {
    0xFFFF_FFE1: "to Handler mode, MSP, floating-point frame",
    0xFFFF_FFE9: "to Thread mode, MSP, floating-point frame",
    0xFFFF_FFED: "to Thread mode, PSP, floating-point frame",
    0xFFFF_FFF1: "to Handler mode, MSP, basic frame",
    0xFFFF_FFF9: "to Thread mode, MSP, basic frame",
    0xFFFF_FFFD: "to Thread mode, PSP, basic frame",
}
"""ARMv7-M ARM tables B1-8 and B1-9."""


def _set(bits: tuple[StatusBit, ...], value: int) -> list[StatusBit]:
    return [bit for bit in bits if value & bit.mask]


def decode_cfsr(value: int) -> list[StatusBit]:
    """The set flags of CFSR (MMFSR, BFSR and UFSR), lowest first."""
    return _set(CFSR_BITS, value)


def decode_hfsr(value: int) -> list[StatusBit]:
    """The set flags of HFSR, lowest first."""
    return _set(HFSR_BITS, value)


def decode_dfsr(value: int) -> list[StatusBit]:
    """The set flags of DFSR, lowest first."""
    return _set(DFSR_BITS, value)


def decode_shcsr(value: int) -> list[StatusBit]:
    """The set flags of SHCSR, lowest first."""
    return _set(SHCSR_BITS, value)


def fault_address(cfsr: int, mmfar: int, bfar: int) -> int | None:
    """The address that faulted, if a valid bit vouches for it (BFAR before MMFAR)."""
    if cfsr & BFARVALID:
        return bfar
    return mmfar if cfsr & MMARVALID else None


def describe(cfsr: int, hfsr: int) -> str:
    """What happened, in words: the meaning of every set cause, or of HFSR when CFSR names none."""
    causes = [bit.meaning for bit in decode_cfsr(cfsr & ~(MMARVALID | BFARVALID))]
    if hfsr & ~FORCED or not causes:
        causes += [bit.meaning for bit in decode_hfsr(hfsr & ~FORCED if causes else hfsr)]
    return "; ".join(causes) or "no fault flag is set"


def is_exc_return(value: int) -> bool:
    """Whether a branch to `value` in Handler mode is a valid exception return."""
    return value in EXC_RETURNS


def describe_exc_return(value: int) -> str:
    """Where an EXC_RETURN value leads."""
    return EXC_RETURNS.get(value, "not a valid EXC_RETURN")


def exception_name(number: int) -> str:
    """The name of exception `number` (IPSR); interrupts are "IRQ n"."""
    return EXCEPTION_NAMES.get(number, f"IRQ {number - 16}" if number >= 16 else f"exception {number}")
