# SPDX-License-Identifier: GPL-2.0-or-later
"""DSI host (RM0386 chapter 18): a link with no display. Enough for a driver to set it up and send commands."""

from __future__ import annotations

from typing import ClassVar

from stm32emu.peripherals.stub import Stub

GPSR, WISR, WRPCR = 0x074, 0x40C, 0x430
FIFOS_EMPTY = 0x15  # CMDFE, PWRFE, PRDFE
PLLLS, RRS = 1 << 8, 1 << 12
PLLEN, REGEN = 1 << 0, 1 << 24


class Dsi(Stub):
    """Keeps what is written; regulator and PLL are ready when they are on, and the FIFOs always empty."""

    MISSING: ClassVar[str] = "displays: regulator, PLL and FIFOs report ready, the rest reads as written"

    def answer(self, place: int, word: int) -> int:
        """See Stub.answer."""
        if place == GPSR:
            return FIFOS_EMPTY
        if place == WISR:
            control = self.written(WRPCR)
            return (PLLLS if control & PLLEN else 0) | (RRS if control & REGEN else 0)
        return word
