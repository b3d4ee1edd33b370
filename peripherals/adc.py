# SPDX-License-Identifier: GPL-2.0-or-later
"""Analog to digital converters (RM0090 chapter 13): values by input, each conversion in its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import ClassVar

from stm32emu.peripherals.adc_registers import AdcCommon, AdcRegisters
from stm32emu.peripherals.clock import Action, Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine, SharedIrq, Trigger
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.unclocked import Slave, Unclocked

SAMPLE_CYCLES = (3, 15, 28, 56, 84, 112, 144, 480)
RESOLUTION_BITS = (12, 10, 8, 6)
LEFT_SHIFT = (4, 6, 8, 2)  # by resolution, for ALIGN = 1 (section 13.5)
COMMON = 0x300
REGULAR_TRIGGERS = (  # by EXTSEL, and below by JEXTSEL (section 13.13.3)
    *("TIM1_CC1", "TIM1_CC2", "TIM1_CC3", "TIM2_CC2", "TIM2_CC3", "TIM2_CC4", "TIM2_TRGO", "TIM3_CC1"),
    *("TIM3_TRGO", "TIM4_CC4", "TIM5_CC1", "TIM5_CC2", "TIM5_CC3", "TIM8_CC1", "TIM8_TRGO", "EXTI11"),
)
INJECTED_TRIGGERS = (
    *("TIM1_CC4", "TIM1_TRGO", "TIM2_CC1", "TIM2_TRGO", "TIM3_CC2", "TIM3_CC4", "TIM4_CC1", "TIM4_CC2"),
    *("TIM4_CC3", "TIM4_TRGO", "TIM5_CC4", "TIM5_TRGO", "TIM8_CC2", "TIM8_CC3", "TIM8_CC4", "EXTI15"),
)

INTERNAL = {16: 943, 17: 1502, 18: 943}
"""Readings at 3.3 V: the temperature sensor at 25 degrees (input 16, or 18 from F42x on), VREFINT at 17."""


class Adc(AdcRegisters):
    """One converter. `inputs` holds the 12-bit reading of each input; one that is absent reads 0.

    A continuous conversion that nobody reads, and whose value can only come out the same, pauses until DR is read.
    """

    MISSING: ClassVar[str] = "triggers by compare channels and EXTI, discontinuous and multi-converter modes"

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        irq: IrqLine,
        dma: IrqLine | None = None,
        triggers: Mapping[str, Trigger] | None = None,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        super().__init__(name, ledger=ledger)
        self.clock = clock
        self.tree = tree
        self.irq = irq
        self.triggers = triggers or {}
        self._taken: list[tuple[Trigger, Action]] = []
        self.dma = dma or IrqLine()
        self.common = AdcCommon(name)
        self.inputs: dict[int, int] = {}
        self._regular: Event | None = None
        self._injected: Event | None = None
        self._power_on()

    def _power_on(self) -> None:
        self._rank = 0  # in the regular sequence
        self._unread = False
        self._parked = False
        self._requesting = True  # with DDS clear, requests end with the DMA's own transfer

    def reset(self) -> None:
        """Conversions stop."""
        super().reset()
        self._stop()
        self._listen()
        self._update()

    def _stop(self) -> None:
        for event in (self._regular, self._injected):
            if event is not None:
                event.cancel()
        self._regular = self._injected = None
        self._power_on()

    @AdcRegisters.SR.on_write
    @AdcRegisters.CR1.on_write
    def _update(self, _written: int = 0) -> None:
        sr, cr1 = self.SR, self.CR1
        enabled = cr1 >> 4 & 2 | cr1 >> 6 & 1 | cr1 >> 5 & 4 | cr1 >> 21 & 0x20  # EOC, AWD, JEOC, OVR
        self.irq.set(sr & enabled)
        self.dma.set(self.DMA and self._unread and self._requesting and not self.OVR)

    @AdcRegisters.CR2.on_write
    def _control(self, written: int) -> None:
        start, start_injected = self.SWSTART, self.JSWSTART
        self.SWSTART = self.JSWSTART = 0
        if not self.ADON:
            self._stop()
        if self.ADON and start and self._regular is None:
            self._requesting, self._unread = True, False
            self._start_regular()
        if self.ADON and start_injected:
            self._start_injected()
        self._listen()
        self._update()

    def _start_regular(self) -> None:
        """A start while a sequence is under way is lost."""
        if self._regular is None:
            self.STRT = 1
            self._rank, self._parked = 0, False
            self._convert(self.clock.now)

    def _start_injected(self) -> None:
        if self._injected is None:
            self.JSTRT = 1
            self._injected = self._after(self.clock.now, self._injected_inputs(), self._injected_done)

    def _listen(self) -> None:
        """Wait for the selected external triggers; a pulse has edges of both kinds (section 13.6)."""
        while self._taken:
            trigger, action = self._taken.pop()
            trigger.drop(action)
        for enabled, source, start in (
            (self.EXTEN, REGULAR_TRIGGERS[self.EXTSEL], self._start_regular),
            (self.JEXTEN, INJECTED_TRIGGERS[self.JEXTSEL], self._start_injected),
        ):
            if not enabled or not self.ADON:
                continue
            if source in self.triggers:
                self.triggers[source].take(start)
                self._taken.append((self.triggers[source], start))
            else:
                self.ledger.unmodelled(self.name, Adc.CR2.offset, f"trigger by {source}")

    @AdcRegisters.DR.on_read
    def _read_dr(self) -> int:
        self.EOC = 0
        self._unread = False
        if self._parked and self.ADON and self._regular is None:
            self._parked = False
            self._convert(self.clock.now)
        self._update()
        return self.DR

    def _regular_input(self, rank: int) -> int:
        register, place = divmod(rank, 6)
        return (self.SQR3, self.SQR2, self.SQR1)[register] >> 5 * place & 31

    def _injected_inputs(self) -> list[int]:
        """The sequence ends with JSQ4 and is JL + 1 long (section 13.13.12)."""
        return [self.JSQR >> 5 * place & 31 for place in range(3 - self.JL, 4)]

    def _after(self, start: int, inputs: Sequence[int], action: Callable[[int], None]) -> Event:
        """Do `action(end)` when `inputs` are converted, which takes sampling and a cycle per bit (section 13.6)."""
        cycles = 0
        for each in inputs:
            sample = self.SMPR1 >> 3 * (each - 10) if each >= 10 else self.SMPR2 >> 3 * each
            cycles += SAMPLE_CYCLES[sample & 7] + RESOLUTION_BITS[self.RES]
        end = start + self.tree.cycles(cycles * 2 * (self.common.ADCPRE + 1), self.tree.pclk2)
        return self.clock.at(end, partial(action, end))

    def _convert(self, start: int) -> None:
        self._regular = self._after(start, (self._regular_input(self._rank),), self._converted)

    def _sample(self, number: int, watched: int) -> int:
        """The reading of an input, at the resolution; sets AWD when a watched one is out of its window."""
        value = self.inputs.get(number, 0) & 0xFFF
        if watched and not (self.AWDSGL and self.AWDCH != number) and not self.LT <= value <= self.HT:
            self.AWD = 1
        return value >> 12 - RESOLUTION_BITS[self.RES]

    def _converted(self, end: int) -> None:
        self._regular = None
        last = not self.SCAN or self._rank >= self.L
        value = self._sample(self._regular_input(self._rank), self.AWDEN)
        if not self._is_overrun():
            self.DR = value << LEFT_SHIFT[self.RES] if self.ALIGN else value
            self._unread = True
            if self.EOCS or last:
                self.EOC = 1
            self._rank = 0 if last else self._rank + 1
            if not last:
                self._convert(end)
            elif self.CONT:
                self._parked = not self.DMA and not self.EOCS
                if not self._parked:
                    self._convert(end)
        self._update()

    def _is_overrun(self) -> bool:
        """Data lost: with DMA or EOCS conversions stop (section 13.8.1); a DMA that has ended (DDS = 0) loses none."""
        if not self._unread or not (self.DMA or self.EOCS):
            return False
        if self.DMA and not self.DDS:
            self._requesting = False
            return False
        self.OVR = 1
        return True

    def _injected_done(self, _end: int) -> None:
        self._injected = None
        inputs = self._injected_inputs()
        for place, number in enumerate(inputs):
            offset = self.words[Adc.JOFR1.index + place] & 0xFFF
            self.words[Adc.JDR1.index + place] = self._sample(number, self.JAWDEN) - offset & 0xFFFF
        self.JEOC = 1
        self._update()


class AdcBlock(Peripheral):
    """ADC1 to ADC3 and their common registers, which share one interrupt and one stretch of addresses.

    Args:
        triggers: external triggers by name, such as "TIM2_TRGO".
        converters: 1 on the smallest parts, else 3.
    """

    MISSING: ClassVar[str] = Adc.MISSING

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        irq: IrqLine,
        triggers: Mapping[str, Trigger] | None = None,
        ledger: Ledger = NO_LEDGER,
        converters: int = 3,
    ) -> None:
        super().__init__(name, ledger=ledger)
        self.dma_adc1, self.dma_adc2, self.dma_adc3 = lines = [IrqLine() for _ in range(3)]
        shared = SharedIrq(irq)
        self.converters = [
            Adc(
                f"ADC{n + 1}", clock=clock, tree=tree, irq=shared.line(), dma=lines[n], triggers=triggers, ledger=ledger
            )
            for n in range(converters)
        ]
        self.common = AdcCommon(name, converters=self.converters, ledger=ledger)
        for each in self.converters:
            each.common = self.common
        self.converters[0].inputs.update(INTERNAL)
        self._off = Unclocked(name, "RCC_APB2ENR.ADCxEN", ledger)
        self._slaves: dict[int, tuple[int, Slave]] = {offset >> 8: (offset, part) for offset, part in self.parts()}

    def parts(self) -> Iterator[tuple[int, Peripheral]]:
        """See Peripheral.parts."""
        yield from ((n << 8, each) for n, each in enumerate(self.converters))
        yield COMMON, self.common

    def serve(self, n: int, slave: Slave) -> None:
        """Let `slave` answer where converter `n` (0 ... 2) does: itself, or what stands in for it. The common registers
        have a clock while any converter has."""
        self._slaves[n] = (n << 8, slave)
        clocked = any(self._slaves[k][1] is each for k, each in enumerate(self.converters))
        self._slaves[COMMON >> 8] = (COMMON, self.common) if clocked else (0, self._off)

    def read(self, offset: int, size: int) -> int:
        """See Peripheral.read."""
        if offset >> 8 not in self._slaves:
            return self.read_undeclared(offset, size)
        start, slave = self._slaves[offset >> 8]
        return slave.read(offset - start, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """See Peripheral.write."""
        if offset >> 8 not in self._slaves:
            self.write_undeclared(offset, size, value)
            return
        start, slave = self._slaves[offset >> 8]
        slave.write(offset - start, size, value)

    def reset(self) -> None:
        """All converters and the common registers."""
        for part in (*self.converters, self.common):
            part.reset()
