# SPDX-License-Identifier: GPL-2.0-or-later
"""Hash processor (RM0090 chapter 25): MD5, SHA-1, SHA-224, SHA-256 and HMAC over them, words written by the CPU."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from stm32emu.peripherals.clock import Clock, Event
from stm32emu.peripherals.hash_digests import (
    MD5_START,
    SHA1_START,
    SHA224_START,
    SHA256_START,
    Compress,
    md5,
    sha1,
    sha256,
)
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_W0, RO, WO, Register, RegisterArray

BLOCK = 16  # words
CONTEXT = 54  # CSR registers; 51 without SHA-2, whose parts leave the last ones unused
INNER_PAD, OUTER_PAD = 0x3636_3636, 0x5C5C_5C5C
FILL, LENGTH, PHASE, STATE, BUFFER, INNER = 3, 4, 6, 7, 15, 31  # where CSR keeps what; the first mirror IMR, STR and CR
KEY, MESSAGE, OUTER_KEY = range(3)


class Algorithm(NamedTuple):
    """By ALGO: its function, where it starts, the words of its digest, the cycles of a block."""

    compress: Compress
    start: list[int]
    words: int
    cycles: int


ALGORITHMS = (
    Algorithm(sha1, SHA1_START, 5, 66),
    Algorithm(md5, MD5_START, 4, 50),
    Algorithm(sha256, SHA224_START, 7, 50),
    Algorithm(sha256, SHA256_START, 8, 50),
)


def swap(word: int, datatype: int) -> int:
    """What CR.DATATYPE does to a word on its way in: nothing, or halves, bytes or bits exchanged (section 25.3.2)."""
    if datatype == 0:
        return word
    if datatype == 3:
        return int(f"{word:032b}"[::-1], 2)
    step = 16 >> datatype - 1
    digits = [word >> place & (1 << step) - 1 for place in range(0, 32, step)]
    return sum(digit << 32 - step - step * n for n, digit in enumerate(digits))


class Hash(Peripheral):
    """All of a computation's state is in the context registers, so that a driver may save and restore it.

    Args:
        irq: the interrupt shared with the RNG.
        sha2: whether the part has SHA-224 and SHA-256 (F43x, F47x).
    """

    MISSING: ClassVar[str] = "DMA"

    CR = Register(0x00)
    ALGO1 = CR.field(18)
    LKEY = CR.field(16)
    CR.tag("MDMAT", 13)
    DINNE = CR.field(12, access=RO)
    NBW = CR.field(8, 4, access=RO)
    ALGO0 = CR.field(7)
    MODE = CR.field(6)
    DATATYPE = CR.field(4, 2)
    CR.tag("DMAE", 3)
    INIT = CR.field(2, access=WO)
    DIN = Register(0x04)
    DATAIN = DIN.field(0, 32)
    STR = Register(0x08)
    DCAL = STR.field(8, access=WO)
    NBLW = STR.field(0, 5)
    HR = RegisterArray(0x0C, 5, access=RO)
    IMR = Register(0x20)
    DCIE = IMR.field(1)
    DINIE = IMR.field(0)
    SR = Register(0x24, reset=1)
    BUSY = SR.field(3, access=RO)
    DMAS = SR.field(2, access=RO)
    DCIS = SR.field(1, access=RC_W0)
    DINIS = SR.field(0, access=RC_W0)
    CSR = RegisterArray(0xF8, CONTEXT)
    HASH_HR = RegisterArray(0x310, 8, access=RO)

    def __init__(
        self, name: str, *, clock: Clock, irq: IrqLine, sha2: bool = False, ledger: Ledger = NO_LEDGER
    ) -> None:
        self.clock = clock
        self.irq = irq
        self.sha2 = sha2
        self._done: Event | None = None
        super().__init__(name, ledger=ledger)

    def reset(self) -> None:
        """Nothing under way."""
        if self._done is not None:
            self._done.cancel()
        super().reset()
        self._update()

    @property
    def _algorithm(self) -> Algorithm:
        return ALGORITHMS[self.ALGO0 | (2 * self.ALGO1 if self.sha2 else 0)]

    @CR.on_write
    def _control(self, _written: int) -> None:
        if self.INIT:
            self.INIT = 0
            self.CSR[PHASE] = KEY
            self._begin()
            self.DCIS, self.DINIS = 0, 1
            self._update()

    def _begin(self) -> None:
        """An empty message."""
        self.CSR[FILL] = self.CSR[LENGTH] = self.CSR[LENGTH + 1] = 0
        self._store(STATE, self._algorithm.start)
        self._count()

    def _store(self, place: int, words: list[int]) -> None:
        for n, word in enumerate(words):
            self.CSR[place + n] = word

    def _load(self, place: int, count: int) -> list[int]:
        return [self.CSR[place + n] for n in range(count)]

    def _count(self) -> None:
        """CR's view of the FIFO."""
        self.NBW, self.DINNE = self.CSR[FILL] & 15, self.CSR[FILL] > 0

    # Input

    @DIN.on_write
    def _feed(self, written: int) -> None:
        """The first word of the next block sets a full one going (section 25.3.3)."""
        self.DINIS = 0
        if self.CSR[FILL] == BLOCK:
            self._compress(self._load(BUFFER, BLOCK))
            self.CSR[FILL] = 0
            self.DINIS = 1
        self.CSR[BUFFER + self.CSR[FILL]] = swap(written, self.DATATYPE)
        self.CSR[FILL] += 1
        self._count()
        self._update()

    def _compress(self, block: list[int]) -> None:
        algorithm = self._algorithm
        state = self._load(STATE, len(algorithm.start))
        self._store(STATE, algorithm.compress(state, block))
        length = (self.CSR[LENGTH] | self.CSR[LENGTH + 1] << 32) + 32 * BLOCK
        self.CSR[LENGTH], self.CSR[LENGTH + 1] = length & 0xFFFF_FFFF, length >> 32

    # The end of a message, or of a phase of HMAC

    @STR.on_write
    def _finish(self, _written: int) -> None:
        if not self.DCAL:
            return
        self.DCAL = 0
        self._end_hmac_phase() if self.MODE else self._pad()
        self.BUSY = 1
        self._done = self.clock.after(self._algorithm.cycles, self._computed)
        self._count()
        self._update()

    def _pad(self) -> list[int]:
        """Hash the rest of the message with its padding (FIPS 180-4 section 5.1.1): the digest."""
        words = self._load(BUFFER, self.CSR[FILL])
        valid = self.NBLW or 32
        total = (self.CSR[LENGTH] | self.CSR[LENGTH + 1] << 32) + 32 * len(words) - (32 - valid if words else 0)
        if words and valid < 32:
            words[-1] = words[-1] >> 32 - valid << 32 - valid | 1 << 31 - valid
        else:
            words.append(1 << 31)
        words += [0] * (-(len(words) + 2) % BLOCK)
        words += self._length(total)
        for start in range(0, len(words), BLOCK):
            self._compress(words[start : start + BLOCK])
        self.CSR[FILL] = 0
        return self._load(STATE, self._algorithm.words)

    def _length(self, bits: int) -> list[int]:
        """The two words that end the padding; MD5's are little-endian (RFC 1321 section 3.2)."""
        order = "little" if self._algorithm.compress is md5 else "big"
        data = bits.to_bytes(8, order)  # type: ignore[arg-type]
        return [int.from_bytes(data[n : n + 4], "big") for n in (0, 4)]

    def _end_hmac_phase(self) -> None:
        """Key, message and key again (section 25.3.6); a key above 64 bytes is hashed first (LKEY)."""
        phase = self.CSR[PHASE]
        if phase == MESSAGE:
            self._store(INNER, self._pad())
            self._begin()
        else:
            self._take_key(INNER_PAD if phase == KEY else OUTER_PAD)
            if phase == OUTER_KEY:
                inner = self._load(INNER, self._algorithm.words)
                self._store(BUFFER, inner)
                self.CSR[FILL] = len(inner)
                self.NBLW = 0
                self._pad()
        self.CSR[PHASE] = (phase + 1) % 3

    def _take_key(self, pad: int) -> None:
        if self.LKEY:
            key = self._pad()
        else:
            key = self._load(BUFFER, self.CSR[FILL])
            if key and self.NBLW:
                key[-1] = key[-1] >> 32 - self.NBLW << 32 - self.NBLW
        self._begin()
        self._compress([word ^ pad for word in (key + [0] * BLOCK)[:BLOCK]])

    def _computed(self) -> None:
        self._done = None
        self.BUSY, self.DINIS = 0, 1
        if not self.MODE or self.CSR[PHASE] == KEY:
            self.DCIS = 1
            digest = self._load(STATE, self._algorithm.words)
            for n, word in enumerate(digest):
                self.HASH_HR[n] = word
            for n, word in enumerate(digest[:5]):
                self.HR[n] = word
        self._update()

    @IMR.on_write
    @SR.on_write
    def _update(self, _written: int = 0) -> None:
        self.irq.set((self.DCIE and self.DCIS) or (self.DINIE and self.DINIS))
