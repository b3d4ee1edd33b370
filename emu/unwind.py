# SPDX-License-Identifier: GPL-2.0-or-later
"""The call chain behind a set of registers: by frame rules where the ELF has them, else by reading code and stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stm32emu.fault_status import is_exc_return
from stm32emu.prologue import Prologue, follows_call, read_prologue
from stm32emu.symbols import Symbol, Symbols

SP, LR, PC = 13, 14, 15
SCAN_WORDS = 512
XPSR_REALIGNED = 1 << 9
EXC_RETURN_PSP, EXC_RETURN_BASIC = 1 << 2, 1 << 4
BASIC_FRAME, FP_FRAME = 0x20, 0x68

CURRENT, EXCEPTION, RULES, LINK, PROLOGUE, SCAN = "current", "exception", "frame rules", "lr", "prologue", "stack scan"
"""How a frame was found, from certain to guessed: the CPU's own registers, an exception frame, DWARF frame rules, LR of
a function that saved nothing, the function's prologue, a likely return address on the stack."""

ReadMemory = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Frame:
    """One function of the chain: the address it is at, its stack pointer there, and how it was found.

    `place` lies inside the instruction to show: the call for a caller, `pc` itself for an interrupted function.
    """

    pc: int
    sp: int
    how: str
    symbol: Symbol | None = None

    @property
    def place(self) -> int:
        """The address to look up."""
        return self.pc if self.how in (CURRENT, EXCEPTION) else self.pc - 2

    @property
    def certain(self) -> bool:
        """Whether the frame is known rather than guessed."""
        return self.how in (CURRENT, EXCEPTION, RULES)


def unwind(
    registers: Mapping[str, int] | Any, read_memory: ReadMemory, symbols: Symbols, limit: int = 32
) -> list[Frame]:
    """The chain of calls, innermost first; at most `limit` frames. Never raises and always ends.

    Args:
        registers: r0-r12, sp, lr, pc and psp of the context to explain, by name or as attributes; what is missing
            only makes the answer shorter.
        read_memory: `length` bytes at an address; whatever it raises, or fewer bytes, means "not readable".
    """
    return _Unwinder(registers, read_memory, symbols).chain(limit)


