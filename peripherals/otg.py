# SPDX-License-Identifier: GPL-2.0-or-later
"""USB OTG (RM0090 chapters 34 and 35): a core with no cable. Enough for a driver to find nothing attached."""

from __future__ import annotations

from typing import ClassVar

from stm32emu.peripherals.stub import Stub

GRSTCTL = 0x010
AHBIDL = 1 << 31
SELF_CLEARING = 0b11_0111  # CSRST, HSRST, FCRST, RXFFLSH, TXFFLSH


class Otg(Stub):
    """Keeps what is written, reports AHB idle and every reset or flush finished; all accesses are in the ledger."""

    MISSING: ClassVar[str] = "no USB traffic: resets and FIFO flushes finish, everything else reads back as written"

    def read(self, offset: int, size: int) -> int:
        """See Peripheral.read."""
        word = super().read(offset & ~3, 4)
        if offset & ~3 == GRSTCTL:
            word = (word & ~SELF_CLEARING) | AHBIDL
        return (word >> (8 * (offset & 3))) & ((1 << (8 * size)) - 1)
