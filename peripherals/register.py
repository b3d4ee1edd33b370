# SPDX-License-Identifier: GPL-2.0-or-later
"""Registers and fields as declarations: a block's class body reads line for line against the reference manual.

A field has one of the manual's access words (RM0090 section 1.1, "List of abbreviations for registers"). When the
class is created, fields fold into per-register masks, so an access costs a few integer operations and at most one hook.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

Hook = TypeVar("Hook", bound=Callable[..., Any])

RW = "rw"  # read and write
RO = "r"  # read only
WO = "w"  # write only, reads as zero
RC_W0 = "rc_w0"  # read, cleared by writing 0
RC_W1 = "rc_w1"  # read, cleared by writing 1
RC_R = "rc_r"  # read, cleared by the read
RS = "rs"  # read, set by writing 1, a write of 0 has no effect

ACCESS_WORDS = (RW, RO, WO, RC_W0, RC_W1, RC_R, RS)


class DeclarationError(TypeError):
    """A block's register declarations contradict each other; a mistake of ours, found when the class is created."""


class Field:
    """Some bits of a register. On an instance it reads and assigns as an int, past access rules: the hardware side."""

    def __init__(self, register: Register, bit: int, width: int, access: str, tagged: bool) -> None:
        if access not in ACCESS_WORDS or bit < 0 or width < 1 or bit + width > 32:
            raise DeclarationError(f"bad field: bit {bit}, width {width}, access {access!r}")
        self.register = register
        self.bit = bit
        self.width = width
        self.access = access
        self.tagged = tagged
        self.mask = ((1 << width) - 1) << bit
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = self.name or name

    @overload
    def __get__(self, block: None, owner: type) -> Field: ...
    @overload
    def __get__(self, block: Any, owner: type) -> int: ...
    def __get__(self, block: Any, owner: type) -> Field | int:
        if block is None:
            return self
        return int((block.words[self.register.index] & self.mask) >> self.bit)

    def __set__(self, block: Any, value: int) -> None:
        index = self.register.index
        block.words[index] = (block.words[index] & ~self.mask) | ((int(value) << self.bit) & self.mask)


class FieldSet:
    """Fields that do not overlap; `access` is theirs by default."""

    def __init__(self, access: str) -> None:
        self.access = access
        self.fields: list[Field] = []

    def _owner(self) -> Register:
        """The register that the fields are of."""
        raise NotImplementedError

    def field(self, bit: int, width: int = 1, *, access: str | None = None) -> Field:
        """A field of `width` bits whose lowest is `bit`; `access` defaults to the register's."""
        return self._add(Field(self._owner(), bit, width, access or self.access, tagged=False))

    def tag(self, name: str, bit: int, width: int = 1, *, access: str | None = None) -> Field:
        """A field the manual has and the model does not act on: kept like any other, its use logged once by name."""
        tagged = self._add(Field(self._owner(), bit, width, access or self.access, tagged=True))
        tagged.name = name
        return tagged

    def _add(self, field: Field) -> Field:
        for other in self.fields:
            if other.mask & field.mask:
                raise DeclarationError(f"fields overlap: {other.name} and bit {field.bit} of {self._owner().offset:#x}")
        self.fields.append(field)
        return field


class Register(FieldSet):
    """A 32-bit register at `offset` bytes into its block. On an instance it reads and assigns as the whole word.

    Without fields, all 32 bits have the access word given here; with fields, undeclared bits are reserved: they keep
    their reset value. A `noted` register is one of which the block must know what the last guest read showed
    (`Peripheral.noted`), such as a status that a read begins to clear. A `moving` one is a count whose course the block
    describes in `Peripheral.ramp` when it is read. The lower half of one that `sets_resets` sets bits of the register
    before it, the upper half resets others, and setting wins; a store that changes none has no effect at all.
    """

    def __init__(
        self,
        offset: int,
        *,
        reset: int = 0,
        access: str = RW,
        noted: bool = False,
        moving: bool = False,
        sets_resets: bool = False,
    ) -> None:
        if offset % 4 or offset < 0 or access not in ACCESS_WORDS:
            raise DeclarationError(f"bad register: offset {offset:#x}, access {access!r}")
        super().__init__(access)
        self.offset = offset
        self.index = offset >> 2
        self.reset = reset
        self.noted = noted
        self.moving = moving
        self.sets_resets = sets_resets
        self.alternatives: list[Alternative] = []
        self.name = ""
        self.position: int | None = None  # index in its RegisterArray, if it is part of one
        self.write_hook: str | None = None
        self.read_hook: str | None = None
        self.value_hook: str | None = None

    def _owner(self) -> Register:
        return self

    def all_fields(self) -> list[Field]:
        """The fields in all their meanings; a register without any is a field of 32 bits."""
        if self.fields:
            return [*self.fields, *(field for other in self.alternatives for field in other.fields)]
        whole = Field(self, 0, 32, self.access, tagged=False)
        whole.name = self.name
        return [whole]

    def alternative(self) -> Alternative:
        """The fields that the same bits make up while another field gives them another meaning. What an access does to
        them the register's own fields say, and that it happens the field that selects the meaning."""
        other = Alternative(self)
        self.alternatives.append(other)
        return other

    def on_write(self, hook: Hook) -> Hook:
        """Decorator: call `hook(self, written)` after a guest write; `written` is the raw value as the bus carried it,
        in place within the word. The method is looked up by name, so a subclass may override it."""
        self.write_hook = hook.__name__
        return hook

    def on_read(self, hook: Hook) -> Hook:
        """Decorator: `hook(self) -> int` gives the word for a guest read and may have effects."""
        self.read_hook = hook.__name__
        return hook

    def value(self, hook: Hook) -> Hook:
        """Decorator: `hook(self) -> int` computes the word for a guest read without any effect (a counter, say)."""
        self.value_hook = hook.__name__
        return hook

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = self.name or name

    @overload
    def __get__(self, block: None, owner: type) -> Register: ...
    @overload
    def __get__(self, block: Any, owner: type) -> int: ...
    def __get__(self, block: Any, owner: type) -> Register | int:
        return self if block is None else int(block.words[self.index])

    def __set__(self, block: Any, value: int) -> None:
        block.words[self.index] = value & 0xFFFF_FFFF


