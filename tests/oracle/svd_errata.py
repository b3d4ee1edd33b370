# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the SVD files are wrong, each with the reason, and where their names differ from ours. See `svd.Erratum`."""

from __future__ import annotations

from svd import Erratum, Names

F40X, F41X, F427, F429, F437, F439, F446, F469 = (
    f"STM32F{name}x" for name in ("40", "41", "427", "429", "437", "439", "446", "46_79")
)
F42_43 = (F427, F429, F437, F439)
NO_F446 = (F40X, F41X, *F42_43, F469)

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
    "CCMR1_Input.ICPCS": "IC1PSC",
    "CCMR1_Input.IC2PCS": "IC2PSC",
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
LTDC_LAYER = ("CR", "WHPCR", "WVPCR", "CKCR", "PFCR", "CACR", "DCCR", "BFCR", "CFBAR", "CFBLR", "CFBLNR", "CLUTWR")
LTDC_NAMES = {
    "AWCR.AAV": "AAW",
    **{f"L{n + 1}{name}": f"L{name}{n}" for n in range(2) for name in LTDC_LAYER},
    **{f"L{{}}CLUTWR.{color}": f"CLUT_{color}" for color in ("RED", "GREEN", "BLUE")},
}
DMA2D_NAMES = {
    "OCOLR.APLHA": "ALPHA",
    **{f"{name}.MA": name for name in ("FGMAR", "BGMAR", "FGCMAR", "BGCMAR", "OMAR")},
    **{f"{side}CLUT": f"{side}CLUT0" for side in ("FG", "BG")},  # the first of 256 words, which are fields of our own
    **{f"{side}CLUT.{part}": f"{side}CLUT0_0" for side in ("FG", "BG") for part in ("APLHA", "RED", "GREEN", "BLUE")},
}
NAMES: Names = {
    "Rcc": RCC_NAMES,
    "Syscfg": {"MEMRM": "MEMRMP"},
    "Dbgmcu": DBG_NAMES,
    "Crc": {"CR.CR": "RESET"},
    "Fmc": {name: f"{name}3" for name in ("PCR", "SR", "PMEM", "PATT", "ECCR")},  # one NAND bank on F469
    "Cryp": {"CR.ALGOMODE": "ALGOMODE0"},
    "Dma": DMA_NAMES,
    "Dma2d": DMA2D_NAMES,
    "Ltdc": LTDC_NAMES,
    "Tim": TIM_NAMES,
    "Eth": ETH_NAMES,
    "Adc": {"SMPR{}.SMPx_x": "SMPR{}_0"},
    "Hash": {"CR.ALGO": "ALGO0", "HR{}.H{}": "HR{}", "HASH_HR{}.H{}": "HASH_HR{}"},
    "Rtc": {"BKP{}R": "BKPR{}", "BKP{}R.BKP": "BKPR{}"},
}

RESETS_COPIED = "the SVD repeats the F40x value; the manual's has a one for every clock the series has"

