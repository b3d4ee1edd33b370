# SPDX-License-Identifier: GPL-2.0-or-later
"""True random number generator (RM0090 chapter 24, RM0386 chapter 26)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import ClassVar

from stm32emu.peripherals.clock import Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_W0, RO, Register

RNG_CLOCKS = 40  # PLL48CLK periods between two words (section 24.3.1)


def seeded(seed: int) -> Callable[[], int]:
    """A source of 32-bit words, the same for a seed everywhere: SHA-256 in counter mode, little-endian words."""
    prefix = f"stm32emu rng {seed} ".encode()
    words: list[int] = []
    block = 0

    def word() -> int:
        nonlocal block
        if not words:
            digest = hashlib.sha256(prefix + str(block).encode()).digest()
            words.extend(int.from_bytes(digest[n : n + 4], "little") for n in range(28, -4, -4))
            block += 1
        return words.pop()

    return word


Distortion = Callable[[int], int]
"""What a faulty generator makes of each word, although it reports no error."""


class StuckAt:
    """The same word again and again: `word`, or else the first one that comes."""

    def __init__(self, word: int | None = None) -> None:
        self._word = word

    def __call__(self, word: int) -> int:
        """The word in place of `word`."""
        self._word = word if self._word is None else self._word
        return self._word


class Repeating:
    """The same words once more, from the first on, after every `restart`."""

    def __init__(self) -> None:
        self._words: list[int] = []
        self._next = 0

    def restart(self) -> None:
        """The sequence starts again."""
        self._next = 0

    def __call__(self, word: int) -> int:
        """The word in place of `word`."""
        if self._next == len(self._words):
            self._words.append(word)
        self._next += 1
        return self._words[self._next - 1]


class Biased:
    """The upper `bits` of every word are 0."""

    def __init__(self, bits: int) -> None:
        self._mask = (1 << (32 - bits)) - 1

    def __call__(self, word: int) -> int:
        """The word in place of `word`."""
        return word & self._mask


class Rng(Peripheral):
    """One 32-bit word of `source` per read of DR, 40 periods of the 48 MHz clock after the last one was taken.

    Args:
        irq: the HASH_RNG interrupt's RNG half.
        source: gives the words; `seeded(seed)` for a machine's own.
    """

    MISSING: ClassVar[str] = ""

    CR = Register(0x00)
    RNGEN = CR.field(2)
    IE = CR.field(3)

    SR = Register(0x04)
    DRDY = SR.field(0, access=RO)
    CECS = SR.field(1, access=RO)
    SECS = SR.field(2, access=RO)
    CEIS = SR.field(5, access=RC_W0)
    SEIS = SR.field(6, access=RC_W0)

    DR = Register(0x08, access=RO)
    RNDATA = DR.field(0, 32)

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        irq: IrqLine,
        source: Callable[[], int] | None = None,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        self.clock = clock
        self.tree = tree
        self.irq = irq
        self.source = source or seeded(0)
        self.distortions: list[Distortion] = []
        self.seed_fault = False
        self.clock_fault = False
        self._next: Event | None = None
        super().__init__(name, ledger=ledger)
        tree.listeners.append(self._update)

    def reset(self) -> None:
        """Registers only: a broken noise source stays broken."""
        super().reset()
        self._update()

    def break_seed(self, broken: bool) -> None:
        """The noise source repeats itself, or no longer does. While it is broken the seed error stands, however often
        RNGEN toggles; an error once detected needs the firmware's recovery even then."""
        self.seed_fault = broken
        self._update()

    def break_clock(self, broken: bool) -> None:
        """The 48 MHz clock is lost at the RNG alone, or comes back."""
        self.clock_fault = broken
        self._update()

    def discard(self) -> None:
        """The word at hand is lost; another one follows in its time."""
        self.DR = self.DRDY = 0
        self._update()

    @CR.on_write
    @SR.on_write
    def _written(self, _written: int) -> None:
        self._update()

    @DR.on_read
    def _take(self) -> int:
        """Without DRDY the register reads 0 (section 24.4.3)."""
        word = self.DR if self.DRDY else 0
        self.DR = self.DRDY = 0
        self._update()
        return word

    def _update(self) -> None:
        if not self.RNGEN:
            self.DR = self.DRDY = self.SECS = 0  # a seed error is recovered from by RNGEN 0, then 1 (section 24.3.2)
        self._check()
        self._schedule()
        self.irq.set(self.IE and (self.DRDY or self.CEIS or self.SEIS))

    def _check(self) -> None:
        """Clock and seed errors: the status follows, the interrupt flags stick when it rises."""
        hz = self.tree.pll48ck or 0
        slow = self.RNGEN and (self.clock_fault or 16 * hz < self.tree.hclk or not hz)
        self.CEIS |= slow and not self.CECS
        self.CECS = bool(slow)
        broken = self.RNGEN and self.seed_fault
        self.SEIS |= broken and not self.SECS
        self.SECS |= broken

    def _schedule(self) -> None:
        wanted = self.RNGEN and not (self.DRDY or self.CECS or self.SECS)
        if not wanted and self._next is not None:
            self._next.cancel()
            self._next = None
        elif wanted and self._next is None:
            self._next = self.clock.after(self.tree.cycles(RNG_CLOCKS, self.tree.pll48ck or 1), self._ready)

    def _ready(self) -> None:
        self._next = None
        word = self.source() & 0xFFFF_FFFF
        for distort in self.distortions:
            word = distort(word)
        self.DR = word
        self.DRDY = 1
        self._update()
