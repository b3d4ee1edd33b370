# SPDX-License-Identifier: GPL-2.0-or-later
"""Which class models which SVD peripheral of which device, and where the SVD files are wrong.

To add a block: a line in CASES, and an `Erratum` for each remaining difference that is the SVD file's fault, with the
reason. `svd.Case` and `svd.Erratum` say what the arguments mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.eth_phy import AutoPhy
from stm32emu.peripherals.irq import IrqLine
from svd import Case, Erratum

F40X, F41X, F429, F439, F446, F469 = (f"STM32F{name}x" for name in ("40", "41", "429", "439", "446", "46_79"))
SERIES = {F40X: "F407", F41X: "F407", F429: "F429", F439: "F429", F446: "F446", F469: "F469"}
ALL = tuple(SERIES)
NO_F446 = tuple(device for device in ALL if device != F446)


def cases(
    block: str,
    *peripherals: str,
    devices: Iterable[str] = ALL,
    names: Mapping[str, str] | None = None,
    series: bool = False,
    **arguments: Any,
) -> tuple[Case, ...]:
    """One case per device; `series` passes the device's series to the constructor."""
    return tuple(
        Case(block, device, peripherals, {**arguments, **({"series": SERIES[device]} if series else {})}, names or {})
        for device in devices
    )


RCC_NAMES = {  # the SVD's spelling varies from register to register
    "AHB2RSTR.HSAHRST": "HASHRST",
    "AHB3RSTR.FSMCRST": "FMCRST",
    "AHB3ENR.FSMCEN": "FMCEN",
    "AHB3LPENR.FSMCLPEN": "FMCLPEN",
    "APB{}RSTR.UART{}RST": "USART{1}RST",
    "APB1RSTR.UART4RST": "UART4RST",
    "APB1RSTR.UART5RST": "UART5RST",
    "APB1RSTR.UART7RST": "UART7RST",
    "APB1RSTR.UART8RST": "UART8RST",
    "APB1RSTR.I2CFMP1RST": "FMPI2C1RST",
    "APB1ENR.I2CFMP1EN": "FMPI2C1EN",
    "APB1ENR.CEC": "CECEN",
    "APB1LPENR.I2CFMP1LPEN": "FMPI2C1LPEN",
    "APB{}ENR.UART{}ENR": "UART{1}EN",
    "APB{}ENR.SPI{}ENR": "SPI{1}EN",
    "CSR.PADRSTF": "PINRSTF",
    "CSR.WDGRSTF": "IWDGRSTF",
    "PLLI2SCFGR.PLLI2SNx": "PLLI2SN",
    "PLLI2SCFGR.PLLI2SRx": "PLLI2SR",
    "DCKCFGR.MSEL": "CK48MSEL",
}

DBG_NAMES = {
    "DBGMCU_IDCODE": "IDCODE",
    "DBGMCU_CR": "CR",
    "DBGMCU_APB1_FZ": "APB1_FZ",
    "DBGMCU_APB2_FZ": "APB2_FZ",
    "DBGMCU_APB1_FZ.DBG_IWDEG_STOP": "DBG_IWDG_STOP",
    "DBGMCU_APB{}_FZ.DBG_J{}C{}_SMBUS_TIMEOUT": "DBG_I2C{2}_SMBUS_TIMEOUT",
    "DBGMCU_APB1_FZ.DBG_J2C3SMBUS_TIMEOUT": "DBG_I2C3_SMBUS_TIMEOUT",
}

DMA_NAMES = {f"S{n}{name}": f"{name}{n}" for n in range(8) for name in ("CR", "NDTR", "PAR", "M0AR", "M1AR", "FCR")}

