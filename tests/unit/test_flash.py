# SPDX-License-Identifier: GPL-2.0-or-later
"""FLASH bus scripts: keys, erasing, programming and its errors (RM0090 chapter 3)."""

from __future__ import annotations

import pytest

from bus import Bus
from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.flash import KEYS, OPTION_KEYS, Flash
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import Ledger

BASE = 0x0800_0000
KB = 1024
BANK = (16 * KB,) * 4 + (64 * KB,) + (128 * KB,) * 7
PG, SER, MER, MER1, STRT, EOPIE, ERRIE, LOCK = 1, 2, 4, 1 << 15, 1 << 16, 1 << 24, 1 << 25, 1 << 31
X8, X16, X32, X64 = (n << 8 for n in range(4))
EOP, OPERR, WRPERR, PGAERR, PGPERR, PGSERR, BSY = 1, 2, 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 16
MICROSECOND = 16


class Bench(Bus):
    def __init__(self, sectors: tuple[int, ...] = BANK, unlock: bool = True) -> None:
        self.clock = ManualClock()
        self.irq = IrqLine()
        self.ledger = Ledger()
        self.array = bytearray(b"\xa5" * sum(sectors))
        self.changed: list[tuple[int, int]] = []
        self.flash = Flash(
            "FLASH", clock=self.clock, tree=ClockTree(), irq=self.irq, ledger=self.ledger, array=memoryview(self.array),
            sectors=sectors, on_change=lambda address, length: self.changed.append((address, length)),
        )  # fmt: skip
        super().__init__(self.flash)
        if unlock:
            for key in KEYS:
                self["KEYR"] = key

    def store(self, offset: int, size: int, value: int) -> int:
        """Program and return the error flags."""
        self.flash.program(BASE + offset, size, value)
        return self["SR"] & 0xFF


def test_latency_and_caches_read_back() -> None:
    bench = Bench()
    bench["ACR"] = 0x705
    assert bench["ACR"] == 0x705


def test_the_key_sequence_unlocks_and_lock_locks_again() -> None:
    bench = Bench(unlock=False)
    bench["CR"] = PG
    assert bench["CR"] == LOCK
    bench["KEYR"] = KEYS[0]
    assert bench["CR"] == LOCK
    bench["KEYR"] = KEYS[1]
    assert bench["CR"] == 0
    bench["CR"] = LOCK | PG
    bench["CR"] = 0
    assert bench["CR"] == LOCK | PG
    for key in KEYS:
        bench["KEYR"] = key
    assert bench["CR"] == PG


@pytest.mark.parametrize("keys", [(KEYS[1],), (KEYS[0], KEYS[0]), (0,)])
def test_a_wrong_key_locks_until_reset(keys: tuple[int, ...]) -> None:
    bench = Bench(unlock=False)
    for key in (*keys, *KEYS):
        bench["KEYR"] = key
    assert bench["CR"] == LOCK
    assert "wrong key" in bench.ledger.of_kind("illegal")[0].what
    bench.flash.reset()
    for key in KEYS:
        bench["KEYR"] = key
    assert bench["CR"] == 0


def test_a_wrong_option_key_locks_until_reset() -> None:
    bench = Bench()
    for key in (OPTION_KEYS[1], *OPTION_KEYS):
        bench["OPTKEYR"] = key
    assert bench["OPTCR"] & 1
    assert "FLASH_OPTCR stays locked" in bench.ledger.of_kind("illegal")[0].what
    bench.flash.reset()
    for key in OPTION_KEYS:
        bench["OPTKEYR"] = key
    assert not bench["OPTCR"] & 1


def test_locked_registers_tell_whose_fault_a_lost_write_is() -> None:
    bench = Bench(unlock=False)
    bench["CR"] = PG
    bench["OPTCR"] = 0
    bench.store(0, 1, 0)
    assert [entry.what for entry in bench.ledger.of_kind("illegal")] == [
        "FLASH_CR written while locked",
        "option control written while locked",
        "flash operation refused: PGSERR",
    ]


