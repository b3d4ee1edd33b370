# SPDX-License-Identifier: GPL-2.0-or-later
"""Fault status decoding against the positions that CMSIS-Core's core_cm4.h publishes."""

from __future__ import annotations

import pytest

from stm32emu.fault_status import (
    CFSR_BITS,
    DFSR_BITS,
    HFSR_BITS,
    SHCSR_BITS,
    decode_cfsr,
    decode_dfsr,
    decode_hfsr,
    decode_shcsr,
    describe,
    describe_exc_return,
    exception_name,
    fault_address,
    is_exc_return,
)

CFSR_POSITIONS = {
    "IACCVIOL": 0, "DACCVIOL": 1, "MUNSTKERR": 3, "MSTKERR": 4, "MLSPERR": 5, "MMARVALID": 7,
    "IBUSERR": 8, "PRECISERR": 9, "IMPRECISERR": 10, "UNSTKERR": 11, "STKERR": 12, "LSPERR": 13, "BFARVALID": 15,
    "UNDEFINSTR": 16, "INVSTATE": 17, "INVPC": 18, "NOCP": 19, "UNALIGNED": 24, "DIVBYZERO": 25,
}  # fmt: skip


@pytest.mark.parametrize(("name", "position"), CFSR_POSITIONS.items())
def test_each_cfsr_bit_has_its_name(name, position):
    assert [bit.name for bit in decode_cfsr(1 << position)] == [name]


def test_reserved_bits_say_nothing():
    named = sum(1 << position for position in CFSR_POSITIONS.values())
    assert decode_cfsr(0xFFFF_FFFF & ~named) == []
    assert [bit.name for bit in decode_cfsr(0xFFFF_FFFF)] == list(CFSR_POSITIONS)


def test_the_part_of_cfsr_is_named():
    assert [str(bit) for bit in decode_cfsr(0x0100_0202)] == ["MMFSR.DACCVIOL", "BFSR.PRECISERR", "UFSR.UNALIGNED"]


def test_the_other_registers():
    assert [bit.name for bit in decode_hfsr(1 << 1 | 1 << 30 | 1 << 31)] == ["VECTTBL", "FORCED", "DEBUGEVT"]
    assert [bit.name for bit in decode_dfsr(0x1F)] == ["HALTED", "BKPT", "DWTTRAP", "VCATCH", "EXTERNAL"]
    active = ["MEMFAULTACT", "BUSFAULTACT", "USGFAULTACT", "SVCALLACT", "MONITORACT", "PENDSVACT", "SYSTICKACT"]
    assert [bit.name for bit in decode_shcsr(0x0000_0D8B)] == active
    assert [bit.name for bit in decode_shcsr(0x7_0000)] == ["MEMFAULTENA", "BUSFAULTENA", "USGFAULTENA"]


def test_every_bit_has_a_sentence_of_its_own():
    bits = [*CFSR_BITS, *HFSR_BITS, *DFSR_BITS, *SHCSR_BITS]
    assert all(bit.meaning for bit in bits)
    assert len({bit.meaning for bit in bits}) == len(bits)


@pytest.mark.parametrize(("cfsr", "address"), [(0x8200, 0xB), (0x82, 0xA), (0x8282, 0xB), (0x0200, None), (0, None)])
def test_an_address_counts_only_with_its_valid_bit(cfsr, address):
    assert fault_address(cfsr, mmfar=0xA, bfar=0xB) == address


def test_a_forced_hard_fault_is_described_by_its_cause():
    assert describe(0x8200, 1 << 30) == "precise data bus error"
    assert "division by zero" in describe(1 << 25, 1 << 30)
    assert "escalated" in describe(0, 1 << 30)
    assert "vector table" in describe(0, 1 << 1)
    assert describe(0, 0) == "no fault flag is set"


@pytest.mark.parametrize("value", range(0xFFFF_FFE0, 0x1_0000_0000))
def test_exc_return_has_six_values(value):
    valid = value & 0xF in (0x1, 0x9, 0xD)
    assert is_exc_return(value) == valid
    words = describe_exc_return(value)
    assert words.startswith("not") != valid
    if valid:
        assert ("PSP" in words) == bool(value & 4)
        assert ("Thread" in words) == bool(value & 8)
        assert ("basic" in words) == bool(value & 16)


def test_exception_names():
    named = {3: "HardFault", 5: "BusFault", 11: "SVCall", 15: "SysTick", 16: "IRQ 0", 77: "IRQ 61", 7: "exception 7"}
    assert {number: exception_name(number) for number in named} == named
