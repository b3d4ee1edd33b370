# SPDX-License-Identifier: GPL-2.0-or-later
"""How each block of the chip table is made: the class that models it, with what it needs of the board."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal

from stm32emu.chip import Block, Chip
from stm32emu.errors import as_user_errors
from stm32emu.external_memory import StaticBank
from stm32emu.peripherals.adc import AdcBlock
from stm32emu.peripherals.can import Can, CanWithFilters
from stm32emu.peripherals.crc import Crc
from stm32emu.peripherals.cryp import Cryp
from stm32emu.peripherals.dac import Dac
from stm32emu.peripherals.dbgmcu import Dbgmcu
from stm32emu.peripherals.dma import Dma
from stm32emu.peripherals.dma2d import Dma2d
from stm32emu.peripherals.dsi import Dsi
from stm32emu.peripherals.eth import Eth
from stm32emu.peripherals.eth_phy import make_phy
from stm32emu.peripherals.exti import RTC_ALARM, RTC_WKUP, Exti
from stm32emu.peripherals.flash import Flash
from stm32emu.peripherals.fmc import Fmc
from stm32emu.peripherals.fsmc import Fsmc
from stm32emu.peripherals.gpio import Gpio
from stm32emu.peripherals.hash import Hash
from stm32emu.peripherals.i2c import I2c
from stm32emu.peripherals.irq import IrqLine, Trigger
from stm32emu.peripherals.iwdg import Iwdg
from stm32emu.peripherals.ltdc import Ltdc
from stm32emu.peripherals.otg import Otg
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.pwr import Pwr
from stm32emu.peripherals.rcc import Rcc, RccF446
from stm32emu.peripherals.rng import Rng, seeded
from stm32emu.peripherals.rtc import Rtc
from stm32emu.peripherals.sdio import Sdio
from stm32emu.peripherals.spi import Spi
from stm32emu.peripherals.stub import Stub
from stm32emu.peripherals.syscfg import Syscfg
from stm32emu.peripherals.tim import Tim
from stm32emu.peripherals.usart import Usart
from stm32emu.peripherals.wwdg import Wwdg

if TYPE_CHECKING:
    from stm32emu.board import Board

APB2 = 0x4001_0000
ONE_ADC = {"STM32F401", "STM32F411", "STM32F412", "STM32F413", "STM32F423"}
SERIES = {"STM32F446": "F446", "STM32F469": "F469", "STM32F479": "F469"}
"""Which of a model's variants a chip has, where it is neither the F407's nor the F429's."""


def series(chip: Chip) -> str:
    """The variant name that the models use: "F407", "F429", "F446" or "F469"."""
    return SERIES.get(chip.name, "F429" if chip.name[6:8] in ("42", "43") else "F407")


def make_stub(board: Board, block: Block) -> Peripheral:
    """For a block without a model."""
    return Stub(block.name, ledger=board.wiring.ledger)


def _rcc(board: Board, block: Block) -> Peripheral:
    w, kind = board.wiring, series(board.chip)
    make = RccF446 if kind == "F446" else partial(Rcc, series=kind)
    return make(
        block.name,
        clock=w.clock,
        tree=w.tree,
        irq=board.irq(block.irqs[0]),
        hse_hz=w.hse_hz,
        backup_unlocked=lambda: bool(board.one(Pwr).DBP),
        ledger=w.ledger,
    )


def _rtc(board: Board, block: Block) -> Peripheral:
    w, exti = board.wiring, board.one(Exti)
    rtc = Rtc(
        block.name,
        clock=w.clock,
        tree=w.tree,
        alarm_irq=IrqLine(partial(exti.drive, RTC_ALARM)),
        wkup_irq=IrqLine(partial(exti.drive, RTC_WKUP)),
        unlocked=lambda: bool(board.one(Pwr).DBP),
        ledger=w.ledger,
    )
    board.one(Rcc).on_backup_reset = rtc.backup_reset
    return rtc


def _triggers(board: Board) -> dict[str, Trigger]:
    """What starts conversions: TRGO and the compare channels of every timer."""
    timers = {name: block for name, block in board.blocks.items() if isinstance(block, Tim)}
    compares = {f"{name}_CC{n}": cc for name, timer in timers.items() for n, cc in enumerate(timer.compares, 1)}
    return {f"{name}_TRGO": timer.trgo for name, timer in timers.items()} | compares


def _adc(board: Board, block: Block) -> Peripheral:
    w, irq = board.wiring, board.irq(block.irqs[0])
    count = 1 if board.chip.name in ONE_ADC else 3
    adc = AdcBlock(
        block.name,
        clock=w.clock,
        tree=w.tree,
        irq=irq,
        triggers=_triggers(board),
        ledger=w.ledger,
        converters=count,
    )
    for n, converter in enumerate(adc.converters):
        board.gate(converter.name, converter, partial(adc.serve, n))
    return adc


