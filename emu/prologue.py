# SPDX-License-Identifier: GPL-2.0-or-later
"""What a Thumb function has pushed by a given point, read from its first instructions; for code without frame rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

ReadHalf = Callable[[int], int | None]
LR = 14
LONGEST = 48
"""Instructions looked at: compilers save registers first."""


@dataclass
class Prologue:
    """The frame as built so far: `depth` bytes below the SP at entry, `saved` register -> distance below that SP.

    With a frame pointer (r7), `frame` is (register, offset): the SP at entry is that register plus the offset.
    """

    depth: int = 0
    saved: dict[int, int] = field(default_factory=dict)
    frame: tuple[int, int] | None = None

    def push(self, registers: list[int], size: int | None = None) -> None:
        """Store `registers`, lowest at the lowest address, in `size` bytes (default: exactly theirs)."""
        self.depth += 4 * len(registers) if size is None else size
        for slot, register in enumerate(registers):
            self.saved.setdefault(register, self.depth - 4 * slot)


def is_wide(half: int) -> bool:
    """Whether `half` begins a 32-bit instruction (ARMv7-M ARM A5.1)."""
    return half >= 0xE800


def is_call(first: int, second: int) -> bool:
    """BL, encoding T1 (ARMv7-M ARM A7.7.18)."""
    return first & 0xF800 == 0xF000 and second & 0xD000 == 0xD000


def follows_call(read_half: ReadHalf, address: int) -> bool:
    """Whether the instruction before `address` is BL or BLX, as it is before every return address."""
    before, far = read_half(address - 2), read_half(address - 4)
    if before is None:
        return False
    return before & 0xFF87 == 0x4780 or (far is not None and is_call(far, before))


def read_prologue(read_half: ReadHalf, start: int, pc: int) -> Prologue:
    """The stores and SP changes between `start` and `pc` (excluded), up to the first call."""
    found = Prologue()
    address = start
    for _ in range(LONGEST):
        first = read_half(address)
        if address >= pc or first is None:
            break
        second = (read_half(address + 2) or 0) if is_wide(first) else 0
        if is_call(first, second) or first & 0xFF87 == 0x4780:
            break
        if is_wide(first):
            _wide(found, first, second)
        else:
            _narrow(found, first)
        address += 4 if is_wide(first) else 2
    return found


def _narrow(found: Prologue, half: int) -> None:
    if half & 0xFE00 == 0xB400:  # PUSH T1
        found.push(_listed(half & 0xFF | (half & 0x100) << 6))
    elif half & 0xFF80 == 0xB080:  # SUB SP, SP, #imm7
        found.depth += (half & 0x7F) * 4
    elif half & 0xFF00 == 0xAF00 and found.frame is None:  # ADD r7, SP, #imm8
        found.frame = (7, found.depth - (half & 0xFF) * 4)
    elif half == 0x466F and found.frame is None:  # MOV r7, SP
        found.frame = (7, found.depth)


def _wide(found: Prologue, first: int, second: int) -> None:
    if first == 0xE92D:  # PUSH T2 (STMDB SP!)
        found.push(_listed(second & 0x5FFF))
    elif first == 0xF84D and second & 0x0F00 == 0x0D00:  # STR Rt, [SP, #-imm8]!
        found.push([second >> 12], second & 0xFF)
    elif first == 0xE96D:  # STRD Rt, Rt2, [SP, #-imm8]!
        found.push([second >> 12, second >> 8 & 0xF], (second & 0xFF) * 4)
    elif first & 0xFFBF == 0xED2D and second & 0xE00 == 0xA00:  # VPUSH
        found.depth += (second & 0xFF) * 4
    elif first & 0xFBEF == 0xF1AD and second & 0x8F00 == 0x0D00:  # SUB{S}.W SP, SP, #const
        found.depth += expand_immediate((first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF)
    elif first & 0xFBFF == 0xF2AD and second & 0x8F00 == 0x0D00:  # SUBW SP, SP, #imm12
        found.depth += (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF


def _listed(mask: int) -> list[int]:
    return [number for number in range(16) if mask >> number & 1]


def expand_immediate(imm12: int) -> int:
    """ThumbExpandImm (ARMv7-M ARM A5.3.2)."""
    byte, mode = imm12 & 0xFF, imm12 >> 8
    if mode < 4:
        return byte * (0x1, 0x0001_0001, 0x0100_0100, 0x0101_0101)[mode]
    rotation, value = imm12 >> 7, 0x80 | imm12 & 0x7F
    return (value >> rotation | value << (32 - rotation)) & 0xFFFF_FFFF
