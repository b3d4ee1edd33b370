# SPDX-License-Identifier: GPL-2.0-or-later
"""Timers TIM1 to TIM14 (RM0090 chapters 17 to 20): one class, its features by arguments. Nothing ticks."""

from __future__ import annotations

from typing import ClassVar, Literal

from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_W0, WO, Register
from stm32emu.peripherals.tim_counter import CHANNELS, Counter

FREE_RUNNING_MODES = (0, 4)  # SMCR.SMS: the others wait for a trigger, a gate or a clock that never comes


class Tim(Peripheral):
    """One timer: counting, update and compare events, their interrupts and DMA requests. Its pins lead nowhere.

    Args:
        bus: "timclk1" (APB1: TIM2-7, 12-14) or "timclk2" (APB2: TIM1, 8-11).
        irq: the global interrupt; the update interrupt where the others are given as well (TIM1, TIM8).
        cc_irq, trg_com_irq, brk_irq: compare, trigger and commutation, and break interrupts of TIM1 and TIM8.
        bits: 32 for TIM2 and TIM5.
        channels: compare channels: 4, 2 (TIM9, 12), 1 (TIM10, 11, 13, 14) or 0 (TIM6, 7).
    """

    MISSING: ClassVar[str] = "input capture, slave and encoder modes, triggers, DMA bursts and pins"

    CR1 = Register(0x00)
    CKD = CR1.field(8, 2)  # for the input filters and dead time only
    ARPE = CR1.field(7)
    CMS = CR1.field(5, 2)
    DIR = CR1.field(4)
    OPM = CR1.field(3)
    URS = CR1.field(2)
    UDIS = CR1.field(1)
    CEN = CR1.field(0)

    CR2 = Register(0x04)
    OIS4 = CR2.field(14)
    OIS3N = CR2.field(13)
    OIS3 = CR2.field(12)
    OIS2N = CR2.field(11)
    OIS2 = CR2.field(10)
    OIS1N = CR2.field(9)
    OIS1 = CR2.field(8)
    CR2.tag("TI1S", 7)
    CR2.tag("MMS", 4, 3)
    CCDS = CR2.field(3)
    CR2.tag("CCUS", 2)
    CR2.tag("CCPC", 0)

    SMCR = Register(0x08)
    SMCR.tag("ETP", 15)
    SMCR.tag("ECE", 14)
    SMCR.tag("ETPS", 12, 2)
    SMCR.tag("ETF", 8, 4)
    SMCR.tag("MSM", 7)
    TS = SMCR.field(4, 3)
    SMS = SMCR.tag("SMS", 0, 3)

    DIER = Register(0x0C)
    DIER.tag("TDE", 14)
    DIER.tag("COMDE", 13)
    CC4DE = DIER.field(12)
    CC3DE = DIER.field(11)
    CC2DE = DIER.field(10)
    CC1DE = DIER.field(9)
    UDE = DIER.field(8)
    BIE = DIER.field(7)
    TIE = DIER.field(6)
    COMIE = DIER.field(5)
    CC4IE = DIER.field(4)
    CC3IE = DIER.field(3)
    CC2IE = DIER.field(2)
    CC1IE = DIER.field(1)
    UIE = DIER.field(0)

    SR = Register(0x10, access=RC_W0)
    CC4OF = SR.field(12)
    CC3OF = SR.field(11)
    CC2OF = SR.field(10)
    CC1OF = SR.field(9)
    BIF = SR.field(7)
    TIF = SR.field(6)
    COMIF = SR.field(5)
    CC4IF = SR.field(4)
    CC3IF = SR.field(3)
    CC2IF = SR.field(2)
    CC1IF = SR.field(1)
    UIF = SR.field(0)

    EGR = Register(0x14, access=WO)
    BG = EGR.field(7)
    TG = EGR.field(6)
    COMG = EGR.field(5)
    CC4G = EGR.field(4)
    CC3G = EGR.field(3)
    CC2G = EGR.field(2)
    CC1G = EGR.field(1)
    UG = EGR.field(0)

    CCMR1 = Register(0x18)
    OC2CE = CCMR1.field(15)
    OC2M = CCMR1.field(12, 3)
    OC2PE = CCMR1.field(11)
    OC2FE = CCMR1.field(10)
    CC2S = CCMR1.tag("CC2S", 8, 2)
    OC1CE = CCMR1.field(7)
    OC1M = CCMR1.field(4, 3)
    OC1PE = CCMR1.field(3)
    OC1FE = CCMR1.field(2)
    CC1S = CCMR1.tag("CC1S", 0, 2)
    CCMR1_INPUT = CCMR1.alternative()  # with CCxS other than 0
    CCMR1_INPUT.tag("IC2F", 12, 4)
    CCMR1_INPUT.tag("IC2PSC", 10, 2)
    CCMR1_INPUT.tag("IC1F", 4, 4)
    CCMR1_INPUT.tag("IC1PSC", 2, 2)

    CCMR2 = Register(0x1C)
    OC4CE = CCMR2.field(15)
    OC4M = CCMR2.field(12, 3)
    OC4PE = CCMR2.field(11)
    OC4FE = CCMR2.field(10)
    CC4S = CCMR2.tag("CC4S", 8, 2)
    OC3CE = CCMR2.field(7)
    OC3M = CCMR2.field(4, 3)
    OC3PE = CCMR2.field(3)
    OC3FE = CCMR2.field(2)
    CC3S = CCMR2.tag("CC3S", 0, 2)
    CCMR2_INPUT = CCMR2.alternative()  # with CCxS other than 0
    CCMR2_INPUT.tag("IC4F", 12, 4)
    CCMR2_INPUT.tag("IC4PSC", 10, 2)
    CCMR2_INPUT.tag("IC3F", 4, 4)
    CCMR2_INPUT.tag("IC3PSC", 2, 2)

    CCER = Register(0x20)  # what drives the pins
    CC4NP = CCER.field(15)
    CC4P = CCER.field(13)
    CC4E = CCER.field(12)
    CC3NP = CCER.field(11)
    CC3NE = CCER.field(10)
    CC3P = CCER.field(9)
    CC3E = CCER.field(8)
    CC2NP = CCER.field(7)
    CC2NE = CCER.field(6)
    CC2P = CCER.field(5)
    CC2E = CCER.field(4)
    CC1NP = CCER.field(3)
    CC1NE = CCER.field(2)
    CC1P = CCER.field(1)
    CC1E = CCER.field(0)

    CNT = Register(0x24)
    PSC = Register(0x28)
    PSC_PSC = PSC.field(0, 16)
    ARR = Register(0x2C, reset=0xFFFF_FFFF)
    RCR = Register(0x30)
    REP = RCR.field(0, 8)
    CCR1 = Register(0x34)
    CCR2 = Register(0x38)
    CCR3 = Register(0x3C)
    CCR4 = Register(0x40)

    BDTR = Register(0x44)
    MOE = BDTR.field(15)
    AOE = BDTR.field(14)
    BKP = BDTR.field(13)
    BKE = BDTR.field(12)
    OSSR = BDTR.field(11)
    OSSI = BDTR.field(10)
    LOCK = BDTR.field(8, 2)
    DTG = BDTR.field(0, 8)

    DCR = Register(0x48)
    DCR.tag("DBL", 8, 5)
    DCR.tag("DBA", 0, 5)
    DMAR = Register(0x4C)
    DMAR.tag("DMAB", 0, 16)
    OR = Register(0x50)
    OR.tag("ITR1_RMP", 10, 2)
    OR.tag("TI4_RMP", 6, 2)
    OR.tag("TI1_RMP", 0, 2)

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        bus: Literal["timclk1", "timclk2"],
        irq: IrqLine,
        cc_irq: IrqLine | None = None,
        trg_com_irq: IrqLine | None = None,
        brk_irq: IrqLine | None = None,
        ledger: Ledger = NO_LEDGER,
        bits: int = 16,
        channels: int = CHANNELS,
    ) -> None:
        self.top = (1 << bits) - 1
        self.counter = Counter(self.top)
        super().__init__(name, ledger=ledger)
        self.clock = clock
        self.tree = tree
        self.bus = bus
        self.channels = channels
        split = ((cc_irq, 0x1E), (trg_com_irq, 0x60), (brk_irq, 0x80))
        self._outputs = [(line, mask) for line, mask in split if line is not None]
        self._outputs.append((irq, 0xFF & ~sum(mask for _, mask in self._outputs)))
        self.dma_up = IrqLine()
        self._dma_channels = [IrqLine() for _ in range(CHANNELS)]
        self.dma_ch1, self.dma_ch2, self.dma_ch3, self.dma_ch4 = self._dma_channels
        self._edge: Event | None = None
        self._settings: tuple[int, int] = (0, 1)
        self._tick = 0
        self._retune()
        tree.listeners.append(self._retune)

    def _load_resets(self) -> None:
        super()._load_resets()
        self.ARR = self.top

    def reset(self) -> None:
        """Back to a stopped counter at 0."""
        super().reset()
        self.counter = Counter(self.top)
        self._tick = self._ticks()
        self._update()

    # Time

    def _ticks(self) -> int:
        """The timer's clock, counted from cycle 0 at its present frequency."""
        hz, hclk = self._settings
        return self.clock.now * hz // hclk

    def _retune(self) -> None:
        """The clock tree has changed: settle the past at the old frequency."""
        self._catch_up()
        self._settings = (getattr(self.tree, self.bus), self.tree.hclk)
        self._tick = self._ticks()
        self._update()

    def _catch_up(self) -> None:
        """Bring the counter, CR1's status bits and SR to the present."""
        counter, now = self.counter, self._ticks()
        if counter.running:
            counter.run(now - self._tick)
            self.CEN = self.CEN and counter.running
            if counter.centre:
                self.DIR = counter.down
            self.SR |= counter.events & self._output_channels()
        self._tick = now

    def _output_channels(self) -> int:
        """As a mask of SR: the update flag, and those of the channels that are there and compare (CCxS = 0)."""
        mask = 1
        for channel, select in enumerate((self.CCMR1, self.CCMR1 >> 8, self.CCMR2, self.CCMR2 >> 8)):
            if channel < self.channels and not select & 3:
                mask |= 2 << channel
        return mask

    def write(self, offset: int, size: int, value: int) -> None:
        """See Peripheral.write; what happened before this write happened under the old settings."""
        self._catch_up()
        super().write(offset, size, value)
        self._update()

    # Reads depend on time, not on events: they are no `value`, so that a loop that polls them is not skipped.
    @CR1.on_read
    def _read_cr1(self) -> int:
        self._settle()
        return self.CR1

    @SR.on_read
    def _read_sr(self) -> int:
        self._settle()
        return self.SR

    @CNT.on_read
    def _read_cnt(self) -> int:
        self._settle()
        return self.counter.value

    def _settle(self) -> None:
        self._catch_up()
        if self.counter.events:
            self._update()

    # Settings

    @CR1.on_write
    @SMCR.on_write
    def _write_control(self, _written: int) -> None:
        counter = self.counter
        counter.running = bool(self.CEN) and self.SMCR & 7 in FREE_RUNNING_MODES
        counter.one_pulse, counter.update_disabled = bool(self.OPM), bool(self.UDIS)
        counter.centre = self.CMS
        if counter.centre:
            self.DIR = counter.down  # read only in these modes
        counter.down = bool(self.DIR)
        self._write_values(0)

    @PSC.on_write
    @ARR.on_write
    @RCR.on_write
    @CCR1.on_write
    @CCR2.on_write
    @CCR3.on_write
    @CCR4.on_write
    @CCMR1.on_write
    @CCMR2.on_write
    def _write_values(self, _written: int) -> None:
        """The prescaler is always buffered until the next update; the others where ARPE or OCxPE say so."""
        counter = self.counter
        self.ARR &= self.top
        counter.psc, counter.arr, counter.rcr = self.PSC, self.ARR, self.RCR
        if not self.ARPE:
            counter.arr_now = counter.arr
        buffered = (self.OC1PE, self.OC2PE, self.OC3PE, self.OC4PE)
        for channel in range(CHANNELS):
            index = Tim.CCR1.index + channel
            self.words[index] &= self.top
            counter.ccr[channel] = self.words[index]
            if not buffered[channel]:
                counter.ccr_now[channel] = counter.ccr[channel]

    @CNT.on_write
    def _write_cnt(self, _written: int) -> None:
        self.counter.value = self.CNT & self.top

    @EGR.on_write
    def _generate(self, written: int) -> None:
        self.EGR = 0
        counter = self.counter
        if written & 1:
            counter.generate_update()
            self.DIR = counter.down
            if not self.URS and not self.UDIS:
                self.UIF = 1
            if self.URS:
                counter.events &= ~1
        self.SR |= written & 0xE0 | written & self._output_channels() & 0x1E
        counter.events |= written & 0x1E
        if written & 0x80:
            self.MOE = 0

    # Interrupts, DMA requests, and the one event

    def _update(self) -> None:
        active = self.SR & self.DIER
        for line, mask in self._outputs:
            line.set(active & mask)
        events, self.counter.events = self.counter.events, 0
        if events:
            self._request_dma(events & self._output_channels())
        self._plan()

    def _request_dma(self, events: int) -> None:
        """One request per enabled event; with CCDS the channels ask at the update instead (CR2)."""
        if self.CCDS:
            events = events & 1 and 0x1F
        asking = events & self.DIER >> 8
        if asking & 1:
            self.dma_up.pulse()
        for channel, line in enumerate(self._dma_channels):
            if asking >> channel & 2:
                line.pulse()

    def _plan(self) -> None:
        """Wake up at the next edge that somebody waits for: an interrupt not yet flagged, or a DMA request."""
        wanted = self.DIER & ~self.SR & 0x1F | self.DIER >> 8 & 0x1F
        edge = self.counter.next_edge(wanted) if wanted else None
        due = None if edge is None else self.tree.cycles(self._tick + edge, self._settings[0])
        if self._edge is not None:
            if self._edge.pending and self._edge.due == due:
                return
            self._edge.cancel()
        self._edge = None if due is None else self.clock.at(due, self._wake)

    def _wake(self) -> None:
        self._catch_up()
        self._update()
