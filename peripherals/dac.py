# SPDX-License-Identifier: GPL-2.0-or-later
"""Digital to analog converter (RM0090 chapter 14): two channels, started by software or by timers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

from stm32emu.peripherals.clock import Action
from stm32emu.peripherals.irq import IrqLine, Trigger
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_W1, RO, WO, Register

CHANNELS = (0, 1)
TRIGGERS = ("TIM6_TRGO", "TIM8_TRGO", "TIM7_TRGO", "TIM5_TRGO", "TIM2_TRGO", "TIM4_TRGO", "EXTI9", "software")  # TSEL
ALIGNMENTS = {"12R": (0, 12), "12L": (4, 12), "8R": (0, 8)}  # bit and width of a channel's register


class Dac(Peripheral):
    """A channel's holding register goes to its output at once, or at the trigger that TSEL selects.

    Args:
        triggers: by name, such as "TIM6_TRGO".
        on_output: told (channel, value of 12 bits) when an output that is enabled changes.
    """

    MISSING: ClassVar[str] = "noise and triangle waves, EXTI9 as a trigger, DMA underruns"

    CR = Register(0x00)
    for _n in CHANNELS:
        for _name, _bit, _width in (("DMAUDRIE", 13, 1), ("MAMP", 8, 4), ("WAVE", 6, 2)):
            CR.tag(f"{_name}{_n + 1}", _bit + 16 * _n, _width)
        for _name, _bit, _width in (("DMAEN", 12, 1), ("TSEL", 3, 3), ("TEN", 2, 1), ("BOFF", 1, 1), ("EN", 0, 1)):
            CR.field(_bit + 16 * _n, _width).name = f"{_name}{_n + 1}"

    SWTRIGR = Register(0x04, access=WO)
    SWTRIG2 = SWTRIGR.field(1)
    SWTRIG1 = SWTRIGR.field(0)

    DHR12R1 = Register(0x08)
    DHR12L1 = Register(0x0C)
    DHR8R1 = Register(0x10)
    DHR12R2 = Register(0x14)
    DHR12L2 = Register(0x18)
    DHR8R2 = Register(0x1C)
    for _n, _registers in enumerate(((DHR12R1, DHR12L1, DHR8R1), (DHR12R2, DHR12L2, DHR8R2))):
        for _register, (_bit, _width) in zip(_registers, ALIGNMENTS.values(), strict=True):
            _register.field(_bit, _width).name = f"DACC{_n + 1}DHR"
    DHR12RD = Register(0x20)
    DHR12LD = Register(0x24)
    DHR8RD = Register(0x28)
    for _register, (_bit, _width) in zip((DHR12RD, DHR12LD, DHR8RD), ALIGNMENTS.values(), strict=True):
        for _n in CHANNELS:
            _register.field(_bit + _n * (8 if _width == 8 else 16), _width).name = f"DACC{_n + 1}DHR"
    del _n, _name, _bit, _width, _register, _registers

    DOR1 = Register(0x2C, access=RO)
    DACC1DOR = DOR1.field(0, 12)
    DOR2 = Register(0x30, access=RO)
    DACC2DOR = DOR2.field(0, 12)
    SR = Register(0x34, access=RC_W1)
    DMAUDR2 = SR.field(29)
    DMAUDR1 = SR.field(13)

    def __init__(
        self,
        name: str,
        *,
        triggers: Mapping[str, Trigger] | None = None,
        on_output: Callable[[int, int], None] = lambda channel, value: None,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        self.triggers = triggers or {}
        self.on_output = on_output
        self.dma_dac1, self.dma_dac2 = self._dma = (IrqLine(), IrqLine())
        self._taken: list[tuple[Trigger, Action]] = []
        super().__init__(name, ledger=ledger)

    def reset(self) -> None:
        """Outputs off and 0."""
        super().reset()
        self._control()

    def _channel(self, n: int) -> int:
        """The channel's half of CR."""
        return self.CR >> 16 * n

    @CR.on_write
    def _control(self, _written: int = 0) -> None:
        while self._taken:
            trigger, action = self._taken.pop()
            trigger.drop(action)
        for n in CHANNELS:
            source = TRIGGERS[self._channel(n) >> 3 & 7]
            if self._channel(n) & 5 != 5 or source == "software":
                continue
            if source in self.triggers:
                action = partial(self._triggered, n)
                self.triggers[source].take(action)
                self._taken.append((self.triggers[source], action))
            else:
                self.ledger.unmodelled(self.name, Dac.CR.offset, f"trigger by {source}")

    def _triggered(self, n: int) -> None:
        """A timer's pulse, which also asks DMA for the next value (section 14.3.7)."""
        self._convert(n)
        if self._channel(n) >> 12 & 1:
            self._dma[n].pulse()

    @SWTRIGR.on_write
    def _software(self, written: int) -> None:
        self.SWTRIGR = 0
        for n in CHANNELS:
            if written >> n & 1 and self._channel(n) & 0x3D == 0x3D:
                self._convert(n)

    def _convert(self, n: int) -> None:
        held, output = (self.DHR12R2, Dac.DOR2) if n else (self.DHR12R1, Dac.DOR1)
        changed = self.words[output.index] != held
        self.words[output.index] = held
        if changed and self._channel(n) & 1:
            self.on_output(n, held)

    # The holding registers: nine views of two values

    @DHR12R1.on_write
    def _right1(self, _written: int) -> None:
        self._hold(0, self.DHR12R1)

    @DHR12L1.on_write
    def _left1(self, _written: int) -> None:
        self._hold(0, self.DHR12L1 >> 4)

    @DHR8R1.on_write
    def _byte1(self, _written: int) -> None:
        self._hold(0, self.DHR8R1 << 4)

    @DHR12R2.on_write
    def _right2(self, _written: int) -> None:
        self._hold(1, self.DHR12R2)

    @DHR12L2.on_write
    def _left2(self, _written: int) -> None:
        self._hold(1, self.DHR12L2 >> 4)

    @DHR8R2.on_write
    def _byte2(self, _written: int) -> None:
        self._hold(1, self.DHR8R2 << 4)

    @DHR12RD.on_write
    def _right_both(self, _written: int) -> None:
        word = self.DHR12RD
        self._hold(0, word & 0xFFF)
        self._hold(1, word >> 16)

    @DHR12LD.on_write
    def _left_both(self, _written: int) -> None:
        word = self.DHR12LD
        self._hold(0, word >> 4 & 0xFFF)
        self._hold(1, word >> 20)

    @DHR8RD.on_write
    def _bytes(self, _written: int) -> None:
        word = self.DHR8RD
        self._hold(0, (word & 0xFF) << 4)
        self._hold(1, (word >> 8) << 4)

    def _hold(self, n: int, value: int) -> None:
        """`value` in every view of channel `n`; without a trigger it goes out at once (section 14.3.4)."""
        for register in Dac.REGISTERS:
            for field in register.fields:
                if field.name == f"DACC{n + 1}DHR":
                    field.__set__(self, value >> 12 - field.width)
        if not self._channel(n) >> 2 & 1:
            self._convert(n)
