# SPDX-License-Identifier: GPL-2.0-or-later
"""LCD-TFT controller (RM0090 chapter 16): the timing of frames on a panel that nobody sees. Nothing ticks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.ltdc_registers import LtdcRegisters as R


class Ltdc(R):
    """Frames follow one another from LTDCEN on; a line begins with its synchronization pulse, and a frame with line 0.

    Args:
        irq: the global interrupt. The error interrupt's causes do not occur.
    """

    MISSING: ClassVar[str] = "the panel: no pixel is fetched or shown, so none comes late"

    def __init__(self, name: str, *, clock: Clock, tree: ClockTree, irq: IrqLine, ledger: Ledger = NO_LEDGER) -> None:
        super().__init__(name, ledger=ledger)
        self.clock = clock
        self.tree = tree
        self.irq = irq
        self._origin = 0  # the cycle at which a frame began, once it runs
        self._settings: tuple[int, int] | None = None  # Hz of the pixel clock and of the CPU's; None: it stands still
        self._next: Event | None = None
        tree.listeners.append(self._retune)

    def reset(self) -> None:
        """The panel goes dark."""
        super().reset()
        self._retune()
        self._update()

    # Time

    @R.GCR.on_write
    def _control(self, _written: int) -> None:
        self._retune()

    def _retune(self) -> None:
        """Begin with a frame when LTDCEN or the clock changes."""
        settings = (self.tree.lcdclk, self.tree.hclk) if self.LTDCEN and self.tree.lcdclk else None
        if settings != self._settings:
            self._settings = settings
            self._origin = self.clock.now
        self._plan()

    def _clocks(self) -> int:
        """Pixel clocks since the first frame began."""
        if self._settings is None:
            return 0
        hz, hclk = self._settings
        return (self.clock.now - self._origin) * hz // hclk

    def _position(self) -> tuple[int, int]:
        """Column and line, both from the first synchronization pulse."""
        line, column = divmod(self._clocks() % self._frame(), self.TOTALW + 1)
        return column, line

    def _frame(self) -> int:
        """Pixel clocks of a frame, blanking included."""
        return (self.TOTALW + 1) * (self.TOTALH + 1)

    @R.SSCR.on_write
    @R.BPCR.on_write
    @R.AWCR.on_write
    @R.TWCR.on_write
    @R.LIPCR.on_write
    def _retime(self, _written: int) -> None:
        self._plan()

    def _plan(self) -> None:
        """One event, for the next line at which something happens."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._settings is None:
            return
        hz, hclk = self._settings
        now, frame = self._clocks(), self._frame()
        ahead = [((line * (self.TOTALW + 1) - now - 1) % frame + 1, line) for line in self._eventful()]
        if ahead:
            clocks, line = min(ahead)
            due = self._origin - (-(now + clocks) * hclk // hz)
            self._next = self.clock.at(due, partial(self._line_begins, line))

    def _eventful(self) -> Iterator[int]:
        if self.LIPOS <= self.TOTALH and not self.LIF:
            yield self.LIPOS
        if self.VBR and self.AAH < self.TOTALH:
            yield self.AAH + 1

    def _line_begins(self, line: int) -> None:
        if line == self.LIPOS:
            self.LIF = 1
        if self.VBR and line == self.AAH + 1:  # vertical blanking begins (section 16.7.6)
            self.VBR = 0
            self.RRIF = 1
        self._plan()
        self._update()

    # Registers

    @R.SRCR.on_write
    def _reload(self, _written: int) -> None:
        self.IMR = 0  # done at once
        self._plan()

    @R.IER.on_write
    def _enable(self, _written: int) -> None:
        self._update()

    @R.ICR.on_write
    def _clear_flags(self, written: int) -> None:
        self.ISR &= ~written
        self._plan()
        self._update()

    def _update(self) -> None:
        self.irq.set(self.ISR & self.IER & (R.LIF.mask | R.RRIF.mask))

    @R.CPSR.value
    def _read_position(self) -> int:
        column, line = self._position()
        return column << 16 | line

    @R.CDSR.value
    def _read_status(self) -> int:
        if self._settings is None:
            return R.CDSR.reset
        column, line = self._position()
        return (
            (column <= self.HSW) << 3
            | (line <= self.VSH) << 2
            | (self.AHBP < column <= self.AAW) << 1
            | (self.AVBP < line <= self.AAH)
        )