def _static_bank(board: Board, base: int, size: int) -> None:
    bank = StaticBank()
    board.cpu.add_mmio(base, size, bank.read, bank.write)
    board.bus.attach(base, size, bank.read, bank.write)


def _fsmc(board: Board, block: Block) -> Peripheral:
    return Fsmc(block.name, on_static=partial(_static_bank, board), ledger=board.wiring.ledger)


def _fmc(board: Board, block: Block) -> Peripheral:
    return Fmc(
        block.name,
        on_static=partial(_static_bank, board),
        on_sdram=partial(board.memory.add_sdram, board.cpu),
        ledger=board.wiring.ledger,
    )


def _pwr(board: Board, block: Block) -> Peripheral:
    return Pwr(block.name, clock=board.wiring.clock, series=series(board.chip), ledger=board.wiring.ledger)


def _flash(board: Board, block: Block) -> Peripheral:
    w, chip = board.wiring, board.chip
    flash = Flash(
        block.name,
        clock=w.clock,
        tree=w.tree,
        irq=board.irq(block.irqs[0]),
        array=board.memory.flash.data,
        sectors=chip.sectors,
        base=chip.flash.base,
        on_change=lambda address, length: board.cpu.flush(),
        ledger=w.ledger,
    )
    board.cpu.on_program = lambda offset, size, value: flash.program(chip.flash.base + offset, size, value)
    return flash


def _exti(board: Board, block: Block) -> Peripheral:
    lines = {f"{name.lower()}_irq": board.irq(irq) for name, irq in zip(block.vectors, block.irqs, strict=True)}
    internal = ("PVD", "RTC_Alarm", "OTG_FS_WKUP", "ETH_WKUP", "OTG_HS_WKUP", "TAMP_STAMP", "RTC_WKUP")
    lines.update({f"{name.lower()}_irq": board.vector(name) for name in internal})
    return Exti(block.name, on_event=board.cpu.send_event, ledger=board.wiring.ledger, **lines)


def _syscfg(board: Board, block: Block) -> Peripheral:
    on_remap = partial(board.memory.show_at_zero, board.cpu)
    return Syscfg(block.name, on_remap=on_remap, on_line=board.one(Exti).drive, ledger=board.wiring.ledger)


def _gpio(board: Board, block: Block) -> Peripheral:
    return Gpio(block.name, on_input=board.one(Syscfg).pin(block.name[-1]), ledger=board.wiring.ledger)


def _usart(board: Board, block: Block) -> Peripheral:
    w = board.wiring
    return Usart(
        block.name,
        clock=w.clock,
        tree=w.tree,
        bus="pclk2" if block.base >= APB2 else "pclk1",
        irq=board.irq(block.irqs[0]),
        on_byte=partial(w.on_byte, block.name),
        ledger=w.ledger,
        uart_only=block.name.startswith("UART"),
    )


def _dma(board: Board, block: Block) -> Peripheral:
    irqs = [board.irq(irq) for irq in block.irqs]
    both = block.name == "DMA2"  # only DMA2's AHB ports allow memory to memory (RM0090 section 10.3.6)
    return Dma(
        block.name,
        clock=board.wiring.clock,
        irqs=irqs,
        memory=board.bus,
        ledger=board.wiring.ledger,
        memory_to_memory=both,
    )


def _dma2d(board: Board, block: Block) -> Peripheral:
    w = board.wiring
    irq = board.irq(block.irqs[0])
    return Dma2d(block.name, clock=w.clock, irq=irq, memory=board.bus, ledger=w.ledger)


def _ltdc(board: Board, block: Block) -> Peripheral:
    w = board.wiring
    return Ltdc(block.name, clock=w.clock, tree=w.tree, irq=board.irq(block.irqs[0]), ledger=w.ledger)


def _iwdg(board: Board, block: Block) -> Peripheral:
    w = board.wiring
    return Iwdg(block.name, clock=w.clock, tree=w.tree, on_reset=w.on_reset, ledger=w.ledger)


def _wwdg(board: Board, block: Block) -> Peripheral:
    w = board.wiring
    irq = board.irq(block.irqs[0])
    return Wwdg(block.name, clock=w.clock, tree=w.tree, irq=irq, on_reset=w.on_reset, ledger=w.ledger)


def _rng(board: Board, block: Block) -> Peripheral:
    w = board.wiring
    irq = board.irq(block.irqs[0])
    return Rng(block.name, clock=w.clock, tree=w.tree, irq=irq, source=seeded(w.seed), ledger=w.ledger)


