# SPDX-License-Identifier: GPL-2.0-or-later
"""Timers TIM1 to TIM14 (RM0090 chapters 17 to 20): one class, its features by arguments. Nothing ticks."""

from __future__ import annotations

from typing import ClassVar, Literal

from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine, Trigger
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import PLAIN
from stm32emu.peripherals.tim_counter import ALL_EVENTS, CHANNELS, UPDATE, Counter
from stm32emu.peripherals.tim_registers import TimRegisters

TRGO_RESET, TRGO_ENABLE = range(2)  # CR2.MMS
TRGO_EVENTS = (0, 0, UPDATE, 2, 2, 4, 8, 16)
"""By CR2.MMS, what TRGO follows: the update, channel 1's match, and OC1REF to OC4REF, taken to rise at theirs."""
FREE_RUNNING_MODES = (0, 4)  # SMCR.SMS: the others wait for a trigger, a gate or a clock that never comes


class Tim(TimRegisters):
    """One timer: counting, update and compare events, their interrupts and DMA requests. Its pins lead nowhere.

    Args:
        bus: "timclk1" (APB1: TIM2-7, 12-14) or "timclk2" (APB2: TIM1, 8-11).
        irq: the global interrupt; the update interrupt where the others are given as well (TIM1, TIM8).
        cc_irq, trg_com_irq, brk_irq: compare, trigger and commutation, and break interrupts of TIM1 and TIM8.
        bits: 32 for TIM2 and TIM5.
        channels: compare channels: 4, 2 (TIM9, 12), 1 (TIM10, 11, 13, 14) or 0 (TIM6, 7).
    """

    MISSING: ClassVar[str] = "input capture, slave and encoder modes, DMA bursts and pins"

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
        self.trgo = Trigger(self._settle_and_plan)
        self.compares = [Trigger(self._settle_and_plan) for _ in range(CHANNELS)]  # pulses at each match
        self._edge: Event | None = None
        self._settings: tuple[int, int] = (0, 1)
        self._tick = 0
        self._polled = False  # somebody reads SR in a loop
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
        self.ramp.forget()
        self._poll(False)
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
        self.ramp.forget()
        if counter.running:
            counter.run(now - self._tick)
            self.CEN = self.CEN and counter.running
            if counter.centre:
                self.DIR = counter.down
            if counter.events:
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

    # Reads depend on time, not on events: they are no `value`, so that a loop that polls CR1 or CNT is not skipped.
    @TimRegisters.CR1.on_read
    def _read_cr1(self) -> int:
        self._settle()
        return self.CR1

    @TimRegisters.SR.on_read
    def _read_sr(self) -> int:
        """From here on the word is true until an event that is planned for the next flag: the core may serve it."""
        self._settle()
        self._poll(True)
        self._plan()
        return self.SR

    @TimRegisters.CNT.on_read
    def _read_cnt(self) -> int:
        """Firmware waits in loops that do little else: the core counts on until something happens."""
        self._settle()
        counter, (hz, cpu_hz) = self.counter, self._settings
        edge = counter.next_edge(ALL_EVENTS)
        self.ramp.describe(
            since=self.clock.now,
            until=None if edge is None else self.tree.cycles(self._tick + edge, hz),
            hz=hz,
            cpu_hz=cpu_hz,
            phase=counter.phase,
            divider=counter.psc_now + 1,
            start=counter.value,
            step=0 if edge is None else -1 if counter.down else 1,
        )
        return counter.value

    def _poll(self, polled: bool) -> None:
        self._polled = polled
        self.plain[Tim.SR.index] = PLAIN if polled else 0

    def _settle_and_plan(self) -> None:
        self._catch_up()
        self._poll(False)
        self._update()

    def _settle(self) -> None:
        self._catch_up()
        if self.counter.events:
            self._update()

    # Settings

    @TimRegisters.CR1.on_write
    @TimRegisters.SMCR.on_write
    def _write_control(self, _written: int) -> None:
        counter = self.counter
        was_running = counter.running
        counter.running = bool(self.CEN) and self.SMCR & 7 in FREE_RUNNING_MODES
        if counter.running and not was_running and self.MMS == TRGO_ENABLE:
            self.trgo.pulse()
        counter.one_pulse, counter.update_disabled = bool(self.OPM), bool(self.UDIS)
        counter.centre = self.CMS
        if counter.centre:
            self.DIR = counter.down  # read only in these modes
        counter.down = bool(self.DIR)
        self._write_values(0)

    @TimRegisters.PSC.on_write
    @TimRegisters.ARR.on_write
    @TimRegisters.RCR.on_write
    @TimRegisters.CCR1.on_write
    @TimRegisters.CCR2.on_write
    @TimRegisters.CCR3.on_write
    @TimRegisters.CCR4.on_write
    @TimRegisters.CCMR1.on_write
    @TimRegisters.CCMR2.on_write
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

    @TimRegisters.CNT.on_write
    def _write_cnt(self, _written: int) -> None:
        self.counter.value = self.CNT & self.top

    @TimRegisters.EGR.on_write
    def _generate(self, written: int) -> None:
        self.EGR = 0
        counter = self.counter
        if written & 1:
            if self.MMS == TRGO_RESET:
                self.trgo.pulse()
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
            events &= self._output_channels()
            self._request_dma(events)
            self._trigger(events)
        self._plan()

    def _trigger(self, events: int) -> None:
        """Tell the blocks that wait for this timer."""
        for channel, compare in enumerate(self.compares):
            if events >> channel & 2:
                compare.pulse()
        if events & TRGO_EVENTS[self.MMS]:
            self.trgo.pulse()

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
        """Wake up at the next edge that somebody waits for: an interrupt or a flag not yet set, or a DMA request."""
        wanted = self.DIER & ~self.SR & 0x1F | self.DIER >> 8 & 0x1F
        if self._polled:
            wanted |= ~self.SR & self._output_channels()
        if self.trgo.wanted:
            wanted |= TRGO_EVENTS[self.MMS]
        wanted |= sum(2 << channel for channel, compare in enumerate(self.compares) if compare.wanted)
        edge = self.counter.next_edge(wanted) if wanted else None
        due = None if edge is None else self.tree.cycles(self._tick + edge, self._settings[0])
        if self._edge is not None:
            if self._edge.pending and self._edge.due == due:
                return
            self._edge.cancel()
        self._edge = None if due is None else self.clock.at(due, self._settle_and_plan)
