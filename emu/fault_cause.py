# SPDX-License-Identifier: GPL-2.0-or-later
"""What a fault was about, in one plain sentence: the flags' meaning, the access, and what lies at its address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stm32emu.chip import Block, Chip, Region
from stm32emu.disassembly import Disassembler
from stm32emu.fault_status import FORCED, describe, exception_name, fault_address
from stm32emu.symbols import Symbols

MMFSR, BFSR, UFSR = 0xFF, 0xFF00, 0xFFFF_0000
IACCVIOL, DACCVIOL, IBUSERR, PRECISERR = 1 << 0, 1 << 1, 1 << 8, 1 << 9
STACKING = 1 << 3 | 1 << 4 | 1 << 11 | 1 << 12
INVSTATE, UNALIGNED, INSTRUCTION = 1 << 17, 1 << 24, 1 << 16 | 1 << 19 | 1 << 24 | 1 << 25
NULL_PAGE = 0x400
NEAR_SP = 0x200
SYSTEM = 0xE000_0000
BIT_BANDS = ((0x2200_0000, 0x2400_0000), (0x4200_0000, 0x4400_0000))
REGIONS = (
    (0x2000_0000, "code"),
    (0x4000_0000, "SRAM"),
    (0x6000_0000, "peripheral"),
    (0xA000_0000, "external RAM"),
    (SYSTEM, "external device"),
    (0x1_0000_0000, "system"),
)
"""Ends and names of the regions of the system address map (ARMv7-M ARM B3.1)."""


@dataclass(frozen=True)
class FaultSnapshot:
    """The machine at a fault, as the machine fills it in.

    Attributes:
        exception: number of the exception taken (3 HardFault ... 6 UsageFault).
        registers: of the faulting context as they were at the fault, that is with the exception frame popped: r0-r12,
            sp, lr, pc, xpsr; besides msp, psp, control, primask, basepri, faultmask, and exc_return, the LR that the
            handler was given. Any may be missing.
        blocks: start addresses of the last blocks run, oldest first.
        cycle: CPU cycles since reset; `seconds` the same as virtual time.
    """

    exception: int
    registers: Mapping[str, int]
    cfsr: int = 0
    hfsr: int = 0
    mmfar: int = 0
    bfar: int = 0
    blocks: Sequence[int] = field(default_factory=tuple)
    cycle: int = 0
    seconds: float = 0.0

    @property
    def address(self) -> int | None:
        """The address that faulted, if MMFAR or BFAR is valid."""
        return fault_address(self.cfsr, self.mmfar, self.bfar)


def title(snapshot: FaultSnapshot) -> str:
    """The exception's name; for an escalated fault also the one it was: `HardFault (was BusFault)`."""
    name = exception_name(snapshot.exception)
    kinds = (("MemManage", MMFSR), ("BusFault", BFSR), ("UsageFault", UFSR))
    origins = [kind for kind, mask in kinds if snapshot.cfsr & mask]
    forced = snapshot.exception == 3 and snapshot.hfsr & FORCED
    return f"{name} (was {' and '.join(origins)})" if forced and origins else name


def explain(snapshot: FaultSnapshot, disassembler: Disassembler, symbols: Symbols, chip: Chip | None = None) -> str:
    """`precise data bus error: load from 0x40050000, where nothing is mapped`."""
    detail = _detail(snapshot, disassembler, symbols, chip)
    sentence = describe(snapshot.cfsr, snapshot.hfsr)
    return f"{sentence}: {detail}" if detail else sentence


def _detail(snapshot: FaultSnapshot, disassembler: Disassembler, symbols: Symbols, chip: Chip | None) -> str:
    cfsr, registers = snapshot.cfsr, snapshot.registers
    pc = registers.get("pc", 0)
    if cfsr & STACKING:
        sp = registers.get("sp", 0)
        return f"sp is {sp:#010x}, {whereabouts(sp, symbols, chip)}{_overflow(sp, registers, chip)}"
    if cfsr & (DACCVIOL | PRECISERR):
        access = disassembler.access(pc, registers)
        address = snapshot.address
        if address is None:
            return ""
        words = {"load": "load from", "store": "store to"}[access.kind] if access else "access to"
        return f"{words} {address:#010x}, {whereabouts(address, symbols, chip)}{_overflow(address, registers, chip)}"
    if cfsr & (IACCVIOL | IBUSERR | INVSTATE):
        return f"pc is {pc:#010x}, {whereabouts(pc, symbols, chip)}"
    if not cfsr and snapshot.hfsr & FORCED:
        call = disassembler.at(pc - 2)  # the stacked PC of an SVC is past it
        return " ".join(call.text.split()) if call is not None and call.text.startswith("svc") else ""
    return _instruction(snapshot, disassembler) if cfsr & INSTRUCTION else ""


def _overflow(address: int, registers: Mapping[str, int], chip: Chip | None) -> str:
    """For an access near SP outside all memory."""
    near = abs(address - registers.get("sp", 0)) < NEAR_SP
    outside = chip is not None and not any(region.holds(address) for region in chip.memories)
    return ": the stack has overflowed its memory" if near and outside else ""


def _instruction(snapshot: FaultSnapshot, disassembler: Disassembler) -> str:
    """The faulting instruction, and for an unaligned access its address."""
    pc = snapshot.registers.get("pc", 0)
    instruction = disassembler.at(pc)
    if instruction is None:
        return ""
    text = " ".join(instruction.text.split())
    access = disassembler.access(pc, snapshot.registers) if snapshot.cfsr & UNALIGNED else None
    return f"{text} at address {access.address:#010x}" if access and access.address is not None else text


def whereabouts(address: int, symbols: Symbols, chip: Chip | None = None) -> str:
    """What lies at an address: `in task_stack+0x10`, `in flash`, `in USART2`, or that nothing does."""
    symbol = symbols.lookup(address)
    if symbol is not None:
        return f"in {symbol}"
    if address < NULL_PAGE:
        return "which looks like a null pointer"
    if chip is not None and address < SYSTEM:
        return _on_chip(address, chip)
    return f"in the {next(name for end, name in REGIONS if address < end)} region"


def _on_chip(address: int, chip: Chip) -> str:
    """The memory or block of the part that holds `address`."""
    places: tuple[Region | Block, ...] = (*chip.memories, *chip.blocks)
    for place in places:
        if place.base <= address < place.base + place.size:
            return f"in {place.name}"
    if address < chip.flash.size:
        return "in the alias of flash at 0"
    if any(start <= address < end for start, end in BIT_BANDS):
        return "in a bit-band alias"
    return "where nothing is mapped"