class _Unwinder:
    """Registers of the frame at hand (numbered 0-15, unknown ones absent) and what it takes to find the next."""

    def __init__(self, registers: Mapping[str, int] | Any, read_memory: ReadMemory, symbols: Symbols) -> None:
        names = {**{f"r{n}": n for n in range(13)}, "sp": SP, "lr": LR, "pc": PC}
        picked = {number: _pick(registers, name) for name, number in names.items()}
        self.registers = {number: value for number, value in picked.items() if value is not None}
        self.psp = _pick(registers, "psp")
        self._read_memory = read_memory
        self._symbols = symbols
        self._how = CURRENT

    def chain(self, limit: int) -> list[Frame]:
        found: list[Frame] = []
        seen: set[tuple[int, int]] = set()
        while len(found) < limit and PC in self.registers and SP in self.registers:
            frame = self._frame()
            if (frame.pc, frame.sp) in seen:
                break
            seen.add((frame.pc, frame.sp))
            found.append(frame)
            if not self._step(frame):
                break
        return found

    def _frame(self) -> Frame:
        pc = self.registers[PC] & ~1
        frame = Frame(pc, self.registers[SP], self._how)
        return Frame(pc, frame.sp, self._how, self._symbols.lookup(frame.place))

    def _step(self, frame: Frame) -> bool:
        """Go to the caller (or the interrupted function); False at the end of the chain."""
        for attempt in (self._by_rules, self._by_code, self._by_scan):
            found = attempt(frame)
            if found is None:
                continue
            self.registers, self._how = found
            target = self.registers.get(PC, 0)
            return self._pop_exception(target) if is_exc_return(target) else bool(target)
        return False

    def _by_rules(self, frame: Frame) -> tuple[dict[int, int], str] | None:
        caller = self._symbols.cfi.caller(frame.place, self.registers, self._word)
        return None if caller is None else self._checked(caller, RULES)

    def _by_code(self, frame: Frame) -> tuple[dict[int, int], str] | None:
        """From the stores in the function's prologue; the return address of a function that saved no LR is in LR."""
        start = frame.symbol.address if frame.symbol is not None else frame.pc
        prologue = read_prologue(self._half, start, frame.place)
        if LR not in prologue.saved and frame.how not in (CURRENT, EXCEPTION):
            return ({}, PROLOGUE) if frame.symbol is not None else None  # a caller without LR: the chain began here
        tops = [self.registers[SP] + prologue.depth]
        if prologue.frame is not None and prologue.frame[0] in self.registers:
            tops.append(self.registers[prologue.frame[0]] + prologue.frame[1])
        how = PROLOGUE if LR in prologue.saved else LINK
        return next(filter(None, (self._checked(self._above(prologue, top), how) for top in tops)), None)

    def _above(self, prologue: Prologue, top: int) -> dict[int, int]:
        """The caller's registers, with SP `top`; those that calls may change are lost."""
        caller = {
            number: value for number, value in self.registers.items() if 3 < number < PC and number not in (12, SP)
        }
        for number, below in prologue.saved.items():
            caller[number] = self._word(top - below) or 0
        return {**caller, SP: top, PC: caller.pop(LR, 0)}

    def _by_scan(self, frame: Frame) -> tuple[dict[int, int], str] | None:
        """The next word on the stack that looks like a return address."""
        for slot in range(frame.sp & ~3, (frame.sp & ~3) + 4 * SCAN_WORDS, 4):
            word = self._word(slot)
            if word is None:
                return None
            if self._is_return(word):
                return {PC: word, SP: slot + 4}, SCAN
        return None

    def _checked(self, caller: dict[int, int], how: str) -> tuple[dict[int, int], str] | None:
        """`caller` if it is plausible; no registers if the chain ends here; None if another method should try."""
        target = caller[PC]
        if self._is_return(target):
            return caller, how
        return ({}, how) if self._is_end(target) else None

    def _is_end(self, value: int) -> bool:
        """What start-up code and kernels leave as the first return address: 0, all ones, or the start of a function."""
        entry = self._symbols.lookup(value & ~1)
        return value in (0, 0xFFFF_FFFF) or (entry is not None and entry.kind == "function" and entry.offset == 0)

    def _is_return(self, value: int) -> bool:
        """A Thumb address in code right after a call; or EXC_RETURN, which nothing but a handler's LR holds."""
        if is_exc_return(value):
            return True
        return bool(value & 1) and self._symbols.is_code(value & ~1) and follows_call(self._half, value & ~1)

    def _pop_exception(self, exc_return: int) -> bool:
        """Undo exception entry (ARMv7-M ARM B1.5.8): the frame is on the stack that EXC_RETURN names."""
        at = self.psp if exc_return & EXC_RETURN_PSP else self.registers.get(SP)
        words = [None if at is None else self._word(at + 4 * n) for n in range(8)]
        if at is None or None in words:
            return False
        values = dict(zip((0, 1, 2, 3, 12, LR, PC), words, strict=False))
        self.registers.update({number: value for number, value in values.items() if value is not None})
        size = BASIC_FRAME if exc_return & EXC_RETURN_BASIC else FP_FRAME
        self.registers[SP] = at + size + (4 if (words[7] or 0) & XPSR_REALIGNED else 0)
        self._how = EXCEPTION
        return True

    def _bytes(self, address: int, length: int) -> int | None:
        try:
            data = self._read_memory(address & 0xFFFF_FFFF, length)
        except Exception:  # the reader is the caller's; whatever it raises means that nothing is there
            return None
        return int.from_bytes(data, "little") if len(data) == length else None

    def _word(self, address: int) -> int | None:
        return self._bytes(address, 4)

    def _half(self, address: int) -> int | None:
        return self._bytes(address, 2)


def _pick(registers: Mapping[str, int] | Any, name: str) -> int | None:
    value = registers.get(name) if isinstance(registers, Mapping) else getattr(registers, name, None)
    return value if isinstance(value, int) else None