TIM_NAMES = {
    "CCMR{}_Output": "CCMR{}",  # the SVD has a register twice, once for each meaning of its bits
    "CCMR{}_Input": "CCMR{}",
    "CCMR2_Output.O24CE": "OC4CE",
    "CNT.CNT_H": "CNT_1",  # halves of one field
    "CNT.CNT_L": "CNT_0",
    "ARR.ARR_H": "ARR_1",
    "ARR.ARR_L": "ARR_0",
    "CCR{}.CCR{}_H": "CCR{}_1",
    "CCR{}.CCR{}_L": "CCR{}_0",
    "CCR{}.CCR{}": "CCR{}_0",  # the lower half of our 32 bits
    "OR.IT4_RMP": "TI4_RMP",
    "OR.RMP": "TI1_RMP",
}
ETH_GROUPS = ("Ethernet_MAC", "Ethernet_MMC", "Ethernet_PTP", "Ethernet_DMA")
ETH_ARGUMENTS = {"phy": AutoPhy(clock=ManualClock(), tree=ClockTree()), "on_frame": lambda frame: None}
ETH_NAMES = {
    "MACFFR.RAM": "PAM",
    "MACMIIDR.TD": "MD",
    "MACA{}HR.MACA{}H": "MACAH",
    "MACA0HR.MACA0H": "MACA0H",
    "MACA2HR.MAC2AH": "MACAH",
    "MACA1LR.MACA1LR": "MACAL",
    "MACA3LR.MBCA3L": "MACAL",
    "MMCRFCECR.RFCFC": "RFCEC",
    "DMASR.PWTS": "RWTS",
}
FULL_TIMERS = ("TIM1", "TIM2", "TIM3", "TIM5")

CASES: tuple[Case, ...] = (
    *cases("rcc.Rcc", "RCC", devices=NO_F446, series=True, names=RCC_NAMES),
    *cases("rcc.RccF446", "RCC", devices=[F446], names=RCC_NAMES),
    *cases("pwr.Pwr", "PWR", series=True),
    *cases("flash.Flash", "FLASH", array=bytearray(1 << 20), sectors=(1 << 17,) * 8),
    *cases("gpio.Gpio", "GPIOA", port="A"),
    *cases("gpio.Gpio", "GPIOB", port="B"),
    *cases("gpio.Gpio", "GPIOC", port="C"),
    *cases("syscfg.Syscfg", "SYSCFG", names={"MEMRM": "MEMRMP"}),
    *cases("exti.Exti", "EXTI"),
    *cases("dbgmcu.Dbgmcu", "DBG", series=True, names=DBG_NAMES),
    *cases("crc.Crc", "CRC", names={"CR.CR": "RESET"}),
    *cases("rng.Rng", "RNG", devices=NO_F446),
    *cases("iwdg.Iwdg", "IWDG"),
    *cases("wwdg.Wwdg", "WWDG"),
    *cases("usart.Usart", "USART1", bus="pclk2"),
    *cases("usart.Usart", "USART2", bus="pclk1"),
    *cases("usart.Usart", "UART4", bus="pclk1", uart_only=True),
    *cases("dma.Dma", "DMA1", irqs=(IrqLine(),) * 8, names=DMA_NAMES),
    *cases("eth.Eth", *ETH_GROUPS, devices=NO_F446, names=ETH_NAMES, **ETH_ARGUMENTS),
    *(case for name in FULL_TIMERS for case in cases("tim.Tim", name, bus="timclk1", names=TIM_NAMES)),
    *cases("tim.Tim", "TIM6", bus="timclk1", channels=0),
    *cases("tim.Tim", "TIM9", bus="timclk2", channels=2, names=TIM_NAMES),
    *cases("tim.Tim", "TIM10", bus="timclk2", channels=1, names=TIM_NAMES),
    *cases("tim.Tim", "TIM11", bus="timclk2", channels=1, names=TIM_NAMES),
    *cases("spi.Spi", "SPI1", bus="pclk2"),
    *cases("spi.Spi", "SPI2", bus="pclk1"),
    *cases("i2c.I2c", "I2C1"),
    *cases("adc.Adc", "ADC1", names={"SMPR{}.SMPx_x": "SMPR{}_0"}),
    *cases("adc.AdcCommon", "C_ADC"),
    *cases("rtc.Rtc", "RTC", names={"BKP{}R": "BKPR{}", "BKP{}R.BKP": "BKPR{}"}),
)

NOT_IN_SVD = {  # classes that model no one block
    "stub.Stub",
    "otg.Otg",  # a stub with a few truthful bits, see its MISSING
    "eth_registers.EthRegisters",
    "eth_block.EthBlock",
    "eth_transmit.EthTransmitter",
    "eth_receive.EthReceiver",
    "eth_mmc.EthCounters",
    "eth_ptp.EthTime",
    "adc.AdcBlock",
}

RESETS_COPIED = "the SVD repeats the F40x value; the manual's has a one for every clock the series has"
INPUT_VIEW = "we declare the output view of the register; input capture is not modelled"