ERRATA: tuple[Erratum, ...] = (
    Erratum("Rcc*.AHB1LPENR", "reset", RESETS_COPIED, (*F42_43, F446, F469)),
    Erratum("Rcc*.AHB2LPENR", "reset", RESETS_COPIED, (F446,)),
    Erratum("Rcc*.AHB3LPENR", "reset", RESETS_COPIED, (F446, F469)),
    Erratum("Rcc*.APB1LPENR", "reset", RESETS_COPIED, (*F42_43, F446, F469)),
    Erratum("Rcc*.APB2LPENR", "reset", RESETS_COPIED, (*F42_43, F446, F469)),
    Erratum("Rcc*.CSR.BORRSTF", "access", "a status flag; only RMVF clears it (RM0090 section 6.3.21)"),
    Erratum("Rcc*.CSR.PADRSTF", "access", "as BORRSTF"),
    Erratum("Rcc*.CSR.PORRSTF", "access", "as BORRSTF"),
    Erratum("Rcc*.CSR.SFTRSTF", "access", "as BORRSTF"),
    Erratum("Rcc*.CSR.WDGRSTF", "access", "as BORRSTF"),
    Erratum("Rcc*.CSR.WWDGRSTF", "access", "as BORRSTF"),
    Erratum("Rcc*.CSR.LPWRRSTF", "access", "as BORRSTF"),
    Erratum("Rcc*.APB1RSTR.CECRST", "missing", "RM0390 section 6.3.8 has it at bit 27"),
    Erratum("Pwr.CR", "reset", "VOS comes up as scale 1 (RM0090 section 5.4.1)", (F40X, F41X)),
    Erratum("Pwr.CR.CWUF", "access", "always reads as 0 (section 5.4.1)"),
    Erratum("Pwr.CR.CSBF", "access", "always reads as 0 (section 5.4.1)"),
    Erratum("Pwr.CSR.VOSRDY", "access", "a status flag, read-only (section 5.4.2)", NO_F446),
    Erratum("Flash.OPTCR", "reset", "factory option bytes give 0x0FFFAAED (RM0090 section 3.9.9)", (F40X, F41X)),
    Erratum("Flash.ACR.LATENCY", "missing", "RM0090 section 3.9.2 has four bits from F42x on"),
    *(
        Erratum(f"{block}.{place}", kind, why)
        for block in ("Fsmc", "Fmc")
        for place, kind, why in (
            ("BCR?", "reset", "bank 1 comes up enabled, all as NOR flash or PSRAM (RM0090 section 36.5.6)"),
            ("BTR?", "reset", "comes up as 0x0FFFFFFF (RM0090 section 36.5.6)"),
            ("BCR1.WRAPMOD", "missing", "as in the other three (RM0090 section 36.5.6)"),
        )
    ),
    Erratum("Gpio.OSPEEDR", "reset", "PA13 comes up fast (RM0090 section 8.4.3)", blocks=("GPIOA",)),
    Erratum("Gpio.IDR", "reset", "follows the pins; PA13 and PA15 are pulled up", blocks=("GPIOA",)),
    Erratum("Gpio.IDR", "reset", "follows the pins; PB4 is pulled up", blocks=("GPIOB",)),
    Erratum("Syscfg.CMPCR.CMP_PD", "access", "the bit firmware sets to enable the cell (RM0090 section 9.2.7)"),
    Erratum("Dbgmcu.DBGMCU_IDCODE", "reset", "an early F40x; DEV_ID is in RM0090 section 38.6.1 and its likes"),
    *(
        Erratum(
            f"Dbgmcu.DBGMCU_CR.DBG_{name}", "bogus", "moved to the freeze registers (RM0090 section 38.16.3)", (F40X,)
        )
        for name in ("I2C2_SMBUS_TIMEOUT", "TIM8_STOP", "TIM5_STOP", "TIM6_STOP", "TIM7_STOP")
    ),
    Erratum("Usart.SR", "reset", "the SVD has 0xC0 in the wrong half (RM0090 section 30.6.1)"),
    Erratum("Dma.?IFCR.*", "access", "write-only (RM0090 section 10.5.3)"),
    Erratum("Dma.S?CR.ACK", "bogus", "bit 20 is reserved (RM0090 section 10.5.5)"),
    Erratum("Can*.BTR", "reset", "comes up as 0x01230000 (RM0090 section 32.9.2)"),
    Erratum("Can.F*", "bogus", "the filter banks are CAN1's (RM0090 section 32.9.4)"),
    Erratum("Sdio.ICR.*", "access", "a write-only register (RM0090 section 31.9.12)"),
    Erratum("Tim.ARR", "reset", "comes up with all ones (RM0090 section 18.4.12)"),
    Erratum("Eth.MACA0HR", "reset", "MO reads as 1, MACA0H as all ones (RM0090 section 33.8.1)"),
    Erratum("Eth.MACA2LR.MACA2L", "name", "32 bits wide like the others (section 33.8.1)"),
    Erratum("Eth.MACA2LR.MACAL", "missing", "bit 31, as in the others"),
    Erratum("Eth.MACFFR.HPF", "missing", "bit 10 (section 33.8.1)"),
    *(
        Erratum(f"Eth.MACFFR.{field}", "name", "one bit higher: PCF has two bits (section 33.8.1)")
        for field in ("SAIF", "SAF", "HPF")
    ),
    *(
        Erratum(f"Eth.{place}", "access", "cleared by the read (sections 33.8.1, 33.8.2 and 33.8.4)")
        for place in (
            *("MACPMTCSR.MPR", "MACPMTCSR.WFR", "MMCRIR.RFCES", "MMCRIR.RFAES", "MMCRIR.RGUFS"),
            *("DMAMFBOCR.MFC", "DMAMFBOCR.OMFC", "DMAMFBOCR.MFA", "DMAMFBOCR.OFOC"),
        )
    ),
    Erratum("Eth.MACSR.TSTS", "access", "a status flag, read-only (section 33.8.1)"),
    *(
        Erratum(f"Eth.MACDBGR.{field}", kind, "the fields of MMCCR under another register's name")
        for field in ("CR", "CSR", "ROR", "MCF", "MCP", "MCFHP")
        for kind in (["bogus"] if field == "MCF" else ["name"])
    ),
    Erratum("Eth.MACDBGR", "missing", "section 33.8.1 has the states of the FIFOs"),
    Erratum("Eth.MACRWUFFR", "missing", "section 33.8.1 has it at 0x28"),
    Erratum("Eth.MMCTIMR.TGFM", "bogus", "bit 21, as TGFS in MMCTIR"),
    Erratum("Eth.MMCTIMR.TGFM", "missing", "bit 21, as TGFS in MMCTIR"),
    *(
        Erratum(f"Eth.PTPPPSCR.{field}", kind, "the fields of PTPTSSR under another register's name")
        for field in ("TSSO", "TSTTR")
        for kind in ("name", "access")
    ),
    Erratum("Eth.PTPPPSCR.PPSFREQ", "missing", "section 33.8.3"),
    Erratum("Eth.DMABMR", "reset", "SR, PBL and RDP come up as 1 (section 33.8.4); the SVD has lost a digit"),
    Erratum("Rtc.ISR.SHPF", "access", "read-only (RM0090 section 26.6.4)"),
    *(Erratum(f"Rtc.CR.{name}1H", "access", "write-only (RM0090 section 26.6.3)") for name in ("ADD", "SUB")),
    Erratum("Rtc.CR.BYPSHAD", "missing", "bit 5 (RM0090 section 26.6.3)"),
    Erratum("Rtc.TSTR", "missing", "a time, as TR (RM0090 section 26.6.13)"),
    *(
        Erratum(f"Rtc.TSTR.{name}", "name", "the SVD repeats TAFCR here")
        for name in ("ALARMOUTTYPE", "TSINSEL", "TAMP1INSEL", "TAMPIE", "TAMP1TRG", "TAMP1E")
    ),
    Erratum("Dma2d.?GCLUT*", "missing", "256 words each (RM0090 sections 11.5.20 and 11.5.21); the SVD has the first"),
    *(
        Erratum(f"Ltdc.{place}", "missing", "12 bits wide (RM0090 section 16.7)")
        for place in ("SSCR.HSW", "BPCR.AHBP", "AWCR.AAW", "TWCR.TOTALW")
    ),
    Erratum("Ltdc.L?CACR", "reset", "comes up opaque, as 0xFF (RM0090 section 16.7.20)"),
    Erratum("Ltdc.L2CKCR.CKRED", "bogus", "bits 23 to 16, as in the other layer"),
)
