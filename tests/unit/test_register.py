# SPDX-License-Identifier: GPL-2.0-or-later
"""The register vocabulary: each access word of RM0090 section 1.1, bus lanes, hooks, tags, declaration errors."""

from __future__ import annotations

import pytest

from stm32emu.peripherals.ledger import Ledger
from stm32emu.peripherals.peripheral import NOTED, PLAIN, Peripheral
from stm32emu.peripherals.register import (
    ACCESS_WORDS,
    RC_R,
    RC_W0,
    RC_W1,
    RO,
    RS,
    RW,
    WO,
    DeclarationError,
    Field,
    Register,
    RegisterArray,
)

# What a write of 0 or 1 makes of a bit that is 0 or 1: (old, written) -> new.
AFTER_WRITE = {
    RW: {(0, 0): 0, (0, 1): 1, (1, 0): 0, (1, 1): 1},
    WO: {(0, 0): 0, (0, 1): 1, (1, 0): 0, (1, 1): 1},
    RO: {(0, 0): 0, (0, 1): 0, (1, 0): 1, (1, 1): 1},
    RC_R: {(0, 0): 0, (0, 1): 0, (1, 0): 1, (1, 1): 1},
    RC_W0: {(0, 0): 0, (0, 1): 0, (1, 0): 0, (1, 1): 1},
    RC_W1: {(0, 0): 0, (0, 1): 0, (1, 0): 1, (1, 1): 0},
    RS: {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 1},
}


def _one_register_per_access_word() -> type[Peripheral]:
    """Register n has a field at bit 4 with access word n; its twin 0x40 further on has the word as a whole."""
    declared = {}
    for n, word in enumerate(ACCESS_WORDS):
        declared[f"F{n}"] = Register(4 * n)
        declared[f"F{n}"].field(4, access=word)
        declared[f"W{n}"] = Register(0x40 + 4 * n, access=word)
    return type("Words", (Peripheral,), declared)


Words = _one_register_per_access_word()


@pytest.mark.parametrize("whole", [0, 0x40])
@pytest.mark.parametrize(("word", "old", "written"), [(w, *case) for w in ACCESS_WORDS for case in AFTER_WRITE[w]])
def test_write_follows_the_access_word(word: str, old: int, written: int, whole: int) -> None:
    block = Words("X")
    offset = whole + 4 * ACCESS_WORDS.index(word)
    block.words[offset >> 2] = old << 4
    block.write(offset, 4, written << 4)
    assert block.words[offset >> 2] == AFTER_WRITE[word][old, written] << 4


@pytest.mark.parametrize("word", ACCESS_WORDS)
def test_read_follows_the_access_word(word: str) -> None:
    block = Words("X")
    offset = 4 * ACCESS_WORDS.index(word)
    block.words[offset >> 2] = 1 << 4
    assert block.read(offset, 4) == (0 if word == WO else 1 << 4)
    assert block.words[offset >> 2] == (0 if word == RC_R else 1 << 4)


class Block(Peripheral):
    """Something of everything."""

    SIZE = 0x40
    CR = Register(0x00, reset=0x8000_0012)
    EN = CR.field(0)
    MODE = CR.field(4, 3)
    CR.tag("LBD", 8, 2)
    SR = Register(0x04, access=RC_W0)
    TIP = SR.field(15)
    LOW = SR.field(0)
    DATA = Register(0x08)
    COUNT = Register(0x0C, access=RO)
    STREAM = RegisterArray(0x10, 3, stride=8)
    LENGTH = STREAM.field(0, 8)

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.seen: list[object] = []
        super().__init__("B", ledger=ledger or Ledger())

    @DATA.on_write
    def _data(self, written: int) -> None:
        self.seen.append(("data", written))

    @DATA.on_read
    def _take(self) -> int:
        self.seen.append("take")
        return 0x4433_2211

    @COUNT.value
    def _count(self) -> int:
        return 0x1234

    @STREAM.on_write
    def _stream(self, n: int, written: int) -> None:
        self.seen.append((n, written))


def test_reset_values_and_reserved_bits() -> None:
    block = Block()
    assert block.read(0, 4) == 0x8000_0012
    block.write(0, 4, 0x7FFF_FF71)
    assert block.read(0, 4) == 0x8000_0373, "declared bits take the write, the others keep their reset value"
    block.reset()
    assert block.CR == 0x8000_0012


def test_fields_read_and_assign_in_place() -> None:
    block = Block()
    assert (block.EN, block.MODE) == (0, 1)
    block.MODE = 15
    assert block.CR == 0x8000_0072, "a value too wide is cut to the field"
    block.LENGTH[1] = 5
    assert [block.LENGTH[n] for n in range(len(block.LENGTH))] == [0, 5, 0]
    assert block.STREAM[1] == 5
    assert (Block.MODE.name, Block.MODE.mask, Block.CR.fields[2].name) == ("MODE", 0x70, "LBD")


@pytest.mark.parametrize("size", [1, 2, 4])
def test_narrow_accesses_touch_only_their_lanes(size: int) -> None:
    for offset in range(0, 4, size):
        block = Block()
        block.TIP = block.LOW = 1
        block.write(4 + offset, size, 0)
        covered = range(8 * offset, 8 * (offset + size))
        assert (block.LOW, block.TIP) == (0 not in covered, 15 not in covered)
        assert block.read(8 + offset, size) == (0x4433_2211 >> 8 * offset) & ((1 << 8 * size) - 1)