ERRATA: tuple[Erratum, ...] = (
    Erratum("RCC.AHB1LPENR", "reset", RESETS_COPIED, (F429, F439, F446, F469)),
    Erratum("RCC.AHB2LPENR", "reset", RESETS_COPIED, (F446,)),
    Erratum("RCC.AHB3LPENR", "reset", RESETS_COPIED, (F446, F469)),
    Erratum("RCC.APB1LPENR", "reset", RESETS_COPIED, (F429, F439, F446, F469)),
    Erratum("RCC.APB2LPENR", "reset", RESETS_COPIED, (F429, F439, F446, F469)),
    Erratum("RCC.CSR.BORRSTF", "access", "a status flag; only RMVF clears it (RM0090 section 6.3.21)"),
    Erratum("RCC.CSR.PADRSTF", "access", "as BORRSTF"),
    Erratum("RCC.CSR.PORRSTF", "access", "as BORRSTF"),
    Erratum("RCC.CSR.SFTRSTF", "access", "as BORRSTF"),
    Erratum("RCC.CSR.WDGRSTF", "access", "as BORRSTF"),
    Erratum("RCC.CSR.WWDGRSTF", "access", "as BORRSTF"),
    Erratum("RCC.CSR.LPWRRSTF", "access", "as BORRSTF"),
    Erratum("RCC.APB1RSTR.CECRST", "missing", "RM0390 section 6.3.8 has it at bit 27"),
    Erratum("PWR.CR", "reset", "VOS comes up as scale 1 (RM0090 section 5.4.1)", (F40X, F41X)),
    Erratum("PWR.CR.CWUF", "access", "always reads as 0 (section 5.4.1)"),
    Erratum("PWR.CR.CSBF", "access", "always reads as 0 (section 5.4.1)"),
    Erratum("PWR.CSR.VOSRDY", "access", "a status flag, read-only (section 5.4.2)", (F40X, F41X, F429, F439, F469)),
    Erratum("FLASH.OPTCR", "reset", "factory option bytes give 0x0FFFAAED (RM0090 section 3.9.9)", (F40X, F41X)),
    Erratum("FLASH.ACR.LATENCY", "missing", "RM0090 section 3.9.2 has four bits from F42x on"),
    Erratum("GPIOA.OSPEEDR", "reset", "PA13 comes up fast (RM0090 section 8.4.3)"),
    Erratum("GPIOA.IDR", "reset", "follows the pins; PA13 and PA15 are pulled up"),
    Erratum("GPIOB.IDR", "reset", "follows the pins; PB4 is pulled up"),
    Erratum("SYSCFG.CMPCR.CMP_PD", "access", "the bit firmware sets to enable the cell (RM0090 section 9.2.7)"),
    Erratum("DBG.DBGMCU_IDCODE", "reset", "an early F40x; DEV_ID is in RM0090 section 38.6.1 and its likes"),
    *(
        Erratum(f"DBG.DBGMCU_CR.DBG_{name}", "bogus", "moved to the freeze registers (RM0090 section 38.16.3)", (F40X,))
        for name in ("I2C2_SMBUS_TIMEOUT", "TIM8_STOP", "TIM5_STOP", "TIM6_STOP", "TIM7_STOP")
    ),
    *(
        Erratum(f"{name}.SR", "reset", "the SVD has 0xC0 in the wrong half (RM0090 section 30.6.1)")
        for name in ("USART1", "USART2", "UART4")
    ),
    *(
        Erratum(f"DMA1.{'LH'[n // 4]}IFCR.C{flag}{n}", "access", "write-only (RM0090 section 10.5.3)")
        for flag in ("FEIF", "DMEIF", "TEIF", "HTIF", "TCIF")
        for n in range(8)
    ),
    *(Erratum(f"DMA1.S{n}CR.ACK", "bogus", "bit 20 is reserved (RM0090 section 10.5.5)") for n in range(1, 8)),
    *(
        Erratum(f"{name}.ARR", "reset", "comes up with all ones (RM0090 section 18.4.12)")
        for name in (*FULL_TIMERS, "TIM6", "TIM9", "TIM10", "TIM11")
    ),
    *(
        Erratum(f"{name}.CCMR{n}_Input.{field}", "bogus", INPUT_VIEW)
        for name in FULL_TIMERS
        for n, fields in ((1, ("IC1F", "ICPCS", "IC2F", "IC2PCS")), (2, ("IC3F", "IC3PSC", "IC4F", "IC4PSC")))
        for field in fields
    ),
    *(
        Erratum(f"{name}.CCMR1_Input.{field}", "bogus", INPUT_VIEW)
        for name in ("TIM10", "TIM11")
        for field in ("IC1F", "ICPCS")
    ),
    *(
        Erratum(f"TIM9.CCMR1_Input.{field}", kind, INPUT_VIEW)
        for field, kind in (("IC1F", "name"), ("IC2F", "name"), ("ICPCS", "bogus"), ("IC2PCS", "bogus"))
    ),
    Erratum("Ethernet_MAC.MACA0HR", "reset", "MO reads as 1, MACA0H as all ones (RM0090 section 33.8.1)"),
    Erratum("Ethernet_MAC.MACA2LR.MACA2L", "name", "32 bits wide like the others (section 33.8.1)"),
    Erratum("Ethernet_MAC.MACA2LR.MACAL", "missing", "bit 31, as in the others"),
    Erratum("Ethernet_MAC.MACFFR.HPF", "missing", "bit 10 (section 33.8.1)"),
    *(
        Erratum(f"Ethernet_MAC.MACFFR.{field}", "name", "one bit higher: PCF has two bits (section 33.8.1)")
        for field in ("SAIF", "SAF", "HPF")
    ),
    *(
        Erratum(f"Ethernet_MAC.{place}", "access", "cleared by the read (sections 33.8.1, 33.8.2 and 33.8.4)")
        for place in (
            *("MACPMTCSR.MPR", "MACPMTCSR.WFR", "MMCRIR.RFCES", "MMCRIR.RFAES", "MMCRIR.RGUFS"),
            *("DMAMFBOCR.MFC", "DMAMFBOCR.OMFC", "DMAMFBOCR.MFA", "DMAMFBOCR.OFOC"),
        )
    ),
    Erratum("Ethernet_MAC.MACSR.TSTS", "access", "a status flag, read-only (section 33.8.1)"),
    *(
        Erratum(f"Ethernet_MAC.MACDBGR.{field}", kind, "the fields of MMCCR under another register's name")
        for field in ("CR", "CSR", "ROR", "MCF", "MCP", "MCFHP")
        for kind in (["bogus"] if field == "MCF" else ["name"])
    ),
    Erratum("Ethernet_MAC.MACDBGR", "missing", "section 33.8.1 has the states of the FIFOs"),
    Erratum("Ethernet_MAC.MACRWUFFR", "missing", "section 33.8.1 has it at 0x28"),
    Erratum("Ethernet_MAC.MMCTIMR.TGFM", "bogus", "bit 21, as TGFS in MMCTIR"),
    Erratum("Ethernet_MAC.MMCTIMR.TGFM", "missing", "bit 21, as TGFS in MMCTIR"),
    *(
        Erratum(f"Ethernet_MAC.PTPPPSCR.{field}", kind, "the fields of PTPTSSR under another register's name")
        for field in ("TSSO", "TSTTR")
        for kind in ("name", "access")
    ),
    Erratum("Ethernet_MAC.PTPPPSCR.PPSFREQ", "missing", "section 33.8.3"),
    Erratum("Ethernet_MAC.DMABMR", "reset", "SR, PBL and RDP come up as 1 (section 33.8.4); the SVD has lost a digit"),
    Erratum("RTC.ISR.SHPF", "access", "read-only (RM0090 section 26.6.4)"),
    *(Erratum(f"RTC.CR.{name}1H", "access", "write-only (RM0090 section 26.6.3)") for name in ("ADD", "SUB")),
    Erratum("RTC.CR.BYPSHAD", "missing", "bit 5 (RM0090 section 26.6.3)"),
    Erratum("RTC.TSTR", "missing", "a time, as TR (RM0090 section 26.6.13)"),
    *(
        Erratum(f"RTC.TSTR.{name}", "name", "the SVD repeats TAFCR here")
        for name in ("ALARMOUTTYPE", "TSINSEL", "TAMP1INSEL", "TAMPIE", "TAMP1TRG", "TAMP1E")
    ),
)
