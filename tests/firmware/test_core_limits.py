# SPDX-License-Identifier: GPL-2.0-or-later
"""A firmware that sets what the core keeps and does not act on is told of, each setting once by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core_programs import Program
from stm32emu.machine import Machine
from stm32emu.summary import ledger_table

WRITES = {
    0xE000ED14: (0x300, "CCR.BFHFNMIGN"),
    0xE000EDFC: (0x01040000, "DEMCR.MON_STEP"),
    0xE000EF34: (0x40000000, "FPCCR without ASPEN"),
    0xE000EF3C: (0x00400000, "FPDSCR"),
    0xE0001028: (0x00000104, "DWT_FUNCTION"),
}
HARMLESS = {0xE000ED14: 0x200, 0xE000EDFC: 0x01000000, 0xE000EF34: 0x80000000, 0xE000EF3C: 0, 0xE0001028: 0}


def run(compile_firmware: Callable[..., Path], name: str, writes: dict[int, int]) -> Machine:
    """A machine that has done some stores, all of them twice."""
    stores = [f"ldr r0, ={at:#x}\n ldr r1, ={value:#x}\n str r1, [r0]\n" for at, value in writes.items()]
    program = Program(compile_firmware, name, "".join(stores * 2))
    program.run(10_000)
    return program.machine


def test_limits_are_told(compile_firmware: Callable[..., Path]) -> None:
    machine = run(compile_firmware, "limits", {address: value for address, (value, _) in WRITES.items()})
    told = [(entry.block, entry.what, entry.count) for entry in machine.ledger.of_kind("unmodelled")]
    assert told == [("core", what, 2) for _, what in WRITES.values()]
    assert any("FPDSCR" in line for line in ledger_table(machine))


def test_usual_settings_are_not_told(compile_firmware: Callable[..., Path]) -> None:
    assert run(compile_firmware, "usual", HARMLESS).ledger.entries == {}
