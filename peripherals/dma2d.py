# SPDX-License-Identifier: GPL-2.0-or-later
"""Chrom-ART accelerator (RM0090 chapter 11): fills, copies, converts and blends rectangles of pixels."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from stm32emu.peripherals.clock import Clock, Event
from stm32emu.peripherals.dma2d_pixels import A4, BITS, L4, OUTPUT_MODES, Layer, blend, encode
from stm32emu.peripherals.dma2d_registers import Dma2dRegisters as R
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.memory import BusError, Memory

PIXEL_CYCLES = 2  # one to read and one to write it: an idle bus with no wait states
COPY, CONVERT, BLEND, FILL = range(4)  # CR.MODE
LOCKED = range(R.FGMAR.offset, R.AMTCR.offset)  # read-only from the start to the end (section 11.5)


class Dma2d(R):
    """One accelerator. Lines appear in memory when the time of the whole image, or of those to the watermark, is up.

    Args:
        irq: the global interrupt.
        memory: what its bus master reaches.
    """

    MISSING: ClassVar[str] = "dead time between accesses, CLUT access errors"

    def __init__(self, name: str, *, clock: Clock, irq: IrqLine, memory: Memory, ledger: Ledger = NO_LEDGER) -> None:
        super().__init__(name, ledger=ledger)
        self.clock = clock
        self.irq = irq
        self.memory = memory
        self._end: Event | None = None  # of the lines in work, or of a CLUT's loading
        self._left = 0  # cycles that a suspended transfer had to go
        self._line = 0  # the first that is not in memory yet

    def reset(self) -> None:
        """What was under way is forgotten."""
        self._stop()
        super().reset()
        self._update()

    # Control

    def write(self, offset: int, size: int, value: int) -> None:
        """See Peripheral.write."""
        if offset in LOCKED and (self.START or self._end):
            self.ledger.illegal(self.name, offset & ~3, "write while a transfer is under way")
        else:
            super().write(offset, size, value)

    @R.CR.on_write
    def _control(self, _written: int) -> None:
        if self.ABORT:
            self._stop()
        elif self.FGPFCCR_START or self.BGPFCCR_START:
            self.START = 0  # refused while a CLUT is loaded (section 11.5.1)
        elif self.START and self.SUSP:
            self._suspend()
        elif self._left:
            self._resume()
        elif self.START and self._end is None:
            self._begin()
        self._update()

    def _stop(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None
        self._left = 0
        self.START = self.ABORT = self.FGPFCCR_START = self.BGPFCCR_START = 0

    def _suspend(self) -> None:
        if self._end is not None:
            self._left = max(1, self._end.due - self.clock.now)
            self._end.cancel()
            self._end = None

    def _resume(self) -> None:
        self._end = self.clock.after(self._left, self._lines_done)
        self._left = 0

    @R.IFCR.on_write
    def _clear_flags(self, written: int) -> None:
        self.ISR &= ~written
        self._update()

    def _update(self) -> None:
        self.irq.set(self.ISR & self.CR >> 8)

    # Rectangles

    def _begin(self) -> None:
        if self._is_misconfigured():
            self.CEIF = 1
            self.START = 0
            return
        self._line = 0
        self._plan()

    def _stretch_end(self) -> int:
        """The line before which the next event comes: the watermark's, or the end."""
        return self.LW if self._line < self.LW < self.NL else self.NL

    def _plan(self) -> None:
        cycles = (self._stretch_end() - self._line) * self.PL * PIXEL_CYCLES
        self._end = self.clock.after(cycles, self._lines_done)

    def _lines_done(self) -> None:
        self._end = None
        end = self._stretch_end()
        try:
            for line in range(self._line, end):
                self._move(line)
        except BusError:
            self.TEIF = 1
            self.START = 0
        else:
            self._line = end
            self.TWIF |= end == self.LW
            if end < self.NL:
                self._plan()
            else:
                self.TCIF = 1
                self.START = 0
        self._update()

    def _move(self, line: int) -> None:
        mode = self.FGPFCCR_CM if self.MODE == COPY else self.OPFCCR_CM
        if self.MODE == FILL:
            data = (self.OCOLR & (1 << BITS[mode]) - 1).to_bytes(BITS[mode] // 8, "little") * self.PL
        else:
            data = self._foreground(line)
        if self.MODE in (CONVERT, BLEND):
            pixels = self._layer("FG").pixels(data)
            if self.MODE == BLEND:
                back = self._layer("BG").pixels(self._background(line))
                pixels = list(map(blend, pixels, back))
            data = encode(mode, pixels)
        self.memory.write(self.OMAR + line * (self.PL + self.OOR_LO) * BITS[mode] // 8, data)

    def _foreground(self, line: int) -> bytes:
        return self._source(self.FGMAR, line, self.FGOR_LO, BITS[self.FGPFCCR_CM])

    def _background(self, line: int) -> bytes:
        return self._source(self.BGMAR, line, self.BGOR_LO, BITS[self.BGPFCCR_CM])

    def _source(self, address: int, line: int, offset: int, bits: int) -> bytes:
        return self.memory.read(address + line * (self.PL + offset) * bits // 8, self.PL * bits // 8)

    def _layer(self, side: str) -> Layer:
        field = partial(getattr, self)
        return Layer(
            mode=field(f"{side}PFCCR_CM"),
            clut=field(f"{side}CLUT"),
            color=field(f"{side}COLR"),
            alpha_mode=field(f"{side}PFCCR_AM"),
            alpha=field(f"{side}PFCCR_ALPHA"),
        )

    def _is_misconfigured(self) -> bool:
        """Section 11.3.10, "Configuration errors"."""
        sides = {COPY: ("FG",), CONVERT: ("FG",), BLEND: ("FG", "BG"), FILL: ()}[self.MODE]
        return not self.PL or not self.NL or any(map(self._is_bad_source, sides)) or self._is_bad_output()

    def _is_bad_source(self, side: str) -> bool:
        mode, offset = getattr(self, f"{side}PFCCR_CM"), getattr(self, f"{side}OR_LO")
        if mode >= len(BITS) or (mode in (L4, A4) and (self.PL & 1 or offset & 1)):
            return True
        return _is_unaligned(getattr(self, f"{side}MAR"), mode)

    def _is_bad_output(self) -> bool:
        if self.MODE == COPY:
            return _is_unaligned(self.OMAR, self.FGPFCCR_CM)
        return self.OPFCCR_CM >= OUTPUT_MODES or _is_unaligned(self.OMAR, self.OPFCCR_CM)

    # Color look-up tables

    @R.FGPFCCR.on_write
    def _foreground_format(self, written: int) -> None:
        self._load_clut("FG", written)

    @R.BGPFCCR.on_write
    def _background_format(self, written: int) -> None:
        self._load_clut("BG", written)

    def _load_clut(self, side: str, written: int) -> None:
        if not written & R.FGPFCCR_START.mask:
            return
        if not getattr(self, f"{side}PFCCR_CCM") and getattr(self, f"{side}CMAR") & 3:
            self.CEIF = 1
            setattr(self, f"{side}PFCCR_START", 0)
            self._update()
            return
        entries = getattr(self, f"{side}PFCCR_CS") + 1
        self._end = self.clock.after(entries * PIXEL_CYCLES, partial(self._clut_loaded, side, entries))

    def _clut_loaded(self, side: str, entries: int) -> None:
        self._end = None
        mode, table = getattr(self, f"{side}PFCCR_CCM"), getattr(self, f"{side}CLUT")
        try:
            data = self.memory.read(getattr(self, f"{side}CMAR"), entries * BITS[mode] // 8)
        except BusError:
            self.TEIF = 1
        else:
            for n, color in enumerate(Layer(mode, (), 0, 0, 0).pixels(data)):
                table[n] = color
            self.CTCIF = 1
        setattr(self, f"{side}PFCCR_START", 0)
        self._update()


def _is_unaligned(address: int, mode: int) -> bool:
    """A word or halfword must lie at a multiple of its size."""
    return bool(address & {32: 3, 16: 1}.get(BITS[mode], 0))
