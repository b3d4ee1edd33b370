# SPDX-License-Identifier: GPL-2.0-or-later
"""Thumb-2 code as text, with names for branch targets and values for literals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import capstone
from capstone.arm import ARM_OP_IMM, ARM_OP_MEM, ARM_REG_PC

from stm32emu.prologue import is_wide
from stm32emu.symbols import Symbols

LONGEST_WALK = 0x4000
ReadMemory = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Access:
    """The memory access of a load or store; `address` is None when a register it needs is unknown."""

    kind: str
    address: int | None


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its text without a comment, and what a branch target or literal means ("" when nothing)."""

    address: int
    text: str
    comment: str = ""

    def __str__(self) -> str:
        separator = " " if self.comment.startswith("<") else " ; "
        return f"{self.text}{separator}{self.comment}" if self.comment else self.text


@cache
def engine() -> Any:
    """Capstone for Thumb on an M-profile core, with operand details."""
    machine = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    machine.detail = True
    return machine


class Disassembler:
    """Decodes guest code.

    Args:
        read_memory: `length` bytes at an address; what it raises, or fewer bytes, means "not readable".
    """

    def __init__(self, read_memory: ReadMemory, symbols: Symbols) -> None:
        self._read_memory = read_memory
        self._symbols = symbols

    def around(self, pc: int, before: int = 4, after: int = 3) -> list[Instruction]:
        """The instruction at `pc` with its neighbours in the function; empty when nothing can be read there."""
        pc &= ~1
        starts = self._starts(pc)
        address = starts[-before] if len(starts) >= before else (starts[0] if starts else pc)
        symbol = self._symbols.lookup(pc)
        end = symbol.address + symbol.size if symbol is not None and symbol.size else 1 << 32
        found: list[Instruction] = []
        remaining = after
        while remaining >= 0 and address < end and (decoded := self._decode(address)) is not None:
            found.append(self._instruction(decoded))
            remaining -= address >= pc
            address += decoded.size
        return found

    def at(self, pc: int) -> Instruction | None:
        """The instruction at `pc`, or None."""
        decoded = self._decode(pc & ~1)
        return None if decoded is None else self._instruction(decoded)

    def access(self, pc: int, registers: Mapping[str, int]) -> Access | None:
        """What the load or store at `pc` accesses, with the registers as they are before it; None for other code."""
        decoded = self._decode(pc & ~1)
        if decoded is None:
            return None
        mnemonic = decoded.mnemonic
        load = mnemonic.startswith(("ldr", "ldm", "pop", "vldr", "vldm", "vpop", "tb"))
        if not load and not mnemonic.startswith(("str", "stm", "push", "vstr", "vstm", "vpush")):
            return None
        return Access("load" if load else "store", _effective_address(decoded, registers))

    def _starts(self, pc: int) -> list[int]:
        """Where the instructions before `pc` in its function start, or a plausible guess."""
        symbol = self._symbols.lookup(pc)
        if symbol is not None and symbol.offset <= LONGEST_WALK:
            starts = self._walk(symbol.address, pc)
            if starts is not None:
                return starts
        guesses = (self._walk(pc - back, pc) for back in (24, 22, 20, 18, 16, 12, 8, 4, 2) if pc >= back)
        return next((starts for starts in guesses if starts is not None), [])

    def _walk(self, address: int, pc: int) -> list[int] | None:
        """Instruction addresses from `address` up to `pc`; None when `pc` is not the start of one."""
        code = self._read(address, pc - address)
        starts, position = [], 0
        while position + 2 <= len(code):
            starts.append(address + position)
            position += 4 if is_wide(int.from_bytes(code[position : position + 2], "little")) else 2
        return starts if address + position == pc else None

    def _read(self, address: int, length: int) -> bytes:
        try:
            return bytes(self._read_memory(address, length))
        except Exception:  # the reader is the caller's; whatever it raises means that nothing is there
            return b""

    def _decode(self, address: int) -> Any | None:
        """Capstone's view of one instruction; data words as .hword."""
        code = self._read(address, 4) or self._read(address, 2)
        if len(code) < 2:
            return None
        decoded = next(engine().disasm(code, address, 1), None)
        return decoded if decoded is not None else _Data(address, int.from_bytes(code[:2], "little"))

    def _instruction(self, decoded: Any) -> Instruction:
        text = f"{decoded.mnemonic:<7} {decoded.op_str}".rstrip().replace("#", "" if _is_branch(decoded) else "#")
        return Instruction(decoded.address, text, self._comment(decoded))

    def _comment(self, decoded: Any) -> str:
        """Name of a branch target; value, and name, of a literal."""
        for operand in decoded.operands:
            if _is_branch(decoded) and operand.type == ARM_OP_IMM:
                return self._name(operand.imm)
            if operand.type == ARM_OP_MEM and operand.mem.base == ARM_REG_PC and not operand.mem.index:
                word = self._read(((decoded.address + 4) & ~3) + operand.mem.disp, 4)
                value = int.from_bytes(word, "little")
                return " ".join(filter(None, (f"{value:#010x}", self._name(value)))) if len(word) == 4 else ""
        return ""

    def _name(self, address: int) -> str:
        symbol = self._symbols.lookup(address) or self._symbols.lookup(address & ~1)
        return f"<{symbol}>" if symbol is not None else ""


class _Data:
    """Bytes that are no instruction, shaped like capstone's."""

    mnemonic, size = ".hword", 2
    operands: tuple[Any, ...] = ()

    def __init__(self, address: int, value: int) -> None:
        self.address = address
        self.op_str = f"{value:#06x}"


def _is_branch(decoded: Any) -> bool:
    """Whether an immediate operand of it is a code address."""
    return decoded.mnemonic.startswith(("b", "cb")) and not decoded.mnemonic.startswith(("bic", "bf", "bkpt"))


def _effective_address(decoded: Any, registers: Mapping[str, int]) -> int | None:
    """Base, displacement and shifted index of the memory operand; for PUSH, POP, LDM, STM where they begin."""
    for operand in decoded.operands:
        if operand.type == ARM_OP_MEM:
            base = _register(decoded, operand.mem.base, registers)
            index = _register(decoded, operand.mem.index, registers) if operand.mem.index else 0
            if base is None or index is None:
                return None
            if operand.mem.base == ARM_REG_PC:
                base = (decoded.address + 4) & ~3
            displacement = 0 if decoded.post_index else operand.mem.disp
            return int(base + displacement + (index << operand.shift.value)) & 0xFFFF_FFFF
    if decoded.mnemonic.startswith(("ldm", "stm")) and decoded.operands:
        base = _register(decoded, decoded.operands[0].reg, registers)
        below = 4 * (len(decoded.operands) - 1) if "db" in decoded.mnemonic else 0
        return None if base is None else (base - below) & 0xFFFF_FFFF
    return registers.get("sp") if decoded.mnemonic.startswith(("pop", "vpop")) else None


def _register(decoded: Any, number: int, registers: Mapping[str, int]) -> int | None:
    aliases = {"sb": "r9", "sl": "r10", "fp": "r11", "ip": "r12"}
    name = decoded.reg_name(number)
    return registers.get(aliases.get(name, name))
