# SPDX-License-Identifier: GPL-2.0-or-later
"""Constants followed through the registers of one function, straight down its code, to the addresses it uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import unpack_from
from typing import Any

from capstone.arm import (
    ARM_CC_AL,
    ARM_CC_INVALID,
    ARM_OP_IMM,
    ARM_OP_MEM,
    ARM_OP_REG,
    ARM_REG_PC,
    ARM_REG_R0,
    ARM_REG_R1,
    ARM_REG_R2,
    ARM_REG_R3,
)

from stm32emu.disassembly import engine

ARGUMENTS = (ARM_REG_R0, ARM_REG_R1, ARM_REG_R2, ARM_REG_R3)


@dataclass
class _Value:
    """A constant in a register; `consumed` once it served as the base of an access or of another constant."""

    number: int
    consumed: bool = False


class _Walk:
    """Registers known to hold constants, while one function's instructions pass by."""

    def __init__(self, code: bytes, address: int) -> None:
        self._code = code
        self._address = address
        self._known: dict[int, _Value] = {}
        self._literals: set[int] = set()
        self.values: list[_Value] = []

    def accesses(self) -> Iterator[int]:
        """Addresses of the loads and stores whose base is known. Branches are ignored: the code is read top down."""
        for instruction in engine().disasm(self._code, self._address):
            if instruction.address & ~3 in self._literals:
                continue
            for operand in instruction.operands:
                base = self._known.get(operand.mem.base) if operand.type == ARM_OP_MEM else None
                if base is not None:
                    base.consumed = True
                    yield (base.number + operand.mem.disp) & 0xFFFF_FFFF
            self._execute(instruction)

    def _execute(self, instruction: Any) -> None:
        result = self._result(instruction)
        for register in instruction.regs_access()[1]:
            self._known.pop(register, None)
        if instruction.mnemonic.startswith("bl"):
            for register in ARGUMENTS:
                self._known.pop(register, None)
        if result is not None:
            value = _Value(result)
            self.values.append(value)
            self._known[instruction.operands[0].reg] = value

    def _result(self, instruction: Any) -> int | None:
        """What the instruction puts into its first operand, if that is a constant."""
        operands = instruction.operands
        if len(operands) < 2 or operands[0].type != ARM_OP_REG:
            return None
        name = _operation(instruction)
        last = operands[-1]
        if name == "ldr" and last.type == ARM_OP_MEM and last.mem.base == ARM_REG_PC and not last.mem.index:
            return self._literal((instruction.address & ~3) + 4 + last.mem.disp)
        if name in ("mov", "movs", "movw"):
            return self._number(last)
        left = self._known.get(operands[-2].reg) if operands[-2].type == ARM_OP_REG else None
        right = self._number(last)
        if left is None or right is None:
            return None
        return _compute(name, left, right)

    def _literal(self, address: int) -> int | None:
        at = address - self._address
        if not 0 <= at <= len(self._code) - 4:
            return None
        self._literals.add(address)
        return int(unpack_from("<I", self._code, at)[0])

    def _number(self, operand: Any) -> int | None:
        """An operand's value; a register's counts as consumed, since a copy of it goes on."""
        if operand.type == ARM_OP_IMM:
            return int(operand.imm) & 0xFFFF_FFFF
        value = self._known.get(operand.reg) if operand.type == ARM_OP_REG and not operand.shift.type else None
        if value is None:
            return None
        value.consumed = True
        return value.number


def _operation(instruction: Any) -> str:
    """The mnemonic without width and condition: SUBEQ.W counts as executed, like the access that follows it."""
    name: str = instruction.mnemonic.split(".")[0]
    return name if instruction.cc in (ARM_CC_INVALID, ARM_CC_AL) else name[:-2]


def _compute(name: str, left: _Value, right: int) -> int | None:
    results = {
        "movt": left.number & 0xFFFF | right << 16,
        "add": left.number + right,
        "sub": left.number - right,
        "orr": left.number | right,
        "bic": left.number & ~right,
    }
    name = "add" if name == "addw" else "sub" if name == "subw" else name
    result = results.get(name if name in results else name.removesuffix("s"))
    if result is None:
        return None
    left.consumed = True
    return result & 0xFFFF_FFFF


def addresses_used(code: bytes, address: int) -> list[tuple[int, bool]]:
    """What the function at `address` reaches by constants: (address, True) of loads and stores, then (value, False) of
    constants that it neither dereferences nor computes with, but passes on."""
    walk = _Walk(code, address)
    accessed = list(walk.accesses())
    passed = [value.number for value in walk.values if not value.consumed]
    return [(number, True) for number in accessed] + [(number, False) for number in passed]
