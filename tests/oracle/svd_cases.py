# SPDX-License-Identifier: GPL-2.0-or-later
"""Which class models which SVD peripheral of which device, and where the SVD files are wrong.

To add a block: a line in CASES, and an `Erratum` for each remaining difference that is the SVD file's fault, with the
reason. `svd.Case` and `svd.Erratum` say what the arguments mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

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
)

NOT_IN_SVD = {"stub.Stub"}  # classes that model no one block

RESETS_COPIED = "the SVD repeats the F40x value; the manual's has a one for every clock the series has"

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
)
