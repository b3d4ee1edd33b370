# SPDX-License-Identifier: GPL-2.0-or-later
"""USB OTG (RM0090 chapters 34 and 35): a core with no cable. Enough for a driver to find nothing attached."""

from __future__ import annotations

from typing import ClassVar

from stm32emu.peripherals.stub import Stub

GUSBCFG, GRSTCTL, GINTSTS = 0x00C, 0x010, 0x014
FHMOD = 1 << 29
AHBIDL = 1 << 31
SELF_CLEARING = 0b11_0111  # CSRST, HSRST, FCRST, RXFFLSH, TXFFLSH
CMOD = 1 << 0
FIFOS_EMPTY = 1 << 26 | 1 << 5  # PTXFE, NPTXFE


class Otg(Stub):
    """Keeps what is written, reports AHB idle, every reset or flush finished, and the mode that is forced; all accesses
    are in the ledger."""

    MISSING: ClassVar[str] = "USB traffic: resets, FIFO flushes and forced modes are answered, the rest as written"

    def answer(self, place: int, word: int) -> int:
        """See Stub.answer."""
        if place == GRSTCTL:
            return (word & ~SELF_CLEARING) | AHBIDL
        if place == GINTSTS:  # its other flags are cleared by writing 1, and nothing sets them
            return FIFOS_EMPTY | (CMOD if self.written(GUSBCFG) & FHMOD else 0)
        return word
