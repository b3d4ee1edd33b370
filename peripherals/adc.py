# SPDX-License-Identifier: GPL-2.0-or-later
"""Analog to digital converters (RM0090 chapter 13): values by input, each conversion in its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import ClassVar

from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine, SharedIrq
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_W0, RO, Register
from stm32emu.peripherals.unclocked import Slave

SAMPLE_CYCLES = (3, 15, 28, 56, 84, 112, 144, 480)
RESOLUTION_BITS = (12, 10, 8, 6)
LEFT_SHIFT = (4, 6, 8, 2)  # by resolution, for ALIGN = 1 (section 13.5)
COMMON = 0x300

INTERNAL = {16: 943, 17: 1502, 18: 943}
"""Readings at 3.3 V: the temperature sensor at 25 degrees (input 16, or 18 from F42x on), VREFINT at 17."""


class AdcCommon(Peripheral):
    """The registers that all converters share (section 13.13.15 to 13.13.17)."""

    SIZE: ClassVar[int] = 0x100

    CSR = Register(0x00, access=RO)
    OVR3 = CSR.field(21)
    STRT3 = CSR.field(20)
    JSTRT3 = CSR.field(19)
    JEOC3 = CSR.field(18)
    EOC3 = CSR.field(17)
    AWD3 = CSR.field(16)
    OVR2 = CSR.field(13)
    STRT2 = CSR.field(12)
    JSTRT2 = CSR.field(11)
    JEOC2 = CSR.field(10)
    EOC2 = CSR.field(9)
    AWD2 = CSR.field(8)
    OVR1 = CSR.field(5)
    STRT1 = CSR.field(4)
    JSTRT1 = CSR.field(3)
    JEOC1 = CSR.field(2)
    EOC1 = CSR.field(1)
    AWD1 = CSR.field(0)

    CCR = Register(0x04)
    TSVREFE = CCR.field(23)
    VBATE = CCR.field(22)
    ADCPRE = CCR.field(16, 2)
    CCR.tag("DMA", 14, 2)
    CCR.tag("DDS", 13)
    CCR.tag("DELAY", 8, 4)
    CCR.tag("MULT", 0, 5)

    CDR = Register(0x08, access=RO)
    DATA2 = CDR.field(16, 16)
    DATA1 = CDR.field(0, 16)

    def __init__(self, name: str, *, converters: Sequence[Adc] = (), ledger: Ledger = NO_LEDGER) -> None:
        super().__init__(name, ledger=ledger)
        self.converters = converters

    @CSR.value
    def _read_csr(self) -> int:
        return sum(each.SR << 8 * n for n, each in enumerate(self.converters))

    @CDR.value
    def _read_cdr(self) -> int:
        return sum(each.DR << 16 * n for n, each in enumerate(self.converters[:2]))


class Adc(Peripheral):
    """One converter. `inputs` holds the 12-bit reading of each input; one that is absent reads 0.

    A continuous conversion that nobody reads, and whose value can only come out the same, pauses until DR is read.
    """

    MISSING: ClassVar[str] = "external triggers, discontinuous and multi-converter modes"
    SIZE: ClassVar[int] = 0x100

    SR = Register(0x00, access=RC_W0)
    OVR = SR.field(5)
    STRT = SR.field(4)
    JSTRT = SR.field(3)
    JEOC = SR.field(2)
    EOC = SR.field(1)
    AWD = SR.field(0)

    CR1 = Register(0x04)
    OVRIE = CR1.field(26)
    RES = CR1.field(24, 2)
    AWDEN = CR1.field(23)
    JAWDEN = CR1.field(22)
    DISCNUM = CR1.field(13, 3)
    CR1.tag("JDISCEN", 12)
    CR1.tag("DISCEN", 11)
    CR1.tag("JAUTO", 10)
    AWDSGL = CR1.field(9)
    SCAN = CR1.field(8)
    JEOCIE = CR1.field(7)
    AWDIE = CR1.field(6)
    EOCIE = CR1.field(5)
    AWDCH = CR1.field(0, 5)

    CR2 = Register(0x08)
    SWSTART = CR2.field(30)
    CR2.tag("EXTEN", 28, 2)
    EXTSEL = CR2.field(24, 4)
    JSWSTART = CR2.field(22)
    CR2.tag("JEXTEN", 20, 2)
    JEXTSEL = CR2.field(16, 4)
    ALIGN = CR2.field(11)
    EOCS = CR2.field(10)
    DDS = CR2.field(9)
    DMA = CR2.field(8)
    CONT = CR2.field(1)
    ADON = CR2.field(0)

    SMPR1 = Register(0x0C)  # three bits per input, from 10 on
    SMPR2 = Register(0x10)  # from 0 on
    JOFR1 = Register(0x14)
    JOFFSET1 = JOFR1.field(0, 12)
    JOFR2 = Register(0x18)
    JOFFSET2 = JOFR2.field(0, 12)
    JOFR3 = Register(0x1C)
    JOFFSET3 = JOFR3.field(0, 12)
    JOFR4 = Register(0x20)
    JOFFSET4 = JOFR4.field(0, 12)
    HTR = Register(0x24, reset=0xFFF)
    HT = HTR.field(0, 12)
    LTR = Register(0x28)
    LT = LTR.field(0, 12)

    SQR1 = Register(0x2C)
    L = SQR1.field(20, 4)
    SQ16 = SQR1.field(15, 5)
    SQ15 = SQR1.field(10, 5)
    SQ14 = SQR1.field(5, 5)
    SQ13 = SQR1.field(0, 5)
    SQR2 = Register(0x30)
    SQ12 = SQR2.field(25, 5)
    SQ11 = SQR2.field(20, 5)
    SQ10 = SQR2.field(15, 5)
    SQ9 = SQR2.field(10, 5)
    SQ8 = SQR2.field(5, 5)
    SQ7 = SQR2.field(0, 5)
    SQR3 = Register(0x34)
    SQ6 = SQR3.field(25, 5)
    SQ5 = SQR3.field(20, 5)
    SQ4 = SQR3.field(15, 5)
    SQ3 = SQR3.field(10, 5)
    SQ2 = SQR3.field(5, 5)
    SQ1 = SQR3.field(0, 5)
    JSQR = Register(0x38)
    JL = JSQR.field(20, 2)
    JSQ4 = JSQR.field(15, 5)
    JSQ3 = JSQR.field(10, 5)
    JSQ2 = JSQR.field(5, 5)
    JSQ1 = JSQR.field(0, 5)

    JDR1 = Register(0x3C, access=RO)
    JDR1_JDATA = JDR1.field(0, 16)
    JDR2 = Register(0x40, access=RO)
    JDR2_JDATA = JDR2.field(0, 16)
    JDR3 = Register(0x44, access=RO)
    JDR3_JDATA = JDR3.field(0, 16)
    JDR4 = Register(0x48, access=RO)
    JDR4_JDATA = JDR4.field(0, 16)
    DR = Register(0x4C, access=RO)
    DATA = DR.field(0, 16)

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        irq: IrqLine,
        dma: IrqLine | None = None,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        super().__init__(name, ledger=ledger)
        self.clock = clock
        self.tree = tree
        self.irq = irq
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
        self._update()

    def _stop(self) -> None:
        for event in (self._regular, self._injected):
            if event is not None:
                event.cancel()
        self._regular = self._injected = None
        self._power_on()

    @SR.on_write
    @CR1.on_write
    def _update(self, _written: int = 0) -> None:
        sr, cr1 = self.SR, self.CR1
        enabled = cr1 >> 4 & 2 | cr1 >> 6 & 1 | cr1 >> 5 & 4 | cr1 >> 21 & 0x20  # EOC, AWD, JEOC, OVR
        self.irq.set(sr & enabled)
        self.dma.set(self.DMA and self._unread and self._requesting and not self.OVR)

    @CR2.on_write
    def _control(self, written: int) -> None:
        start, start_injected = self.SWSTART, self.JSWSTART
        self.SWSTART = self.JSWSTART = 0
        if not self.ADON:
            self._stop()
        else:
            if start and self._regular is None:
                self.STRT = 1
                self._rank, self._parked, self._requesting, self._unread = 0, False, True, False
                self._convert(self.clock.now)
            if start_injected and self._injected is None:
                self.JSTRT = 1
                self._injected = self._after(self.clock.now, self._injected_inputs(), self._injected_done)
        self._update()

    @DR.on_read
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
        ledger: Ledger = NO_LEDGER,
        converters: int = 3,
    ) -> None:
        super().__init__(name, ledger=ledger)
        self.dma_adc1, self.dma_adc2, self.dma_adc3 = lines = [IrqLine() for _ in range(3)]
        shared = SharedIrq(irq)
        self.converters = [
            Adc(f"ADC{n + 1}", clock=clock, tree=tree, irq=shared.line(), dma=lines[n], ledger=ledger)
            for n in range(converters)
        ]
        self.common = AdcCommon(name, converters=self.converters, ledger=ledger)
        for each in self.converters:
            each.common = self.common
        self.converters[0].inputs.update(INTERNAL)
        self._slaves: dict[int, Slave] = {COMMON >> 8: self.common, **dict(enumerate(self.converters))}

    def parts(self) -> Iterator[tuple[int, Peripheral]]:
        """See Peripheral.parts."""
        yield from ((n << 8, each) for n, each in enumerate(self.converters))
        yield COMMON, self.common

    def serve(self, n: int, slave: Slave) -> None:
        """Let `slave` answer where converter `n` (0 ... 2) does: itself, or what stands in for it."""
        self._slaves[n] = slave

    def read(self, offset: int, size: int) -> int:
        """See Peripheral.read."""
        part = self._slaves.get(offset >> 8)
        return self.read_undeclared(offset, size) if part is None else part.read(offset & 0xFF, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """See Peripheral.write."""
        part = self._slaves.get(offset >> 8)
        if part is None:
            self.write_undeclared(offset, size, value)
        else:
            part.write(offset & 0xFF, size, value)

    def reset(self) -> None:
        """All converters and the common registers."""
        for part in (*self.converters, self.common):
            part.reset()