def test_hooks_get_the_written_word_in_place() -> None:
    block = Block()
    block.write(0x0A, 1, 0x1AB)
    block.read(0x08, 4)
    block.write(0x18, 4, 7)
    assert block.seen == [("data", 0x00AB_0000), "take", (1, 7)]
    assert block.read(0x0C, 2) == 0x1234


def test_array_hooks_get_their_index() -> None:
    class Streams(Peripheral):
        TAKEN = RegisterArray(0x00, 2)
        LEVEL = RegisterArray(0x10, 2)
        FLAG = LEVEL.field(31)

        @TAKEN.on_read
        def _take(self, n: int) -> int:
            return 10 + n

        @LEVEL.value
        def _level(self, n: int) -> int:
            return 20 + n

    streams = Streams("S")
    assert [streams.read(offset, 4) for offset in (0x00, 0x04, 0x10, 0x14)] == [10, 11, 20, 21]
    assert [field.name for field in Streams.FLAG.fields] == ["FLAG", "FLAG"]


def test_a_field_may_reach_the_top_bit() -> None:
    assert Register(0).field(0, 32).mask == 0xFFFF_FFFF
    assert Register(0).field(31).mask == 0x8000_0000


def test_a_subclass_may_override_a_hook_and_redeclare_a_register() -> None:
    class Derived(Block):
        SR = Register(0x04, reset=0x55)

        def _count(self) -> int:
            return 9

    derived = Derived()
    assert (derived.read(0x0C, 4), derived.read(0x04, 4)) == (9, 0x55)
    assert Block().read(0x04, 4) == 0


class Noting(Peripheral):
    """A register that is noted, after one that is not."""

    SIZE = 8
    CR = Register(0)
    SR = Register(4, reset=0x1234, noted=True)


def test_a_noted_register_knows_what_the_last_read_showed() -> None:
    block = Noting("NOTING")
    assert block.noted(Noting.SR) == 0
    assert block.read(6, 1) == 0
    assert block.noted(Noting.SR) == 0x1234
    block.SR = 5
    block.read(0, 4)
    assert block.noted(Noting.SR) == 0x1234
    block.note(Noting.SR, 7)
    assert (block.noted(Noting.SR), block.SR) == (7, 5)
    block.reset()
    assert block.noted(Noting.SR) == 0


def test_which_reads_are_plain() -> None:
    plain = Block.plain_reads()
    assert [plain[n] for n in range(5)] == [1, 1, 0, 0, 1]
    assert plain[15] == 0, "an undeclared word is counted at each read"
    assert Noting.plain_reads()[:2] == bytes((PLAIN, NOTED))
    words = {word: Words.plain_reads()[n] for n, word in enumerate(ACCESS_WORDS)}
    assert [word for word, is_plain in words.items() if not is_plain] == [WO, RC_R]


def test_tags_and_reserved_offsets_reach_the_ledger() -> None:
    ledger = Ledger()
    block = Block(ledger)
    block.write(0, 4, 0x12)
    assert ledger.entries == {}, "the reset value of a tagged field is no use of it"
    block.write(1, 1, 0x01)
    block.write(0x3C, 4, 1)
    assert block.read(0x3E, 2) == 0
    assert [(e.offset, e.what, e.count) for e in ledger.of_kind("unmodelled")] == [(0, "CR.LBD", 1), (0x3C, "", 2)]


def test_contradicting_declarations_fail_when_the_class_is_created() -> None:
    with pytest.raises(DeclarationError, match="overlap"):
        Register(0).tag("A", 0, 4).register.field(3)
    for bad in ({"bit": 31, "width": 2}, {"bit": -1}, {"bit": 0, "access": "rx"}):
        with pytest.raises(DeclarationError, match="bad field"):
            Register(0).field(**bad)  # type: ignore[arg-type]
    for offset, access in ((2, RW), (-4, RW), (0, "x")):
        with pytest.raises(DeclarationError, match="bad register"):
            Register(offset, access=access)
    with pytest.raises(DeclarationError, match="taken or outside"):
        type("Twice", (Peripheral,), {"A": Register(0), "B": Register(0)})
    with pytest.raises(DeclarationError, match="taken or outside"):
        type("Beyond", (Peripheral,), {"A": Register(0x400)})


def test_on_the_class_a_field_is_its_declaration() -> None:
    assert isinstance(Block.EN, Field)
    assert Block.STREAM.registers[2].name == "STREAM2"


def test_alternative_fields_share_the_registers_bits() -> None:
    """They are no second register, do not count as used, and must not overlap among themselves."""

    class Two(Peripheral):
        CCMR = Register(0x00)
        CCMR.tag("OC", 4, 3)
        INPUT = CCMR.alternative()
        INPUT.tag("IC", 4, 4)
        with pytest.raises(DeclarationError, match="fields overlap: IC and bit 7 of 0x0"):
            INPUT.field(7)

    ledger = Ledger()
    block = Two("X", ledger=ledger)
    block.write(0, 4, 0xFF)
    assert block.read(0, 4) == 0x70
    assert [each.what for each in ledger.of_kind("unmodelled")] == ["CCMR.OC"]
    assert [(each.name, each.width) for each in Two.CCMR.all_fields()] == [("OC", 3), ("IC", 4)]