def _eth(board: Board, block: Block) -> Peripheral:
    w = board.wiring
    with as_user_errors(ValueError):
        phy = make_phy(w.phy, clock=w.clock, tree=w.tree)
    irq, wkup = (board.irq(number) for number in block.irqs)
    return Eth(
        block.name,
        clock=w.clock,
        tree=w.tree,
        irq=irq,
        wkup_irq=wkup,
        memory=board.memory,
        phy=phy,
        on_frame=w.on_frame,
        ledger=w.ledger,
    )


def _can(board: Board, block: Block) -> Peripheral:
    w, lines = board.wiring, [board.irq(irq) for irq in block.irqs]
    second = block.name == "CAN2"
    can = (Can if second else CanWithFilters)(
        block.name,
        clock=w.clock,
        tree=w.tree,
        tx_irq=lines[0],
        rx0_irq=lines[1],
        rx1_irq=lines[2],
        sce_irq=lines[3],
        ledger=w.ledger,
    )
    owner = can if isinstance(can, CanWithFilters) else board.one(CanWithFilters)
    can.banks = partial(owner.banks_of, second)
    return can


def _hash(board: Board, block: Block) -> Peripheral:
    w, irq = board.wiring, board.irq(block.irqs[0])
    sha2 = series(board.chip) != "F407"
    return Hash(block.name, clock=w.clock, irq=irq, sha2=sha2, ledger=w.ledger)


def _sdio(board: Board, block: Block) -> Peripheral:
    w = board.wiring
    return Sdio(block.name, clock=w.clock, tree=w.tree, irq=board.irq(block.irqs[0]), ledger=w.ledger)


def _tim(board: Board, block: Block) -> Peripheral:
    w, number = board.wiring, int(block.name[3:])
    split = len(block.irqs) == 4  # TIM1 and TIM8: break, update, trigger and commutation, compare
    lines = [board.irq(irq) for irq in block.irqs]
    return Tim(
        block.name,
        clock=w.clock,
        tree=w.tree,
        bus="timclk2" if block.base >= APB2 else "timclk1",
        irq=lines[1 if split else 0],
        brk_irq=lines[0] if split else None,
        trg_com_irq=lines[2] if split else None,
        cc_irq=lines[3] if split else None,
        ledger=w.ledger,
        bits=32 if number in (2, 5) else 16,
        channels=TIM_CHANNELS.get(number, 4),
    )


def _spi(board: Board, block: Block) -> Peripheral:
    w = board.wiring
    bus: Literal["pclk1", "pclk2"] = "pclk2" if block.base >= APB2 else "pclk1"
    return Spi(block.name, clock=w.clock, tree=w.tree, bus=bus, irq=board.irq(block.irqs[0]), ledger=w.ledger)


def _i2c(board: Board, block: Block) -> Peripheral:
    w = board.wiring
    ev, er = (board.irq(irq) for irq in block.irqs)
    return I2c(block.name, clock=w.clock, tree=w.tree, ev_irq=ev, er_irq=er, ledger=w.ledger)


TIM_CHANNELS = {6: 0, 7: 0, 9: 2, 10: 1, 11: 1, 12: 2, 13: 1, 14: 1}
"""Compare channels of the timers that have fewer than four (RM0090 chapters 19 and 20)."""

FACTORIES: dict[str, Callable[[Board, Block], Peripheral]] = {
    "adc": _adc,
    "can": _can,
    "crc": lambda board, block: Crc(block.name, ledger=board.wiring.ledger),
    "cryp": lambda board, block: Cryp(block.name, irq=board.irq(block.irqs[0]), ledger=board.wiring.ledger),
    "dac": lambda board, block: Dac(block.name, triggers=_triggers(board), ledger=board.wiring.ledger),
    "dbgmcu": lambda board, block: Dbgmcu(block.name, series=series(board.chip), ledger=board.wiring.ledger),
    "dma": _dma,
    "dma2d": _dma2d,
    "eth": _eth,
    "exti": _exti,
    "flash": _flash,
    "fmc": _fmc,
    "fsmc": _fsmc,
    "gpio": _gpio,
    "hash": _hash,
    "i2c": _i2c,
    "iwdg": _iwdg,
    "ltdc": _ltdc,
    "dsi": lambda board, block: Dsi(block.name, ledger=board.wiring.ledger),
    "otg": lambda board, block: Otg(block.name, ledger=board.wiring.ledger),
    "pwr": _pwr,
    "rcc": _rcc,
    "rng": _rng,
    "rtc": _rtc,
    "sdio": _sdio,
    "spi": _spi,
    "syscfg": _syscfg,
    "tim": _tim,
    "usart": _usart,
    "wwdg": _wwdg,
}
