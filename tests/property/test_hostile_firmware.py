# SPDX-License-Identifier: GPL-2.0-or-later
"""A firmware may write anything to any register, and point the DMA controllers anywhere: nothing raises, runs for ever
or differs between two runs. What comes of it is the firmware's business.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from stm32emu.chips import CHIPS, find_chip
from stm32emu.elf import Firmware, load_firmware
from stm32emu.machine import Machine
from stm32emu.peripherals.memory import BusError

SPIN = """
extern unsigned _estack;
void Reset_Handler(void) { for (;;); }
__attribute__((section(".isr_vector"), used)) void *const vectors[98] = {
    &_estack, Reset_Handler, [2 ... 97] = Reset_Handler,
};
"""
RAM = 0x2000_0000
RCC_ENABLES = (0x30, 0x34, 0x38, 0x40, 0x44)
DMA2_STREAM0 = 0x4002_6410
ETH = 0x4002_8000
ADDRESSES = (RAM, RAM + 1, RAM + 0x1FFFE, 0x0800_0000, 0x1000_0000, 0x6000_0000, 0xA000_0000, 0xFFFF_FFF0, 0)


@pytest.fixture(scope="module")
def spin(compile_firmware: Callable[..., Path]) -> Firmware:
    """A program that does nothing, for registers that somebody else writes."""
    return load_firmware(compile_firmware("spin", SPIN))


def words(random: Random) -> int:
    """A register's value: noise, one bit, an address, all or nothing."""
    kind = random.randrange(4)
    if kind == 0:
        return random.getrandbits(32)
    return (1 << random.randrange(32), random.choice(ADDRESSES), random.choice((0, 0xFFFF_FFFF)))[kind - 1]


class Rig:
    """A machine whose registers are written from outside, at the pace of a program."""

    def __init__(self, firmware: Firmware, chip: str, seed: int) -> None:
        self.random = Random(seed)
        self.chip = find_chip(chip)
        self.machine = Machine(firmware, self.chip, seed=1)
        for offset in RCC_ENABLES:
            self.write(0x4002_3800 + offset, 0xFFFF_FFFF)

    def write(self, address: int, value: int, size: int = 4) -> None:
        """A store; out of reach is no news."""
        try:
            self.machine.board.bus.write(address, (value & (1 << 8 * size) - 1).to_bytes(size, "little"))
        except BusError:
            return

    def run(self, cycles: int) -> None:
        """Let the machine run, and whatever faults that brings pass."""
        end = self.machine.clock.now + cycles
        while self.machine.clock.now < end:
            self.machine.run(end)
            self.machine.sleep(end)

    def poke(self) -> None:
        """Any access to any register of any block, declared or not."""
        random = self.random
        block = random.choice(self.chip.blocks)
        declared = [register.offset for register in self.machine.board.blocks[block.name].REGISTERS]
        offset = random.choice(declared) if declared and random.random() < 0.9 else random.randrange(0, block.size, 4)
        size = random.choice((4, 4, 4, 2, 1))
        if random.random() < 0.8:
            self.write(block.base + offset, words(random), size)
        else:
            self.machine.board.bus.read(block.base + offset, size)

    def aim_a_stream(self) -> None:
        """Stream 0 of DMA2 between any two addresses, in any mode, and a request for it."""
        random = self.random
        places = [*ADDRESSES, *(block.base + random.choice((0, 4, 0x10, 0x3FE, 0x3FF)) for block in self.chip.blocks)]
        control = random.getrandbits(28) & ~0xC1 | random.choice((0, 1, 2, 2)) << 6
        self.write(DMA2_STREAM0, 0)
        self.write(DMA2_STREAM0 + 4, random.choice((1, 2, 16, 300)))
        self.write(DMA2_STREAM0 + 8, random.choice(places) + random.choice((0, 0, 1, 2, 3)))
        self.write(DMA2_STREAM0 + 12, random.choice(places) + random.choice((0, 0, 1, 2, 3)))
        self.write(DMA2_STREAM0 + 20, random.getrandbits(8))
        self.write(DMA2_STREAM0, control | 1)
        self.machine.board.blocks["DMA2"].request(0, control >> 25 & 7).pulse()  # type: ignore[attr-defined]

    def scatter_descriptors(self) -> None:
        """Lists for the Ethernet DMA that lead anywhere, themselves included."""
        random = self.random
        for address in range(RAM, RAM + 0x400, 4):
            near = RAM + random.randrange(0, 0x440, random.choice((4, 16, 16)))
            size = random.choice((0, 1, 60, 1524, 8191)) | random.choice((0, 60, 8191)) << 16
            flags = random.choice((1 << 31, 3 << 30, 0x7 << 28, 0xF << 28, 0)) | random.getrandbits(28)
            likely = (flags, size, near, near)[address >> 2 & 3]
            word = likely if random.random() < 0.9 else random.choice((near, random.getrandbits(32), *ADDRESSES))
            self.write(address, word & 0xFFFF_FFFF)

    def start_ethernet(self) -> None:
        """MAC and DMA on, in any of their modes, at any place of the lists."""
        random = self.random
        self.write(ETH + 0x1000, 1)
        self.run(2000)
        self.write(ETH + 0x1000, random.getrandbits(5) << 2 | random.choice((0, 1 << 7)))
        self.write(ETH + 0x04, 1 << 31 | random.getrandbits(5))
        self.write(ETH + 0x700, random.getrandbits(18))
        self.write(ETH + 0x100C, RAM + random.randrange(0, 0x400, 16))
        self.write(ETH + 0x1010, RAM + random.randrange(0, 0x400, 16))
        self.write(ETH, random.getrandbits(32) | 0xC)
        self.write(ETH + 0x1018, random.getrandbits(32) | 1 << 13 | 2)

    def ethernet(self) -> None:
        """Frames come and lists change while it runs."""
        random = self.random
        if random.random() < 0.1:
            self.scatter_descriptors()
            self.start_ethernet()
        self.machine.deliver(random.randbytes(random.choice((14, 60, 1514, 3000))), self.machine.clock.now + 1)
        self.write(RAM + random.randrange(0, 0x400, 16), 1 << 31 | random.getrandbits(31))
        self.write(ETH + random.choice((0x1004, 0x1008, 0x1014)), random.getrandbits(32))


STEPS: dict[str, Callable[[Rig], None]] = {
    "registers": Rig.poke,
    "streams": Rig.aim_a_stream,
    "ethernet": Rig.ethernet,
}


def outcome(firmware: Firmware, step: str, seed: int) -> str:
    """The state after a few hundred steps from one seed."""
    chip = CHIPS[seed % len(CHIPS)].name if step == "registers" else "f407"
    rig = Rig(firmware, chip, seed)
    for _ in range(200):
        STEPS[step](rig)
        rig.run(rig.random.choice((1, 100, 3000)))
    return rig.machine.state_hash()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("seed", range(20))
def test_nothing_raises_or_runs_for_ever(spin: Firmware, step: str, seed: int) -> None:
    assert outcome(spin, step, seed)


@pytest.mark.parametrize("step", STEPS)
def test_the_same_seed_ends_the_same(spin: Firmware, step: str) -> None:
    assert outcome(spin, step, 99) == outcome(spin, step, 99)
