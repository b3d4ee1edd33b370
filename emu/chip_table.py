# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts: one row per block with its base address and its interrupts, then which part has which.

Sources: memory maps and vector tables of RM0090 (F405/407/415/417/427/429/437/439), RM0390 (F446), RM0386 (F469/479),
RM0368 (F401), RM0383 (F411), RM0402 (F412) and RM0430 (F413/423).
"""

from __future__ import annotations

from stm32emu.chip import KB, Block, Chip, Region

MHZ = 1_000_000


def _block(name: str, model: str, base: int, size: int = 0x400, **vectors: int) -> Block:
    return Block(name, model, base, size, tuple(vectors.values()), tuple(vectors))


def _dma(name: str, base: int, *irqs: int) -> Block:
    return Block(name, "dma", base, 0x400, irqs, tuple(f"{name}_Stream{n}" for n in range(8)))


def _can(name: str, base: int, first: int) -> Block:
    vectors = tuple(f"{name}_{vector}" for vector in ("TX", "RX0", "RX1", "SCE"))
    return Block(name, "can", base, 0x400, tuple(range(first, first + 4)), vectors)


def _gpio(ports: str) -> tuple[Block, ...]:
    return tuple(_block(f"GPIO{port}", "gpio", 0x4002_0000 + 0x400 * (ord(port) - ord("A"))) for port in ports)


def _i2c(name: str, base: int, first: int) -> Block:
    return Block(name, "i2c", base, 0x400, (first, first + 1), (f"{name}_EV", f"{name}_ER"))


# What every STM32F4 has.
COMMON = (
    _block("TIM2", "tim", 0x4000_0000, TIM2=28),
    _block("TIM3", "tim", 0x4000_0400, TIM3=29),
    _block("TIM4", "tim", 0x4000_0800, TIM4=30),
    _block("TIM5", "tim", 0x4000_0C00, TIM5=50),
    _block("RTC", "rtc", 0x4000_2800, TAMP_STAMP=2, RTC_WKUP=3, RTC_Alarm=41),
    _block("WWDG", "wwdg", 0x4000_2C00, WWDG=0),
    _block("IWDG", "iwdg", 0x4000_3000),
    _block("SPI2", "spi", 0x4000_3800, SPI2=36),
    _block("SPI3", "spi", 0x4000_3C00, SPI3=51),
    _block("USART2", "usart", 0x4000_4400, USART2=38),
    _i2c("I2C1", 0x4000_5400, 31),
    _i2c("I2C2", 0x4000_5800, 33),
    _i2c("I2C3", 0x4000_5C00, 72),
    _block("PWR", "pwr", 0x4000_7000, PVD=1),
    _block("TIM1", "tim", 0x4001_0000, TIM1_BRK_TIM9=24, TIM1_UP_TIM10=25, TIM1_TRG_COM_TIM11=26, TIM1_CC=27),
    _block("USART1", "usart", 0x4001_1000, USART1=37),
    _block("USART6", "usart", 0x4001_1400, USART6=71),
    _block("ADC", "adc", 0x4001_2000, ADC=18),
    _block("SDIO", "sdio", 0x4001_2C00, SDIO=49),
    _block("SPI1", "spi", 0x4001_3000, SPI1=35),
    _block("SYSCFG", "syscfg", 0x4001_3800),
    _block("EXTI", "exti", 0x4001_3C00, EXTI0=6, EXTI1=7, EXTI2=8, EXTI3=9, EXTI4=10, EXTI9_5=23, EXTI15_10=40),
    _block("TIM9", "tim", 0x4001_4000, TIM1_BRK_TIM9=24),
    _block("TIM10", "tim", 0x4001_4400, TIM1_UP_TIM10=25),
    _block("TIM11", "tim", 0x4001_4800, TIM1_TRG_COM_TIM11=26),
    *_gpio("ABCDEH"),
    _block("CRC", "crc", 0x4002_3000),
    _block("RCC", "rcc", 0x4002_3800, RCC=5),
    _block("FLASH", "flash", 0x4002_3C00, FLASH=4),
    _dma("DMA1", 0x4002_6000, 11, 12, 13, 14, 15, 16, 17, 47),
    _dma("DMA2", 0x4002_6400, 56, 57, 58, 59, 60, 68, 69, 70),
    _block("OTG_FS", "otg", 0x5000_0000, 0x4_0000, OTG_FS_WKUP=42, OTG_FS=67),
    _block("DBGMCU", "dbgmcu", 0xE004_2000),
)
I2S_EXT = (_block("I2S2ext", "stub", 0x4000_3400), _block("I2S3ext", "stub", 0x4000_4000))
SPI4 = (_block("SPI4", "spi", 0x4001_3400, SPI4=84),)
SPI5 = (_block("SPI5", "spi", 0x4001_5000, SPI5=85),)

# What the small F401 and F411 lack.
MIDDLE = (
    _block("TIM7", "tim", 0x4000_1400, TIM7=55),
    _block("TIM12", "tim", 0x4000_1800, TIM8_BRK_TIM12=43),
    _block("TIM13", "tim", 0x4000_1C00, TIM8_UP_TIM13=44),
    _block("TIM14", "tim", 0x4000_2000, TIM8_TRG_COM_TIM14=45),
    _block("USART3", "usart", 0x4000_4800, USART3=39),
    _can("CAN1", 0x4000_6400, 19),
    _can("CAN2", 0x4000_6800, 63),
    _block("TIM8", "tim", 0x4001_0400, TIM8_BRK_TIM12=43, TIM8_UP_TIM13=44, TIM8_TRG_COM_TIM14=45, TIM8_CC=46),
    *_gpio("FG"),
)
TIM6_DAC = (_block("TIM6", "tim", 0x4000_1000, TIM6_DAC=54), _block("DAC", "dac", 0x4000_7400, TIM6_DAC=54))
UART4_5 = (_block("UART4", "usart", 0x4000_4C00, UART4=52), _block("UART5", "usart", 0x4000_5000, UART5=53))
UART7_8 = (_block("UART7", "usart", 0x4000_7800, UART7=82), _block("UART8", "usart", 0x4000_7C00, UART8=83))
OTG_HS = (
    _block("OTG_HS", "otg", 0x4004_0000, 0x4_0000, OTG_HS_EP1_OUT=74, OTG_HS_EP1_IN=75, OTG_HS_WKUP=76, OTG_HS=77),
)
DCMI = (_block("DCMI", "stub", 0x5005_0000, DCMI=78),)
RNG = (_block("RNG", "rng", 0x5006_0800, RNG=80),)
HASH_RNG = (_block("RNG", "rng", 0x5006_0800, HASH_RNG=80),)
FSMC = (_block("FSMC", "fsmc", 0xA000_0000, 0x1000, FSMC=48),)
FMC = (_block("FMC", "fmc", 0xA000_0000, 0x1000, FMC=48),)
ETH = (_block("ETH", "eth", 0x4002_8000, 0x1400, ETH=61, ETH_WKUP=62),)
CRYPTO = (
    _block("CRYP", "cryp", 0x5006_0000, CRYP=79),
    _block("HASH", "hash", 0x5006_0400, HASH_RNG=80),
)
SAI1 = (_block("SAI1", "stub", 0x4001_5800, SAI1=87),)
LTDC = (_block("LTDC", "ltdc", 0x4001_6800, LTDC=88, LTDC_ER=89),)
FMPI2C1 = (_block("FMPI2C1", "stub", 0x4000_6000, FMPI2C1_EV=95, FMPI2C1_ER=96),)
DFSDM1 = (_block("DFSDM1", "stub", 0x4001_6000, DFSDM1_FLT0=61, DFSDM1_FLT1=62),)

F401 = (*COMMON, *I2S_EXT, *SPI4)
F411 = (*F401, *SPI5)
F405 = (*COMMON, *I2S_EXT, *MIDDLE, *TIM6_DAC, *UART4_5, *OTG_HS, *_gpio("I"), *RNG, *FSMC)
F407 = (*F405, *ETH, *DCMI)
F415 = (*(block for block in F405 if block.name != "RNG"), *HASH_RNG, *CRYPTO)
F417 = (*F415, *ETH, *DCMI)
F427 = (
    *(COMMON + I2S_EXT + MIDDLE + TIM6_DAC + UART4_5 + UART7_8 + OTG_HS + ETH + DCMI + HASH_RNG + FMC + SPI4 + SPI5),
    *_gpio("IJK"),
    *SAI1,
    _block("SPI6", "spi", 0x4001_5400, SPI6=86),
    _block("DMA2D", "dma2d", 0x4002_B000, 0xC00, DMA2D=90),
)
F429 = (*F427, *LTDC)
F469 = (
    *F429,
    _block("DSI", "dsi", 0x4001_6C00, DSI=92),
    _block("QUADSPI", "stub", 0xA000_1000, QUADSPI=91),
)
F446 = (
    *(COMMON + MIDDLE + TIM6_DAC + UART4_5 + OTG_HS + DCMI + FMC + SPI4 + SAI1 + FMPI2C1),
    _block("SPDIFRX", "stub", 0x4000_4000, SPDIF_RX=94),
    _block("CEC", "stub", 0x4000_6C00, CEC=93),
    _block("SAI2", "stub", 0x4001_5C00, SAI2=91),
    _block("QUADSPI", "stub", 0xA000_1000, QUADSPI=92),
)
F412 = (
    *(COMMON + I2S_EXT + MIDDLE + SPI4 + SPI5 + RNG + FSMC + FMPI2C1 + DFSDM1),
    _block("TIM6", "tim", 0x4000_1000, TIM6=54),
    _block("QUADSPI", "stub", 0xA000_1000, QUADSPI=92),
)
F413 = (
    *(COMMON + I2S_EXT + MIDDLE + TIM6_DAC + UART4_5 + UART7_8 + SPI4 + SPI5 + SAI1 + RNG + FSMC + FMPI2C1 + DFSDM1),
    _block("LPTIM1", "stub", 0x4000_2400, LPTIM1=97),
    _can("CAN3", 0x4000_6C00, 74),
    _block("UART9", "usart", 0x4001_1800, UART9=88),
    _block("UART10", "usart", 0x4001_1C00, UART10=89),
    _block("DFSDM2", "stub", 0x4001_6400, DFSDM2_FLT0=98, DFSDM2_FLT1=99, DFSDM2_FLT2=100, DFSDM2_FLT3=101),
    _block("QUADSPI", "stub", 0xA000_1000, QUADSPI=92),
)
F423 = (*F413, _block("AES", "stub", 0x5006_0000, AES=79))

CCM = Region("CCM", 0x1000_0000, 64 * KB)
BKPSRAM = Region("backup SRAM", 0x4002_4000, 4 * KB)
SMALL_SECTORS = (16 * KB,) * 4 + (64 * KB,)


def _sectors(large: int) -> tuple[int, ...]:
    """One bank: four sectors of 16 KB, one of 64, `large` of 128 (RM0090 table 5)."""
    return SMALL_SECTORS + (128 * KB,) * large


def _ram(*sizes: int) -> tuple[Region, ...]:
    """SRAM1, SRAM2 ... of those sizes in KB, one after the other."""
    bases = (0x2000_0000 + KB * sum(sizes[:n]) for n in range(len(sizes)))
    return tuple(Region(f"SRAM{n + 1}", base, KB * sizes[n]) for n, base in enumerate(bases))


def _chip(
    name: str,
    manual: str,
    mhz: int,
    idcode: int,
    sectors: tuple[int, ...],
    ram: tuple[Region, ...],
    irq_count: int,
    blocks: tuple[Block, ...],
    *,
    ccm: Region | None = None,
    bkpsram: Region | None = None,
    flash_banks: int = 1,
) -> Chip:
    ordered = tuple(sorted(blocks, key=lambda block: block.base))
    return Chip(
        name=name,
        manual=manual,
        max_hclk=mhz * MHZ,
        idcode=idcode,
        sectors=sectors * flash_banks,
        flash_banks=flash_banks,
        ram=ram,
        ccm=ccm,
        bkpsram=bkpsram,
        irq_count=irq_count,
        blocks=ordered,
    )


def _f40(name: str, blocks: tuple[Block, ...]) -> Chip:
    ram = _ram(112, 16)
    return _chip(name, "RM0090", 168, 0x100F_6413, _sectors(7), ram, 82, blocks, ccm=CCM, bkpsram=BKPSRAM)


def _f42(name: str, blocks: tuple[Block, ...]) -> Chip:
    return _dual_bank(name, "RM0090", 0x2003_6419, _ram(112, 16, 64), 91, blocks)


def _f46(name: str, blocks: tuple[Block, ...]) -> Chip:
    return _dual_bank(name, "RM0386", 0x1000_6434, _ram(160, 32, 128), 93, blocks)


def _dual_bank(
    name: str, manual: str, idcode: int, ram: tuple[Region, ...], irq_count: int, blocks: tuple[Block, ...]
) -> Chip:
    return _chip(
        name, manual, 180, idcode, _sectors(7), ram, irq_count, blocks, ccm=CCM, bkpsram=BKPSRAM, flash_banks=2
    )


CHIPS = (
    _chip("STM32F401", "RM0368", 84, 0x1000_6433, _sectors(3), _ram(96), 85, F401),
    _f40("STM32F405", F405),
    _f40("STM32F407", F407),
    _chip("STM32F411", "RM0383", 100, 0x1000_6431, _sectors(3), _ram(128), 86, F411),
    _chip("STM32F412", "RM0402", 100, 0x3000_6441, _sectors(7), _ram(256), 97, F412),
    _chip("STM32F413", "RM0430", 100, 0x1000_6463, _sectors(11), _ram(256, 64), 102, F413),
    _f40("STM32F415", F415),
    _f40("STM32F417", F417),
    _chip("STM32F423", "RM0430", 100, 0x1000_6463, _sectors(11), _ram(256, 64), 102, F423),
    _f42("STM32F427", F427),
    _f42("STM32F429", F429),
    _f42("STM32F437", (*F427, *CRYPTO)),
    _f42("STM32F439", (*F429, *CRYPTO)),
    _chip("STM32F446", "RM0390", 180, 0x1000_6421, _sectors(3), _ram(112, 16), 97, F446, bkpsram=BKPSRAM),
    _f46("STM32F469", F469),
    _f46("STM32F479", (*F469, *CRYPTO)),
)
