# SPDX-License-Identifier: GPL-2.0-or-later
"""Which bit of RCC's reset, enable and low-power enable registers belongs to which block (RM0090 sections 6.3 and 7.3,
RM0390 and RM0386 section 6.3)."""

from __future__ import annotations

from collections.abc import Mapping

from stm32emu.peripherals.register import Register

AHB1 = {**{f"GPIO{port}": n for n, port in enumerate("ABCDEFGHIJK")}, "CRC": 12, "DMA1": 21, "DMA2": 22, "DMA2D": 23,
        "ETHMAC": 25, "OTGHS": 29}  # fmt: skip
AHB1_CLOCKS = {"ETHMACTX": 26, "ETHMACRX": 27, "ETHMACPTP": 28, "OTGHSULPI": 30, "BKPSRAM": 18}
AHB1_MEMORIES = {"FLITF": 15, "SRAM1": 16, "SRAM2": 17, "SRAM3": 19}
AHB2 = {"DCMI": 0, "CRYP": 4, "HASH": 5, "RNG": 6, "OTGFS": 7}
AHB3 = {"FMC": 0, "QSPI": 1}
APB1 = {**{f"TIM{n}": bit for bit, n in enumerate((2, 3, 4, 5, 6, 7, 12, 13, 14))}, "WWDG": 11, "SPI2": 14, "SPI3": 15,
        "SPDIF": 16, "USART2": 17, "USART3": 18, "UART4": 19, "UART5": 20, "I2C1": 21, "I2C2": 22, "I2C3": 23,
        "FMPI2C1": 24, "CAN1": 25, "CAN2": 26, "CEC": 27, "PWR": 28, "DAC": 29, "UART7": 30, "UART8": 31}  # fmt: skip
APB2 = {"TIM1": 0, "TIM8": 1, "USART1": 4, "USART6": 5, "SDIO": 11, "SPI1": 12, "SPI4": 13, "SYSCFG": 14, "TIM9": 16,
        "TIM10": 17, "TIM11": 18, "SPI5": 20, "SPI6": 21, "SAI1": 22, "SAI2": 23, "LTDC": 26, "DSI": 27}  # fmt: skip
ADCS = {"ADC1": 8, "ADC2": 9, "ADC3": 10}

ALIASES = {"ETH": "ETHMAC", "OTG_FS": "OTGFS", "OTG_HS": "OTGHS", "FSMC": "FMC", "QUADSPI": "QSPI", "SPDIFRX": "SPDIF",
           "I2S2ext": "SPI2", "I2S3ext": "SPI3", "AES": "CRYP"}  # fmt: skip
NOT_ON = {  # gates a series lacks; what it has is set in its low-power registers out of reset
    "F407": {"GPIOJ", "GPIOK", "DMA2D", "SRAM3", "QSPI", "SPDIF", "FMPI2C1", "CEC", "UART7", "UART8", "SPI4", "SPI5",
             "SPI6", "SAI1", "SAI2", "LTDC", "DSI"},
    "F429": {"QSPI", "SPDIF", "FMPI2C1", "CEC", "SAI2", "DSI"},
    "F446": {"GPIOI", "GPIOJ", "GPIOK", "DMA2D", "SRAM3", "ETHMAC", "ETHMACTX", "ETHMACRX", "ETHMACPTP", "CRYP", "HASH",
             "RNG", "UART7", "UART8", "SPI5", "SPI6", "LTDC", "DSI"},
    "F469": {"SPDIF", "FMPI2C1", "CEC", "SAI2"},
}  # fmt: skip


def gates(offset: int, suffix: str, *tables: Mapping[str, int], reset: int = 0) -> Register:
    """A register with one bit per gate, named as in the manual (RNG and "EN" give RNGEN)."""
    register = Register(offset, reset=reset)
    for table in tables:
        for name, bit in table.items():
            register.field(bit).name = name + suffix
    return register
