# SPDX-License-Identifier: GPL-2.0-or-later
"""The base of every modelled block: a bus slave made of declared registers."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar

from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.ramp import Ramp
from stm32emu.peripherals.register import DeclarationError, Masks, Register, RegisterArray

PLAIN, NOTED, MOVING, SET_RESET = 1, 2, 3, 4
"""What the core may do by itself: read the stored word, the same with a note of what it showed, a count by the ramp, or
drop a store that sets and resets nothing."""
LANES = {1: 0xFF, 2: 0xFFFF, 4: 0xFFFF_FFFF}


def _declared(owner: type) -> list[Register]:
    """All registers of a class and its bases, in order of declaration; a subclass may redeclare a name."""
    found: dict[str, Register] = {}
    for base in reversed(owner.__mro__):
        for value in vars(base).values():
            parts = value.registers if isinstance(value, RegisterArray) else [value]
            found.update((part.name, part) for part in parts if isinstance(part, Register))
    return list(found.values())


class Peripheral:
    """A block of `SIZE` bytes. `read` and `write` are the bus; attributes named as in the manual are the hardware side.
    `MISSING` says what a model lacks, for users.

    Args:
        name: the instance, as in the chip's table ("USART2").
        ledger: where unmodelled or illegal uses are counted.
    """

    MISSING: ClassVar[str] = ""
    SIZE: ClassVar[int] = 0x400
    REGISTERS: ClassVar[tuple[Register, ...]] = ()
    _masks: ClassVar[list[Masks | None]] = []

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        masks: list[Masks | None] = [None] * (cls.SIZE >> 2)
        for register in _declared(cls):
            if register.index >= len(masks) or masks[register.index] is not None:
                raise DeclarationError(f"{cls.__name__}.{register.name}: offset {register.offset:#x} taken or outside")
            masks[register.index] = Masks(register)
        cls._masks = masks
        cls.REGISTERS = tuple(mask.register for mask in masks if mask is not None)

    def __init__(self, name: str, *, ledger: Ledger = NO_LEDGER) -> None:
        self.name = name
        self.ledger = ledger
        count = self.SIZE >> 2
        notes = count if any(register.noted for register in self.REGISTERS) else 0
        self.words = array("I", bytes(4 * (count + notes)))  # the words, then what reads of noted ones showed
        self.plain = bytearray(self.plain_reads())
        self.ramp = Ramp()
        self._readers: list[Callable[[], int] | None] = [None] * count
        self._writers: list[Callable[[int], None] | None] = [None] * count
        for register in self.REGISTERS:
            self._readers[register.index] = self._hook(register, register.read_hook or register.value_hook)
            self._writers[register.index] = self._hook(register, register.write_hook)
        self._load_resets()

    def _hook(self, register: Register, name: str | None) -> Callable[..., Any] | None:
        """The bound method of a hook; for a register of an array, with its index filled in."""
        if name is None:
            return None
        method: Callable[..., Any] = getattr(self, name)
        return method if register.position is None else partial(method, register.position)

    def _load_resets(self) -> None:
        for n in range(len(self.words)):
            self.words[n] = 0
        for register in self.REGISTERS:
            self.words[register.index] = register.reset

    def reset(self) -> None:
        """Back to the state after power-on; a block with more state than its registers extends this."""
        self._load_resets()

    def parts(self) -> Iterator[tuple[int, Peripheral]]:
        """The register sets that make up the block, each with its offset."""
        yield 0, self

    @classmethod
    def plain_reads(cls) -> bytes:
        """One byte per word of the block: where a read is just the stored word, PLAIN, or NOTED when the register is.

        The core serves these itself, by the instance's copy of this, `plain`. Nothing but an event or a store changes
        them, so a loop that only polls them may be skipped. It serves MOVING ones as long as the ramp holds, and drops
        stores to a SET_RESET one that leave the word before it as it is.
        """
        plain = bytearray(cls.SIZE >> 2)
        for register in cls.REGISTERS:
            masks = cls._masks[register.index]
            hooked = register.read_hook or register.value_hook
            if register.sets_resets:
                plain[register.index] = SET_RESET
            elif masks and not masks.rcr and masks.readable == 0xFFFF_FFFF and (register.moving or not hooked):
                plain[register.index] = MOVING if register.moving else NOTED if register.noted else PLAIN
        return bytes(plain)

    def noted(self, register: Register) -> int:
        """What the last guest read of a noted register showed; 0 after a reset."""
        return self.words[register.index + (self.SIZE >> 2)]

    def note(self, register: Register, word: int) -> None:
        """Change what `noted` says."""
        self.words[register.index + (self.SIZE >> 2)] = word

    def read(self, offset: int, size: int) -> int:
        """A guest load of `size` bytes (1, 2 or 4) at `offset`; the value is right-aligned."""
        index = offset >> 2
        masks = self._masks[index]
        if masks is None:
            return self.read_undeclared(offset, size)
        hook = self._readers[index]
        word = (self.words[index] if hook is None else hook()) & masks.readable
        if masks.rcr:
            self.words[index] &= ~masks.rcr
        if masks.register.noted:
            self.note(masks.register, word)
        return (word >> (8 * (offset & 3))) & LANES[size]

    def write(self, offset: int, size: int, value: int) -> None:
        """A guest store of `size` bytes (1, 2 or 4) at `offset`."""
        index = offset >> 2
        masks = self._masks[index]
        if masks is None:
            self.write_undeclared(offset, size, value)
            return
        shift = 8 * (offset & 3)
        lanes, written = LANES[size] << shift, (value & LANES[size]) << shift
        old = self.words[index]
        self.words[index] = masks.merge(old, written, lanes)
        if masks.tagged and (written ^ masks.register.reset) & masks.tagged & lanes:
            self._report_tags(masks, written & lanes)
        hook = self._writers[index]
        if hook is not None:
            hook(written)

    def _report_tags(self, masks: Masks, written: int) -> None:
        for field in masks.register.fields:
            if field.tagged and (written ^ masks.register.reset) & field.mask:
                self.ledger.unmodelled(self.name, masks.register.offset, f"{masks.register.name}.{field.name}")

    def read_undeclared(self, offset: int, size: int) -> int:
        """A load from a reserved offset: reads zero and is counted."""
        self.ledger.unmodelled(self.name, offset & ~3, "")
        return 0

    def write_undeclared(self, offset: int, size: int, value: int) -> None:
        """A store to a reserved offset: ignored and counted."""
        self.ledger.unmodelled(self.name, offset & ~3, "")