def test_a_sector_erase_takes_its_time_and_touches_nothing_else() -> None:
    bench = Bench()
    bench["CR"] = SER | 4 << 3 | X32
    bench.set("CR", STRT)
    assert bench["SR"] == BSY
    assert bench.array[64 * KB : 128 * KB] == b"\xff" * 64 * KB
    assert bench.array.count(0xA5) == len(bench.array) - 64 * KB
    assert bench.changed == [(BASE + 64 * KB, 64 * KB)]
    bench.clock.advance(550_000 * MICROSECOND - 1)
    assert (bench["SR"], bench["CR"] & STRT) == (BSY, STRT)
    bench.clock.advance(1)
    assert (bench["SR"], bench["CR"] & STRT) == (0, 0)


@pytest.mark.parametrize(("bits", "erased"), [(MER, range(12)), (MER1, range(12, 24)), (MER | MER1, range(24))])
def test_mass_erase_by_bank(bits: int, erased: range) -> None:
    bench = Bench(BANK + BANK)
    bench["CR"] = bits | STRT
    assert [address for address, _ in bench.changed] == [BASE + sum((BANK + BANK)[:n]) for n in erased]


@pytest.mark.parametrize(("snb", "sector"), [(0, 0), (11, 11), (16, 12), (27, 23)])
def test_sector_numbers_of_both_banks(snb: int, sector: int) -> None:
    bench = Bench(BANK + BANK)
    bench["CR"] = SER | snb << 3 | STRT
    assert bench.changed == [(BASE + sum((BANK + BANK)[:sector]), (BANK + BANK)[sector])]


@pytest.mark.parametrize("bits", [0, SER | MER, SER | 12 << 3, SER | 31 << 3])
def test_an_erase_that_makes_no_sense_is_refused(bits: int) -> None:
    bench = Bench()
    bench["CR"] = bits | STRT
    assert (bench["SR"], bench["CR"] & STRT, bench.changed) == (PGSERR, 0, [])


@pytest.mark.parametrize(("psize", "size"), [(X8, 1), (X16, 2), (X32, 4), (X64, 8), (X64, 4)])
def test_programming_clears_bits_only(psize: int, size: int) -> None:
    bench = Bench()
    bench["CR"] = PG | psize
    assert bench.store(0x40, size, 0x0F0F_0F0F_0F0F_0F0F & (1 << 8 * size) - 1) == 0
    assert bench.array[0x3F : 0x41 + size] == b"\xa5" + b"\x05" * size + b"\xa5"
    assert bench.changed == [(BASE + 0x40, size)]
    assert bench["SR"] == BSY
    bench.clock.advance(16 * MICROSECOND)
    assert bench["SR"] == 0


@pytest.mark.parametrize(
    ("cr", "offset", "size", "errors"),
    [
        (X32, 0, 4, PGSERR),
        (0, 0, 4, PGSERR | PGPERR),  # the stray store of many a wild pointer
        (PG | SER | X32, 0, 4, PGSERR),
        (PG | X8, 0, 4, PGPERR),
        (PG | X32, 0, 1, PGPERR),
        (PG | X64, 0, 2, PGPERR),
        (PG | X32, 14, 4, PGAERR),
        (PG | X64, 12, 8, PGAERR),
    ],
)
def test_programming_errors(cr: int, offset: int, size: int, errors: int) -> None:
    bench = Bench()
    bench["CR"] = cr
    assert bench.store(offset, size, 0) == errors
    assert (bench.changed, bench["SR"] & BSY) == ([], 0)
    bench["SR"] = errors
    assert bench["SR"] == 0


def test_a_write_protected_sector_refuses_both() -> None:
    bench = Bench()
    for key in OPTION_KEYS:
        bench["OPTKEYR"] = key
    bench.clear("OPTCR", 1 << 18)
    bench["CR"] = PG | X32
    assert bench.store(32 * KB, 4, 0) == WRPERR
    assert bench.store(48 * KB, 4, 0) == WRPERR
    bench["SR"] = WRPERR
    bench["CR"] = SER | 2 << 3 | STRT
    assert bench["SR"] & 0xFF == WRPERR
    assert bench.changed == [(BASE + 48 * KB, 4)]


