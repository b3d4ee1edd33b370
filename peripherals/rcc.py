# SPDX-License-Identifier: GPL-2.0-or-later
"""Reset and clock control (RM0090 chapters 6 and 7, RM0390 and RM0386 chapter 6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.rcc_blocks import RccBlocks
from stm32emu.peripherals.rcc_gates import NOT_ON
from stm32emu.peripherals.rcc_registers import RccRegisters
from stm32emu.peripherals.register import Register

HSI_HZ = 16_000_000
LSE_HZ, LSI_HZ = 32_768, 32_000
STARTUP = 400  # cycles from ON to RDY; silicon takes microseconds to milliseconds, which firmware only waits out
CRYSTALS = tuple(mhz * 1_000_000 for mhz in (8, 25, 12, 16, 26, 24, 10, 20, 4, 5, 6, 13, 14, 18, 19, 22))

PLLS = ("PLL", "PLLI2S", "PLLSAI")
MAX_SYSCLK = {"F407": 168_000_000, "F429": 180_000_000, "F446": 180_000_000, "F469": 180_000_000}
SELECTORS = {"F407": 0, "F429": 0x01F3_1F1F, "F446": 0xFFFF_FFFF, "F469": 0xFFFF_FFFF}  # DCKCFGR bits a series has
RESET_FLAGS = {"bor": 25, "pin": 26, "por": 27, "software": 28, "iwdg": 29, "wwdg": 30, "low_power": 31}


class Rcc(RccBlocks):
    """Oscillators, PLLs, the clock tree they feed, peripheral resets and clock gates, reset causes.

    Args:
        irq: the RCC global interrupt.
        hse_hz: the crystal or external clock on OSC_IN, 0 when there is none. None: inferred when the PLL starts.
        series: "F407" (F405/407/415/417), "F429" (F427 ... F439) or "F469"; for the F446 use RccF446.
        backup_unlocked: whether PWR_CR.DBP lets the firmware write BDCR.

    `on_backup_reset` is called when BDCR.BDRST resets the backup domain.
    """

    MISSING: ClassVar[str] = "MCO outputs, spread spectrum, SAI clocks, clock security"

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
        self._hse_given = hse_hz is not None
        self._hse_certain = False
        self._starting: dict[str, Event] = {}
        self._vco = dict.fromkeys(PLLS, 0)  # Hz, from the last lock
        self._backup = 0
        self.on_backup_reset: Callable[[], None] = lambda: None
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
        self._follow_gates()
        self._update()

    def note_reset(self, cause: str) -> None:
        """Record why the chip is about to reset, one of RESET_FLAGS. Internal causes pull NRST low as well."""
        self.CSR |= 1 << RESET_FLAGS[cause] | 1 << RESET_FLAGS["pin"]

    # Oscillators and PLLs

    @RccRegisters.CR.on_write
    def _control(self, _written: int) -> None:
        """A source that feeds SYSCLK cannot be switched off (section 6.3.1)."""
        pll = self.SWS >= 2
        self.PLLON |= pll
        self.HSEON |= self.SWS == 1 or (pll and self.PLLSRC)
        self.HSION |= self.SWS == 0 or (pll and not self.PLLSRC)
        for source in ("HSI", "HSE", *PLLS):
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
            self._starting[source] = self.clock.after(STARTUP, partial(self._ready, source, self._vco_hz(source)))

    def _can_start(self, source: str) -> bool:
        if source == "HSE":
            return self.hse_hz > 0
        return source not in PLLS or self._can_lock(source)

    def _can_lock(self, source: str) -> bool:
        """Whether a PLL has a running input and legal factors (section 6.3.2)."""
        if not (self.HSERDY if self.PLLSRC else self.HSIRDY) or (source == "PLLSAI" and self.series == "F407"):
            return False
        if self.PLLSRC:
            self._infer_hse()
        m, n = self._factors(source)
        if m >= 2 and 50 <= n <= 432:
            return True
        self.ledger.illegal(self.name, Rcc.CR.offset, f"{source} started with M={m}, N={n}: it cannot lock")
        return False

    def _factors(self, source: str) -> tuple[int, int]:
        """A PLL's input divider and VCO multiplier."""
        return self.PLLM, {"PLL": self.PLLN, "PLLI2S": self.PLLI2SN, "PLLSAI": self.PLLSAIN}[source]

    def _vco_hz(self, source: str) -> int:
        """What the VCO of a PLL that starts now will lock to; 0 for an oscillator, which has none."""
        if source not in PLLS:
            return 0
        m, n = self._factors(source)
        return (self.hse_hz if self.PLLSRC else HSI_HZ) * n // m

    def _ready(self, source: str, vco: int) -> None:
        del self._starting[source]
        setattr(self, f"{source}RDY", 1)
        if source in PLLS:
            self._vco[source] = vco
        elif source == "LSE":
            self._backup = self.BDCR
        else:
            for pll in PLLS:
                self._follow(pll)
        flag = self.READY_FLAGS.index(source)
        self.CIR |= (self.CIR >> 8) & (1 << flag)  # the flag rises only while its interrupt is enabled
        self._update()

    def _infer_hse(self) -> None:
        """The crystal for which PLLQ's output is exactly 48 MHz, or else SYSCLK the chip's maximum: these are certain.
        Else the one for a VCO input of 1 or 2 MHz, else any legal one. What was certain is not once it became illegal:
        start-up code for ST's board may have come first, with a divider for its crystal."""
        limit, m, n, p = MAX_SYSCLK[self.series], self.PLLM, max(self.PLLN, 1), 2 * (self.PLLP + 1)
        fits = 950_000 * m <= self.hse_hz <= 2_100_000 * m and self.hse_hz * n <= limit * p * m
        if self._hse_given or (self._hse_certain and fits):
            return
        telling = (48_000_000 * self.PLLQ * m / n, limit * p * m / n)
        certain = [hz for hz in telling if hz in CRYSTALS and hz * n <= limit * p * m]
        usual = [hz for hz in (1_000_000 * m, 2_000_000 * m) if hz in CRYSTALS]
        legal = [hz for hz in CRYSTALS if 950_000 * m <= hz <= 2_100_000 * m]
        self.hse_hz = int((certain or usual or legal or CRYSTALS)[0])
        self._hse_certain = bool(certain)

    # The clock tree

    @RccRegisters.CFGR.on_write
    def _clocks(self, _written: int) -> None:
        self._update()

    @RccRegisters.DCKCFGR.on_write
    def _selectors(self, _written: int) -> None:
        self.DCKCFGR &= SELECTORS[self.series]
        self._update()

    @RccRegisters.PLLCFGR.on_write
    def _reconfigured(self, _written: int) -> None:
        if self.PLLON:
            self.ledger.illegal(self.name, Rcc.PLLCFGR.offset, "PLLCFGR written while the PLL is on")

    @RccRegisters.CIR.on_write
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
        before = dict(vars(tree))
        tree.sysclk = self._sysclk()
        tree.hclk = tree.sysclk >> (0, 1, 2, 3, 4, 6, 7, 8, 9)[max(0, self.HPRE - 7)]
        tree.pclk1 = tree.hclk >> max(0, self.PPRE1 - 3)
        tree.pclk2 = tree.hclk >> max(0, self.PPRE2 - 3)
        tree.timclk1 = self._timer(tree.hclk, tree.pclk1)
        tree.timclk2 = self._timer(tree.hclk, tree.pclk2)
        tree.pll48ck = self._ck48()
        tree.rtcclk = self._rtcclk()
        tree.lcdclk = self._lcdclk()
        tree.i2sclk = self._i2sclk()
        if before != vars(tree):
            if tree.sysclk > MAX_SYSCLK[self.series]:
                self.ledger.illegal(self.name, Rcc.CFGR.offset, f"SYSCLK at {tree.sysclk} Hz, above the chip's maximum")
            tree.changed()

    def _sysclk(self) -> int:
        vco = self._vco["PLL"]
        return (HSI_HZ, self.hse_hz, vco // (2 * (self.PLLP + 1)), vco // max(self.PLLR, 1))[self.SWS]

    def _timer(self, hclk: int, pclk: int) -> int:
        """Timers run at HCLK or a multiple of their bus clock (section 6.3.24, TIMPRE)."""
        return min(hclk, pclk * (4 if self.TIMPRE else 2))

    def _ck48(self) -> int | None:
        if self.CK48MSEL:
            return self._vco["PLLSAI"] // (2 * (self.PLLSAIP + 1)) if self.PLLSAIRDY else None
        return self._vco["PLL"] // max(self.PLLQ, 1) if self.PLLRDY else None

    def _i2sclk(self) -> int | None:
        """PLLI2S's output, unless the I2S_CKIN pin is selected, on which there is nothing."""
        return self._vco["PLLI2S"] // max(self.PLLI2SR, 1) if self.PLLI2SRDY and not self.I2SSRC else None

    def _lcdclk(self) -> int | None:
        """LTDC's pixel clock: PLLSAI's VCO, divided twice (section 6.3.25, PLLSAIDIVR)."""
        if not self.PLLSAIRDY:
            return None
        return (self._vco["PLLSAI"] // max(self.PLLSAIR, 1) >> 1 + self.PLLSAIDIVR) or None

    def _rtcclk(self) -> int | None:
        """RTCSEL's source, while it runs and RTCEN lets it through (section 6.3.20)."""
        runs = (0, self.LSERDY, self.LSIRDY, self.HSERDY and self.RTCPRE >= 2)[self.RTCSEL]
        return (0, LSE_HZ, LSI_HZ, self.hse_hz // max(self.RTCPRE, 1))[self.RTCSEL] if self.RTCEN and runs else None

    # Backup domain, reset flags, LSI

    @RccRegisters.BDCR.on_write
    def _backup_domain(self, _written: int) -> None:
        if not self.backup_unlocked():
            self.ledger.illegal(self.name, Rcc.BDCR.offset, "BDCR written with PWR_CR.DBP clear")
            self.BDCR = self._backup
            return
        if self.BDRST:
            self.BDCR = Rcc.BDRST.mask
            self.on_backup_reset()
        self._keep_source()
        self._follow("LSE")
        self._backup = self.BDCR
        self._update()

    def _keep_source(self) -> None:
        """RTCSEL is chosen once, until the next reset of the backup domain (section 6.3.20)."""
        chosen = self._backup & Rcc.RTCSEL.mask
        if chosen and not self.BDRST and self.BDCR & Rcc.RTCSEL.mask != chosen:
            self.ledger.illegal(self.name, Rcc.BDCR.offset, "RTCSEL changed without a reset of the backup domain")
            self.BDCR = self.BDCR & ~Rcc.RTCSEL.mask | chosen

    @RccRegisters.CSR.on_write
    def _status(self, _written: int) -> None:
        if self.RMVF:
            self.CSR &= 0x00FF_FFFF
        self._follow("LSI")
        self._update()


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

    def _factors(self, source: str) -> tuple[int, int]:
        m, n = super()._factors(source)
        return {"PLL": m, "PLLI2S": self.PLLI2SM, "PLLSAI": self.PLLSAIM}[source], n

    @DCKCFGR.on_write
    @DCKCFGR2.on_write
    def _f446_selectors(self, _written: int) -> None:
        self._update()
