# SPDX-License-Identifier: GPL-2.0-or-later
"""Reset and clock control (RM0090 chapters 6 and 7, RM0390 and RM0386 chapter 6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RO, WO, Register

HSI_HZ = 16_000_000
LSE_HZ = 32_768
LSI_HZ = 32_000
STARTUP = 400  # cycles from ON to RDY; silicon takes microseconds to milliseconds, which firmware only waits out
CRYSTALS = tuple(mhz * 1_000_000 for mhz in (8, 25, 12, 16, 26, 24, 10, 20, 4, 5, 6, 13, 14, 18, 19, 22))

# Peripheral gates by bit: those of every reset, enable and low-power enable register, then what only some have.
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

ALIASES = {"ETH": "ETHMAC", "OTG_FS": "OTGFS", "OTG_HS": "OTGHS", "FSMC": "FMC", "QUADSPI": "QSPI", "ADC": "ADC1"}
NOT_ON = {  # gates a series lacks; what it has is set in its low-power registers out of reset
    "F407": {"GPIOJ", "GPIOK", "DMA2D", "SRAM3", "QSPI", "SPDIF", "FMPI2C1", "CEC", "UART7", "UART8", "SPI4", "SPI5",
             "SPI6", "SAI1", "SAI2", "LTDC", "DSI"},
    "F429": {"QSPI", "SPDIF", "FMPI2C1", "CEC", "SAI2", "DSI"},
    "F446": {"GPIOI", "GPIOJ", "GPIOK", "DMA2D", "SRAM3", "ETHMAC", "ETHMACTX", "ETHMACRX", "ETHMACPTP", "CRYP", "HASH",
             "RNG", "UART7", "UART8", "SPI5", "SPI6", "LTDC", "DSI"},
    "F469": {"SPDIF", "FMPI2C1", "CEC", "SAI2"},
}  # fmt: skip
MAX_SYSCLK = {"F407": 168_000_000, "F429": 180_000_000, "F446": 180_000_000, "F469": 180_000_000}
RESET_FLAGS = {"bor": 25, "pin": 26, "por": 27, "software": 28, "iwdg": 29, "wwdg": 30, "low_power": 31}


def _gates(offset: int, suffix: str, *tables: Mapping[str, int], reset: int = 0) -> Register:
    """A register with one bit per gate, named as in the manual (RNG and "EN" give RNGEN)."""
    register = Register(offset, reset=reset)
    for table in tables:
        for name, bit in table.items():
            register.field(bit).name = name + suffix
    return register


class Rcc(Peripheral):
    """Oscillators, PLLs, the clock tree they feed, peripheral resets and clock gates, reset causes.

    Args:
        irq: the RCC global interrupt.
        hse_hz: the crystal or external clock on OSC_IN, 0 when there is none. None: inferred when the PLL starts.
        series: "F407" (F405/407/415/417), "F429" (F427 ... F439) or "F469"; for the F446 use RccF446.
        backup_unlocked: whether PWR_CR.DBP lets the firmware write BDCR.
    """

    MISSING: ClassVar[str] = "MCO outputs, spread spectrum, I2S/SAI/LTDC clocks, clock security"

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

    AHB1RSTR = _gates(0x10, "RST", AHB1)
    AHB2RSTR = _gates(0x14, "RST", AHB2)
    AHB3RSTR = _gates(0x18, "RST", AHB3)
    APB1RSTR = _gates(0x20, "RST", APB1)
    APB2RSTR = _gates(0x24, "RST", APB2, {"ADC": 8})

    AHB1ENR = _gates(0x30, "EN", AHB1, AHB1_CLOCKS, {"CCMDATARAM": 20}, reset=0x0010_0000)
    AHB2ENR = _gates(0x34, "EN", AHB2)
    AHB3ENR = _gates(0x38, "EN", AHB3)
    APB1ENR = _gates(0x40, "EN", APB1)
    APB2ENR = _gates(0x44, "EN", APB2, ADCS)

    AHB1LPENR = _gates(0x50, "LPEN", AHB1, AHB1_CLOCKS, AHB1_MEMORIES)
    AHB2LPENR = _gates(0x54, "LPEN", AHB2)
    AHB3LPENR = _gates(0x58, "LPEN", AHB3)
    APB1LPENR = _gates(0x60, "LPEN", APB1)
    APB2LPENR = _gates(0x64, "LPEN", APB2, ADCS)

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

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        irq: IrqLine,
        hse_hz: int | None = None,
        series: str = "F407",
        backup_unlocked: Callable[[], bool] = lambda: True,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        self.clock = clock
        self.tree = tree
        self.irq = irq
        self.series = series
        self.backup_unlocked = backup_unlocked
        self.hse_hz = 8_000_000 if hse_hz is None else hse_hz
        self._hse_known = hse_hz is not None
        self._starting: dict[str, Event] = {}
        self._pll_vco = self._sai_vco = 0
        self._blocks: dict[tuple[int, int], list[Peripheral]] = {}
        self._backup = 0
        super().__init__(name, ledger=ledger)

    # Resets

    def _load_resets(self) -> None:
        super()._load_resets()
        lacking = {f"{gate}LPEN" for gate in NOT_ON[self.series]}
        for register in self.REGISTERS:
            if register.name.endswith("LPENR"):
                self.words[register.index] = sum(each.mask for each in register.fields if each.name not in lacking)

    def reset(self) -> None:
        """System reset: back to HSI. BDCR and the reset flags survive (RM0090 section 6.1)."""
        flags = self.CSR & 0xFE00_0000
        for source in [each for each in self._starting if each != "LSE"]:
            self._starting.pop(source).cancel()
        super().reset()
        self.CSR = flags
        self.BDCR = self._backup
        self._pll_vco = self._sai_vco = 0
        self._update()

    def note_reset(self, cause: str) -> None:
        """Record why the chip is about to reset, one of RESET_FLAGS. Internal causes pull NRST low as well."""
        self.CSR |= 1 << RESET_FLAGS[cause] | 1 << RESET_FLAGS["pin"]

    def attach(self, block_name: str, peripheral: Peripheral) -> None:
        """Let `block_name`'s bit in its RSTR register reset `peripheral`; blocks without such a bit are ignored."""
        place = self._find(block_name, "RST")
        if place is not None:
            self._blocks.setdefault(place, []).append(peripheral)

    def enabled(self, block_name: str) -> bool:
        """Whether the block's bus clock is on; True for blocks that have no gate (FLASH, IWDG ...)."""
        place = self._find(block_name, "EN")
        return place is None or bool(self.words[place[0]] & place[1])

    def _find(self, block_name: str, suffix: str) -> tuple[int, int] | None:
        """The word index and mask of a block's gate bit."""
        gate = ALIASES.get(block_name, block_name)
        wanted = {"ADCRST"} if suffix == "RST" and gate.startswith("ADC") else {gate + suffix}
        for register in self.REGISTERS:
            for field in register.fields:
                if field.name in wanted:
                    return register.index, field.mask
        return None

    @AHB1RSTR.on_write
    @AHB2RSTR.on_write
    @AHB3RSTR.on_write
    @APB1RSTR.on_write
    @APB2RSTR.on_write
    def _reset_blocks(self, written: int) -> None:
        for (index, mask), blocks in self._blocks.items():
            if self.words[index] & mask & written:
                for block in blocks:
                    block.reset()

    # Oscillators and PLLs

    @CR.on_write
    def _control(self, _written: int) -> None:
        """A source that feeds SYSCLK cannot be switched off (section 6.3.1)."""
        pll = self.SWS >= 2
        self.PLLON |= pll
        self.HSEON |= self.SWS == 1 or (pll and self.PLLSRC)
        self.HSION |= self.SWS == 0 or (pll and not self.PLLSRC)
        for source in ("HSI", "HSE", "PLL", "PLLI2S", "PLLSAI"):
            self._follow(source)
        self._update()

    def _follow(self, source: str) -> None:
        """Start or stop an oscillator or PLL as its ON bit says."""
        starting = source in self._starting
        if not getattr(self, f"{source}ON"):
            setattr(self, f"{source}RDY", 0)
            if starting:
                self._starting.pop(source).cancel()
        elif not starting and not getattr(self, f"{source}RDY") and self._can_start(source):
            self._starting[source] = self.clock.after(STARTUP, lambda: self._ready(source))

    def _can_start(self, source: str) -> bool:
        if source == "HSE":
            return self.hse_hz > 0
        if source == "PLL" and self.PLLSRC:
            self._infer_hse()
        if source == "PLLSAI":
            return self.series != "F407"
        return not source.startswith("PLL") or self._source_hz() > 0

    def _ready(self, source: str) -> None:
        del self._starting[source]
        setattr(self, f"{source}RDY", 1)
        if source == "PLL":
            self._pll_vco = self._vco(self.PLLM, self.PLLN)
        if source == "PLLSAI":
            self._sai_vco = self._vco(self._sai_divider(), self.PLLSAIN)
        if source == "LSE":
            self._backup = self.BDCR
        flag = self.READY_FLAGS.index(source)
        self.CIR |= (self.CIR >> 8) & (1 << flag)  # the flag rises only while its interrupt is enabled
        self._update()

    def _sai_divider(self) -> int:
        return self.PLLM

    def _source_hz(self) -> int:
        return self.hse_hz if self.PLLSRC else HSI_HZ

    def _vco(self, m: int, n: int) -> int:
        if m < 2 or not 50 <= n <= 432:
            self.ledger.illegal(self.name, Rcc.PLLCFGR.offset, f"PLL started with M={m}, N={n}")
        return self._source_hz() * n // max(m, 1)

    def _infer_hse(self) -> None:
        """The crystal that makes PLLQ's output exactly 48 MHz; else SYSCLK the chip's maximum; else any legal one."""
        if self._hse_known or self.PLLN == 0:
            return
        limit, p = MAX_SYSCLK[self.series], 2 * (self.PLLP + 1)
        usb, rated = 48_000_000 * self.PLLQ * self.PLLM / self.PLLN, limit * p * self.PLLM / self.PLLN
        legal = [hz for hz in CRYSTALS if 950_000 * self.PLLM <= hz <= 2_100_000 * self.PLLM]
        exact = [hz for hz in (usb, rated) if hz in CRYSTALS and hz * self.PLLN <= limit * p * self.PLLM]
        self.hse_hz = int((exact or legal or CRYSTALS)[0])

    # The clock tree

    @CFGR.on_write
    @DCKCFGR.on_write
    def _clocks(self, _written: int) -> None:
        self._update()

    @PLLCFGR.on_write
    def _reconfigured(self, _written: int) -> None:
        if self.PLLON:
            self.ledger.illegal(self.name, Rcc.PLLCFGR.offset, "PLLCFGR written while the PLL is on")

    @CIR.on_write
    def _clear_flags(self, written: int) -> None:
        self.CIR &= ~(written >> 16 & 0xFF)
        self._update()

    def _update(self) -> None:
        if (self.HSIRDY, self.HSERDY, self.PLLRDY, self.PLLRDY)[self.SW]:
            self.SWS = self.SW
        self.irq.set(self.CIR & self.CIR >> 8 & 0x7F)
        self._feed(self.tree)

    def _feed(self, tree: ClockTree) -> None:
        """Compute every frequency; tell the listeners when one differs."""
        before = (tree.sysclk, tree.hclk, tree.pclk1, tree.pclk2, tree.timclk1, tree.timclk2, tree.pll48ck)
        tree.sysclk = self._sysclk()
        tree.hclk = tree.sysclk >> (0, 1, 2, 3, 4, 6, 7, 8, 9)[max(0, self.HPRE - 7)]
        tree.pclk1 = tree.hclk >> max(0, self.PPRE1 - 3)
        tree.pclk2 = tree.hclk >> max(0, self.PPRE2 - 3)
        tree.timclk1 = self._timer(tree.hclk, tree.pclk1)
        tree.timclk2 = self._timer(tree.hclk, tree.pclk2)
        tree.pll48ck = self._ck48()
        if before != (tree.sysclk, tree.hclk, tree.pclk1, tree.pclk2, tree.timclk1, tree.timclk2, tree.pll48ck):
            tree.changed()

    def _sysclk(self) -> int:
        hz = (HSI_HZ, self.hse_hz, self._pll_vco // (2 * (self.PLLP + 1)), self._pll_vco // max(self.PLLR, 1))[self.SWS]
        if hz > MAX_SYSCLK[self.series]:
            self.ledger.illegal(self.name, Rcc.CFGR.offset, f"SYSCLK at {hz} Hz, above the chip's maximum")
        return max(hz, 1)

    def _timer(self, hclk: int, pclk: int) -> int:
        """Timers run at HCLK or a multiple of their bus clock (section 6.3.24, TIMPRE)."""
        return min(hclk, pclk * (4 if self.TIMPRE else 2))

    def _ck48(self) -> int | None:
        if self.CK48MSEL:
            return self._sai_vco // (2 * (self.PLLSAIP + 1)) if self.PLLSAIRDY else None
        return self._pll_vco // max(self.PLLQ, 1) if self.PLLRDY else None

    # Backup domain, reset flags, LSI

    @BDCR.on_write
    def _backup_domain(self, _written: int) -> None:
        if not self.backup_unlocked():
            self.ledger.illegal(self.name, Rcc.BDCR.offset, "BDCR written with PWR_CR.DBP clear")
            self.BDCR = self._backup
            return
        if self.BDRST:
            self.BDCR = Rcc.BDRST.mask
        self._follow("LSE")
        self._backup = self.BDCR

    @CSR.on_write
    def _status(self, _written: int) -> None:
        if self.RMVF:
            self.CSR &= 0x00FF_FFFF
        self._follow("LSI")


class RccF446(Rcc):
    """The F446's RCC (RM0390 chapter 6): M dividers for each PLL, other kernel clock selectors."""

    DCKCFGR = Register(0x8C)
    PLLI2SDIVQ = DCKCFGR.field(0, 5)
    PLLSAIDIVQ = DCKCFGR.field(8, 5)
    SAI1SRC = DCKCFGR.field(20, 2)
    SAI2SRC = DCKCFGR.field(22, 2)
    TIMPRE = DCKCFGR.field(24)
    I2S1SRC = DCKCFGR.field(25, 2)
    I2S2SRC = DCKCFGR.field(27, 2)

    CKGATENR = Register(0x90)
    CKGATENR.tag("AHB2APB1_CKEN", 0)
    CKGATENR.tag("AHB2APB2_CKEN", 1)
    CKGATENR.tag("CM4DBG_CKEN", 2)
    CKGATENR.tag("SPARE_CKEN", 3)
    CKGATENR.tag("SRAM_CKEN", 4)
    CKGATENR.tag("FLITF_CKEN", 5)
    CKGATENR.tag("RCC_CKEN", 6)

    DCKCFGR2 = Register(0x94)
    FMPI2C1SEL = DCKCFGR2.field(22, 2)
    CECSEL = DCKCFGR2.field(26)
    CK48MSEL = DCKCFGR2.field(27)
    SDIOSEL = DCKCFGR2.field(28)
    SPDIFSEL = DCKCFGR2.field(29)

    def __init__(self, name: str, *, clock: Clock, tree: ClockTree, irq: IrqLine, hse_hz: int | None = None,
                 backup_unlocked: Callable[[], bool] = lambda: True, ledger: Ledger = NO_LEDGER) -> None:  # fmt: skip
        super().__init__(name, clock=clock, tree=tree, irq=irq, hse_hz=hse_hz, series="F446",
                         backup_unlocked=backup_unlocked, ledger=ledger)  # fmt: skip

    def _sai_divider(self) -> int:
        return self.PLLSAIM

    @DCKCFGR.on_write
    @DCKCFGR2.on_write
    def _selectors(self, _written: int) -> None:
        self._update()