@pytest.mark.parametrize(("sector", "register", "bit"), [(11, "OPTCR", 27), (12, "OPTCR1", 16), (23, "OPTCR1", 27)])
def test_write_protection_of_both_banks(sector: int, register: str, bit: int) -> None:
    bench = Bench(BANK + BANK)
    for key in OPTION_KEYS:
        bench["OPTKEYR"] = key
    bench.clear(register, 1 << bit)
    for n in range(24):
        bench["CR"] = SER | (n if n < 12 else n + 4) << 3 | STRT
        assert bench["SR"] & WRPERR == (WRPERR if n == sector else 0)
        bench["SR"] = WRPERR


def test_end_of_operation_interrupt() -> None:
    bench = Bench()
    bench["CR"] = PG | X32 | EOPIE
    bench.store(0, 4, 0)
    bench.clock.advance(16 * MICROSECOND)
    assert (bench["SR"], bench.irq.level) == (EOP, True)
    bench["SR"] = EOP
    assert (bench["SR"], bench.irq.level) == (0, False)


def test_back_to_back_stores_each_end() -> None:
    bench = Bench()
    bench["CR"] = PG | X32 | EOPIE
    bench.store(0, 4, 0)
    assert bench["SR"] == BSY
    bench.store(4, 4, 0)
    assert (bench["SR"], bench.irq.level) == (BSY | EOP, True)
    bench["CR"] = PG | X32
    assert bench.irq.level is False


@pytest.mark.parametrize("offset", [0, 4, 8, 12])
def test_a_word_may_end_with_its_row(offset: int) -> None:
    bench = Bench()
    bench["CR"] = PG | X32
    assert bench.store(offset, 4, 0) == 0


def test_a_later_operation_has_its_whole_time() -> None:
    bench = Bench()
    bench["CR"] = PG | X32
    bench.store(0, 4, 0)
    bench.clock.advance(10 * MICROSECOND)
    bench.store(4, 4, 0)
    bench.clock.advance(15 * MICROSECOND)
    assert bench["SR"] == BSY
    bench.flash.reset()
    for key in KEYS:
        bench["KEYR"] = key
    bench["CR"] = PG | X32
    bench.store(8, 4, 0)
    bench.clock.advance(15 * MICROSECOND)
    assert bench["SR"] == BSY


def test_error_interrupt() -> None:
    bench = Bench()
    bench["CR"] = PG | X8 | ERRIE
    assert bench.store(0, 4, 0) == PGPERR | OPERR
    assert bench.irq.level is True
    bench["SR"] = OPERR
    assert bench.irq.level is False


def test_an_access_that_silicon_stalls_ends_the_operation() -> None:
    bench = Bench()
    bench["CR"] = PG | X32
    bench.store(0, 4, 0)
    bench.store(4, 4, 0)
    assert (bench["SR"], len(bench.changed)) == (BSY, 2)
    bench["CR"] = 0
    assert bench["SR"] == 0
    bench.clock.advance(1000)
    assert bench["SR"] == 0


def test_option_bytes_are_locked_take_time_and_survive_reset() -> None:
    bench = Bench()
    bench["OPTCR"] = 0
    assert bench["OPTCR"] == 0x0FFF_AAED
    for key in OPTION_KEYS:
        bench["OPTKEYR"] = key
    bench["OPTCR"] = 0x0FFF_55E0
    bench.flash.reset()
    assert bench["OPTCR"] == 0x0FFF_AAED, "not programmed"
    for key in OPTION_KEYS:
        bench["OPTKEYR"] = key
    bench["OPTCR"] = 0x0FFF_55E2
    assert bench["SR"] == BSY
    bench.clock.advance(250_000 * MICROSECOND)
    assert (bench["SR"], bench["OPTCR"]) == (0, 0x0FFF_55E0)
    bench.flash.reset()
    assert bench["OPTCR"] == 0x0FFF_55E1


def test_reset_ends_an_operation() -> None:
    bench = Bench()
    bench["CR"] = SER | STRT | EOPIE
    bench.flash.reset()
    bench.clock.advance(1_000_000 * MICROSECOND)
    assert (bench["CR"], bench["SR"], bench.irq.level) == (LOCK, 0, False)
