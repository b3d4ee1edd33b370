# SPDX-License-Identifier: GPL-2.0-or-later
"""The chip's peripherals, built from its table and wired: interrupts, DMA requests, resets, EXTI lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from stm32emu.chip import Block, Chip
from stm32emu.cpu import Buffer, Cpu
from stm32emu.factories import FACTORIES, make_stub
from stm32emu.guest_memory import GuestMemory, SystemBus
from stm32emu.peripherals.clock import Clock, ClockTree
from stm32emu.peripherals.dma import Dma
from stm32emu.peripherals.dma_requests import REQUESTS, connect
from stm32emu.peripherals.eth import Eth
from stm32emu.peripherals.irq import IrqLine, SharedIrq
from stm32emu.peripherals.ledger import Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.rcc import Rcc
from stm32emu.peripherals.unclocked import Slave, Unclocked
from stm32emu.peripherals.usart import Usart

Kind = TypeVar("Kind", bound=Peripheral)


@dataclass
class Wiring:
    """What the outside world and the machine give to the board and hear from it."""

    clock: Clock
    tree: ClockTree
    ledger: Ledger
    seed: int = 0
    phy: str = "auto"
    hse_hz: int | None = None
    on_byte: Callable[[str, int], None] = lambda uart, byte: None
    on_frame: Callable[[bytes], None] = lambda frame: None
    on_reset: Callable[[str], None] = lambda cause: None


@dataclass
class Board:
    """All blocks of one chip by name."""

    chip: Chip
    cpu: Cpu
    memory: GuestMemory
    wiring: Wiring
    blocks: dict[str, Peripheral] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bus = SystemBus(self.memory)
        self._irqs: dict[int, SharedIrq] = {}
        for block in sorted(self.chip.blocks, key=lambda block: ORDER.get(block.model, 9)):
            peripheral = FACTORIES.get(block.model, make_stub)(self, block)
            self.blocks[block.name] = peripheral
            self.gate(block.name, peripheral, partial(self._serve, block))
            self.one(Rcc).attach(block.name, peripheral)
        self._connect_dma()

    def one(self, kind: type[Kind]) -> Kind:
        """The first block that `kind` models; StopIteration where the chip has none."""
        return next(block for block in self.blocks.values() if isinstance(block, kind))

    def irq(self, number: int) -> IrqLine:
        """A line to the NVIC; several blocks may share a position."""
        if number not in self._irqs:
            self._irqs[number] = SharedIrq(IrqLine(partial(self.cpu.set_irq, number)))
        return self._irqs[number].line()

    def vector(self, name: str) -> IrqLine:
        """A line to the NVIC by the vector's name; one that leads nowhere where the chip has no such vector."""
        return next((self.irq(irq) for irq, vector in self.chip.vector_names() if vector == name), IrqLine())

    def gate(self, name: str, slave: Slave, serve: Callable[[Slave], None]) -> None:
        """Let `serve` put `slave` at its addresses, or a stand-in whenever RCC has its bus clock off."""
        rcc = self.one(Rcc)
        off = Unclocked(name, rcc.gate(name), self.wiring.ledger)
        rcc.on_clock(name, lambda clocked: serve(slave if clocked else off))

    def _serve(self, block: Block, slave: Slave) -> None:
        by_core: tuple[Buffer, ...] = ()  # reads that the core serves itself
        if isinstance(slave, Peripheral) and type(slave).read is Peripheral.read and slave.SIZE >= block.size:
            by_core = (slave.words, slave.plain, slave.ramp.words)
        self.cpu.add_mmio(block.base, block.size, slave.read, slave.write, *by_core)
        self.bus.attach(block.base, block.size, slave.read, slave.write)

    def _connect_dma(self) -> None:
        controllers = {name: block for name, block in self.blocks.items() if isinstance(block, Dma)}
        for name, block in self.blocks.items():
            for request, line in _request_lines(name, block):
                if request in REQUESTS:
                    connect(request, line, controllers)

    def reset(self) -> None:
        """A system reset: every block."""
        for block in self.blocks.values():
            block.reset()

    def uarts(self) -> dict[str, Usart]:
        """The serial ports by name."""
        return {name: block for name, block in self.blocks.items() if isinstance(block, Usart)}

    def eth(self) -> Eth | None:
        """The Ethernet block, where the chip has one."""
        block = self.blocks.get("ETH")
        return block if isinstance(block, Eth) else None


def _request_lines(name: str, block: Peripheral) -> Iterator[tuple[str, IrqLine]]:
    """A block's DMA request lines under the names of the request tables: dma_tx of USART2 is USART2_TX, dma_adc1 of a
    block with several converters is ADC1."""
    for key, line in vars(block).items():
        if key.startswith("dma_") and isinstance(line, IrqLine):
            yield f"{name}_{key[4:].upper()}", line
            yield key[4:].upper(), line


ORDER = {"rcc": 0, "exti": 1, "syscfg": 2, "tim": 3}
"""Blocks that others are wired to come first."""
