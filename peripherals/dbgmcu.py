# SPDX-License-Identifier: GPL-2.0-or-later
"""Debug MCU unit: device identity and debug freezes (RM0090 section 38.16, "MCU debug component")."""

from __future__ import annotations

from typing import ClassVar

from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RO, Register

DEVICES = {"F407": 0x413, "F429": 0x419, "F446": 0x421, "F469": 0x434}
REVISIONS = {"F407": 0x1007, "F429": 0x2003, "F446": 0x1000, "F469": 0x1000}
APB1_STOPS = {**{f"TIM{n}": bit for bit, n in enumerate((2, 3, 4, 5, 6, 7, 12, 13, 14))}, "RTC": 10, "WWDG": 11,
              "IWDG": 12, "CAN1": 25, "CAN2": 26}  # fmt: skip
APB1_TIMEOUTS = {"I2C1": 21, "I2C2": 22, "I2C3": 23, "I2CFMP": 24}
APB2_STOPS = {"TIM1": 0, "TIM8": 1, "TIM9": 16, "TIM10": 17, "TIM11": 18}


class Dbgmcu(Peripheral):
    """IDCODE tells the chip; the other bits are kept. They matter only while a debugger halts the core, and time here
    stops with it. A system reset changes nothing in this block.

    Args:
        series: "F407", "F429", "F446" or "F469"; gives IDCODE.
    """

    MISSING: ClassVar[str] = "trace pins"

    IDCODE = Register(0x00, access=RO)
    DEV_ID = IDCODE.field(0, 12)
    REV_ID = IDCODE.field(16, 16)

    CR = Register(0x04)
    DBG_SLEEP = CR.field(0)
    DBG_STOP = CR.field(1)
    DBG_STANDBY = CR.field(2)
    TRACE_IOEN = CR.field(5)
    TRACE_MODE = CR.field(6, 2)

    APB1_FZ = Register(0x08)
    for _name, _bit in APB1_STOPS.items():
        APB1_FZ.field(_bit).name = f"DBG_{_name}_STOP"
    for _name, _bit in APB1_TIMEOUTS.items():
        APB1_FZ.field(_bit).name = f"DBG_{_name}_SMBUS_TIMEOUT"

    APB2_FZ = Register(0x0C)
    for _name, _bit in APB2_STOPS.items():
        APB2_FZ.field(_bit).name = f"DBG_{_name}_STOP"
    del _name, _bit

    def __init__(self, name: str, *, series: str = "F407", ledger: Ledger = NO_LEDGER) -> None:
        super().__init__(name, ledger=ledger)
        self.DEV_ID = DEVICES[series]
        self.REV_ID = REVISIONS[series]

    def reset(self) -> None:
        """Nothing: only power-on resets this block."""
