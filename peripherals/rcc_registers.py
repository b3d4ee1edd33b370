# SPDX-License-Identifier: GPL-2.0-or-later
"""RCC's register declarations (RM0090 sections 6.3 and 7.3, RM0386 section 6.3); their behaviour is in rcc.py."""

from __future__ import annotations

from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.rcc_gates import ADCS, AHB1, AHB1_CLOCKS, AHB1_MEMORIES, AHB2, AHB3, APB1, APB2, gates
from stm32emu.peripherals.register import RO, WO, Register


class RccRegisters(Peripheral):
    """Everything that any series but the F446 has, and what the F446 shares with them."""

    CR = Register(0x00, reset=0x83)
    HSION = CR.field(0)
    HSIRDY = CR.field(1, access=RO)
    HSITRIM = CR.field(3, 5)
    HSICAL = CR.field(8, 8, access=RO)
    HSEON = CR.field(16)
    HSERDY = CR.field(17, access=RO)
    HSEBYP = CR.field(18)
    CSSON = CR.field(19)
    PLLON = CR.field(24)
    PLLRDY = CR.field(25, access=RO)
    PLLI2SON = CR.field(26)
    PLLI2SRDY = CR.field(27, access=RO)
    PLLSAION = CR.field(28)
    PLLSAIRDY = CR.field(29, access=RO)

    PLLCFGR = Register(0x04, reset=0x2400_3010)
    PLLM = PLLCFGR.field(0, 6)
    PLLN = PLLCFGR.field(6, 9)
    PLLP = PLLCFGR.field(16, 2)
    PLLSRC = PLLCFGR.field(22)
    PLLQ = PLLCFGR.field(24, 4)
    PLLR = PLLCFGR.field(28, 3)

    CFGR = Register(0x08)
    SW = CFGR.field(0, 2)
    SWS = CFGR.field(2, 2, access=RO)
    HPRE = CFGR.field(4, 4)
    PPRE1 = CFGR.field(10, 3)
    PPRE2 = CFGR.field(13, 3)
    RTCPRE = CFGR.field(16, 5)
    MCO1 = CFGR.field(21, 2)
    I2SSRC = CFGR.field(23)
    MCO1PRE = CFGR.field(24, 3)
    MCO2PRE = CFGR.field(27, 3)
    MCO2 = CFGR.field(30, 2)

    CIR = Register(0x0C)
    READY_FLAGS = ("LSI", "LSE", "HSI", "HSE", "PLL", "PLLI2S", "PLLSAI")  # bit n: flag, n + 8: enable, n + 16: clear
    for _n, _source in enumerate(READY_FLAGS):
        CIR.field(_n, access=RO).name = f"{_source}RDYF"
        CIR.field(_n + 8).name = f"{_source}RDYIE"
        CIR.field(_n + 16, access=WO).name = f"{_source}RDYC"
    del _n, _source
    CSSF = CIR.field(7, access=RO)
    CSSC = CIR.field(23, access=WO)

    AHB1RSTR = gates(0x10, "RST", AHB1)
    AHB2RSTR = gates(0x14, "RST", AHB2)
    AHB3RSTR = gates(0x18, "RST", AHB3)
    APB1RSTR = gates(0x20, "RST", APB1)
    APB2RSTR = gates(0x24, "RST", APB2, {"ADC": 8})

    AHB1ENR = gates(0x30, "EN", AHB1, AHB1_CLOCKS, {"CCMDATARAM": 20}, reset=0x0010_0000)
    AHB2ENR = gates(0x34, "EN", AHB2)
    AHB3ENR = gates(0x38, "EN", AHB3)
    APB1ENR = gates(0x40, "EN", APB1)
    APB2ENR = gates(0x44, "EN", APB2, ADCS)

    AHB1LPENR = gates(0x50, "LPEN", AHB1, AHB1_CLOCKS, AHB1_MEMORIES)
    AHB2LPENR = gates(0x54, "LPEN", AHB2)
    AHB3LPENR = gates(0x58, "LPEN", AHB3)
    APB1LPENR = gates(0x60, "LPEN", APB1)
    APB2LPENR = gates(0x64, "LPEN", APB2, ADCS)

    BDCR = Register(0x70)
    LSEON = BDCR.field(0)
    LSERDY = BDCR.field(1, access=RO)
    LSEBYP = BDCR.field(2)
    LSEMOD = BDCR.field(3)
    RTCSEL = BDCR.field(8, 2)
    RTCEN = BDCR.field(15)
    BDRST = BDCR.field(16)

    CSR = Register(0x74, reset=0x0E00_0000)
    LSION = CSR.field(0)
    LSIRDY = CSR.field(1, access=RO)
    RMVF = CSR.field(24)
    BORRSTF = CSR.field(25, access=RO)
    PINRSTF = CSR.field(26, access=RO)
    PORRSTF = CSR.field(27, access=RO)
    SFTRSTF = CSR.field(28, access=RO)
    IWDGRSTF = CSR.field(29, access=RO)
    WWDGRSTF = CSR.field(30, access=RO)
    LPWRRSTF = CSR.field(31, access=RO)

    SSCGR = Register(0x80)
    SSCGR.tag("MODPER", 0, 13)
    SSCGR.tag("INCSTEP", 13, 15)
    SSCGR.tag("SPREADSEL", 30)
    SSCGR.tag("SSCGEN", 31)

    PLLI2SCFGR = Register(0x84, reset=0x2000_3000)
    PLLI2SM = PLLI2SCFGR.field(0, 6)
    PLLI2SN = PLLI2SCFGR.field(6, 9)
    PLLI2SP = PLLI2SCFGR.field(16, 2)
    PLLI2SQ = PLLI2SCFGR.field(24, 4)
    PLLI2SR = PLLI2SCFGR.field(28, 3)

    PLLSAICFGR = Register(0x88, reset=0x2400_3000)
    PLLSAIM = PLLSAICFGR.field(0, 6)
    PLLSAIN = PLLSAICFGR.field(6, 9)
    PLLSAIP = PLLSAICFGR.field(16, 2)
    PLLSAIQ = PLLSAICFGR.field(24, 4)
    PLLSAIR = PLLSAICFGR.field(28, 3)

    DCKCFGR = Register(0x8C)
    PLLIS2DIVQ = DCKCFGR.field(0, 5)
    PLLSAIDIVQ = DCKCFGR.field(8, 5)
    PLLSAIDIVR = DCKCFGR.field(16, 2)
    SAI1ASRC = DCKCFGR.field(20, 2)
    SAI1BSRC = DCKCFGR.field(22, 2)
    TIMPRE = DCKCFGR.field(24)
    CK48MSEL = DCKCFGR.field(27)
    SDMMCSEL = DCKCFGR.field(28)
    DSISEL = DCKCFGR.field(29)
