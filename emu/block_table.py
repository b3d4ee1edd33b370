# SPDX-License-Identifier: GPL-2.0-or-later
"""What of each block of a chip is modelled: read off the classes that the board makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stm32emu.board import Board, Wiring
from stm32emu.chip import Chip
from stm32emu.cpu import Cpu
from stm32emu.guest_memory import GuestMemory
from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.ledger import Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.stub import Stub


@dataclass(frozen=True)
class BlockRow:
    """One block. `model` is the class behind it, `missing` what that lacks, `tagged` how many fields it only keeps."""

    name: str
    model: str
    state: Literal["modelled", "partly", "stub"]
    missing: str
    registers: int
    fields: int
    tagged: int


def bare_board(chip: Chip) -> Board:
    """The board of a chip that runs nothing, on a clock moved by hand."""
    return Board(chip, Cpu(), GuestMemory(chip), Wiring(ManualClock(), ClockTree(), Ledger()))


def block_table(chip: Chip) -> list[BlockRow]:
    """A row per block, in order of address."""
    board = bare_board(chip)
    return [_row(board.blocks[block.name]) for block in chip.blocks]


def _row(block: Peripheral) -> BlockRow:
    registers = [register for _offset, part in block.parts() for register in part.REGISTERS]
    fields = [each for register in registers for each in register.all_fields()]
    state: Literal["modelled", "partly", "stub"] = "partly" if block.MISSING else "modelled"
    return BlockRow(
        name=block.name,
        model=type(block).__name__,
        state="stub" if isinstance(block, Stub) else state,
        missing=block.MISSING,
        registers=len(registers),
        fields=len(fields),
        tagged=sum(each.tagged for each in fields),
    )
