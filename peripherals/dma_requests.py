# SPDX-License-Identifier: GPL-2.0-or-later
"""Which stream and channel serves which peripheral request (RM0090 section 10.3.3, tables 42 and 43)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from stm32emu.peripherals.irq import IrqLine

# A row per stream, in it channels 0 to 7; "/" joins requests that share an input, "-" is an unused one.
TABLES: dict[str, tuple[str, ...]] = {
    "DMA1": (
        "SPI3_RX I2C1_RX TIM4_CH1 I2S3_EXT_RX UART5_RX UART8_TX TIM5_CH3/TIM5_UP -",
        "- - - TIM2_UP/TIM2_CH3 USART3_RX UART7_TX TIM5_CH4/TIM5_TRIG TIM6_UP",
        "SPI3_RX TIM7_UP I2S3_EXT_RX I2C3_RX UART4_RX TIM3_CH4/TIM3_UP TIM5_CH1 I2C2_RX",
        "SPI2_RX - TIM4_CH2 I2S2_EXT_RX USART3_TX UART7_RX TIM5_CH4/TIM5_TRIG I2C2_RX",
        "SPI2_TX TIM7_UP I2S2_EXT_TX I2C3_TX UART4_TX TIM3_CH1/TIM3_TRIG TIM5_CH2 USART3_TX",
        "SPI3_TX I2C1_RX I2S3_EXT_TX TIM2_CH1 USART2_RX TIM3_CH2 - DAC1",
        "- I2C1_TX TIM4_UP TIM2_CH2/TIM2_CH4 USART2_TX UART8_RX TIM5_UP DAC2",
        "SPI3_TX I2C1_TX TIM4_CH3 TIM2_UP/TIM2_CH4 UART5_TX TIM3_CH3 - I2C2_TX",
    ),
    "DMA2": (
        "ADC1 - ADC3 SPI1_RX SPI4_RX - TIM1_TRIG -",
        "SAI1_A DCMI ADC3 - SPI4_TX USART6_RX TIM1_CH1 TIM8_UP",
        "TIM8_CH1/TIM8_CH2/TIM8_CH3 ADC2 - SPI1_RX USART1_RX USART6_RX TIM1_CH2 TIM8_CH1",
        "SAI1_A ADC2 SPI5_RX SPI1_TX SDIO SPI4_RX TIM1_CH1 TIM8_CH2",
        "ADC1 SAI1_B SPI5_TX - - SPI4_TX TIM1_CH4/TIM1_TRIG/TIM1_COM TIM8_CH3",
        "SAI1_B SPI6_TX CRYP_OUT SPI1_TX USART1_RX - TIM1_UP SPI5_RX",
        "TIM1_CH1/TIM1_CH2/TIM1_CH3 SPI6_RX CRYP_IN - SDIO USART6_TX TIM1_CH3 SPI5_TX",
        "- DCMI HASH_IN - USART1_TX USART6_TX - TIM8_CH4/TIM8_TRIG/TIM8_COM",
    ),
}


def _read_tables() -> dict[str, tuple[tuple[str, int, int], ...]]:
    found: dict[str, tuple[tuple[str, int, int], ...]] = {}
    for controller, table in TABLES.items():
        for stream, row in enumerate(table):
            for channel, cell in enumerate(row.split()):
                for name in cell.split("/"):
                    if name != "-":
                        found[name] = (*found.get(name, ()), (controller, stream, channel))
    return found


REQUESTS = _read_tables()
"""Request name to the (controller, stream, channel) inputs it reaches: {"USART2_TX": (("DMA1", 6, 4),), ...}."""


class Controller(Protocol):
    """What `connect` needs of a DMA controller."""

    def request(self, stream: int, channel: int) -> IrqLine:
        """A new request input."""


def connect(name: str, line: IrqLine, controllers: Mapping[str, Controller]) -> None:
    """Lead a peripheral's request line (`usart.dma_tx`, say) to every input of request `name`; KeyError if unknown."""
    inputs: Sequence[IrqLine] = [
        controllers[controller].request(stream, channel) for controller, stream, channel in REQUESTS[name]
    ]

    def drive(level: bool) -> None:
        for each in inputs:
            each.set(level)

    line.sink = drive