class Alternative(FieldSet):
    """See Register.alternative."""

    def __init__(self, register: Register) -> None:
        super().__init__(register.access)
        self._register = register

    def _owner(self) -> Register:
        return self._register


class View:
    """An array's values on one block: `view[n]` reads and assigns as an int, past all access rules."""

    __slots__ = ("_block", "_parts")

    def __init__(self, block: Any, parts: Sequence[Register] | Sequence[Field]) -> None:
        self._block = block
        self._parts = parts

    def __getitem__(self, n: int) -> int:
        return int(self._parts[n].__get__(self._block, type(self._block)))

    def __setitem__(self, n: int, value: int) -> None:
        self._parts[n].__set__(self._block, value)

    def __len__(self) -> int:
        return len(self._parts)


class FieldArray:
    """The same field in every register of an array."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = fields

    def __set_name__(self, owner: type, name: str) -> None:
        for field in self.fields:
            field.name = field.name or name

    @overload
    def __get__(self, block: None, owner: type) -> FieldArray: ...
    @overload
    def __get__(self, block: Any, owner: type) -> View: ...
    def __get__(self, block: Any, owner: type) -> FieldArray | View:
        return self if block is None else View(block, self.fields)


class RegisterArray:
    """`count` equal registers, `stride` bytes apart (the streams of a DMA, say). Hooks get the index first."""

    def __init__(self, offset: int, count: int, stride: int = 4, *, reset: int = 0, access: str = RW) -> None:
        self.registers = [Register(offset + n * stride, reset=reset, access=access) for n in range(count)]
        for n, register in enumerate(self.registers):
            register.position = n

    def field(self, bit: int, width: int = 1, *, access: str | None = None) -> FieldArray:
        """The same field in each register."""
        return FieldArray([register.field(bit, width, access=access) for register in self.registers])

    def tag(self, name: str, bit: int, width: int = 1, *, access: str | None = None) -> FieldArray:
        """The same declared-but-unmodelled field in each register."""
        return FieldArray([register.tag(name, bit, width, access=access) for register in self.registers])

    def on_write(self, hook: Hook) -> Hook:
        """Decorator: as Register.on_write, but `hook(self, n, written)`."""
        for register in self.registers:
            register.on_write(hook)
        return hook

    def on_read(self, hook: Hook) -> Hook:
        """Decorator: as Register.on_read, but `hook(self, n) -> int`."""
        for register in self.registers:
            register.on_read(hook)
        return hook

    def value(self, hook: Hook) -> Hook:
        """Decorator: as Register.value, but `hook(self, n) -> int`."""
        for register in self.registers:
            register.value(hook)
        return hook

    def __set_name__(self, owner: type, name: str) -> None:
        for n, register in enumerate(self.registers):
            register.name = register.name or f"{name}{n}"

    @overload
    def __get__(self, block: None, owner: type) -> RegisterArray: ...
    @overload
    def __get__(self, block: Any, owner: type) -> View: ...
    def __get__(self, block: Any, owner: type) -> RegisterArray | View:
        return self if block is None else View(block, self.registers)


class Masks:
    """What a guest access does to one register, folded from its fields' access words."""

    def __init__(self, register: Register) -> None:
        self.register = register
        self.rw = self._fold(register, RW, WO)
        self.w0c = self._fold(register, RC_W0)
        self.w1c = self._fold(register, RC_W1)
        self.rs = self._fold(register, RS)
        self.rcr = self._fold(register, RC_R)
        self.readable = 0xFFFF_FFFF & ~self._fold(register, WO)
        self.tagged = sum(field.mask for field in register.fields if field.tagged)

    @staticmethod
    def _fold(register: Register, *words: str) -> int:
        if not register.fields:
            return 0xFFFF_FFFF if register.access in words else 0
        return sum(field.mask for field in register.fields if field.access in words)

    def merge(self, old: int, written: int, lanes: int) -> int:
        """The register after a write of `written` on the byte lanes set in `lanes` (bits outside do not take part)."""
        rw = self.rw & lanes
        new = (old & ~rw) | (written & rw)
        new &= ~(written & self.w1c & lanes)
        new &= written | ~(self.w0c & lanes)
        return new | (written & self.rs & lanes)
