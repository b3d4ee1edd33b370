# SPDX-License-Identifier: GPL-2.0-or-later
"""Cryptographic processor (RM0090 chapter 23): AES in ECB, CBC and CTR, by CPU or DMA."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from stm32emu.peripherals.aes import Words, decrypt, encrypt, schedule, schedule_from_end
from stm32emu.peripherals.hash import swap
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RO, RW, WO, Register, RegisterArray

DEPTH = 8  # words of each FIFO
BLOCK = 4
AES_ECB, AES_CBC, AES_CTR, AES_KEY = range(4, 8)  # CR.ALGOMODE


def _array(offset: int, names: list[str], field: str, *, access: str = RW, tagged: bool = False) -> RegisterArray:
    """Registers of one 32-bit field each, which has the register's name unless it has its own."""
    array = RegisterArray(offset, len(names), access=access)
    for register, name in zip(array.registers, names, strict=True):
        register.name = name
        if tagged:
            register.tag(field or name, 0, 32)
        else:
            register.field(0, 32).name = field or name
    return array


class Cryp(Peripheral):
    """Blocks take no time. A decryption key has to be prepared as on silicon (section 23.3.6): decryption runs the key
    schedule backwards from whatever the key registers hold.

    Args:
        irq: the global interrupt.
    """

    MISSING: ClassVar[str] = "DES and TDES, GCM and CCM"

    CR = Register(0x00)
    CR.tag("ALGOMODE3", 19)
    CR.tag("GCM_CCMPH", 16, 2)
    CRYPEN = CR.field(15)
    FFLUSH = CR.field(14, access=WO)
    KEYSIZE = CR.field(8, 2)
    DATATYPE = CR.field(6, 2)
    ALGOMODE0 = CR.field(3, 3)
    ALGODIR = CR.field(2)
    SR = Register(0x04, reset=3, access=RO)
    BUSY = SR.field(4)
    OFFU = SR.field(3)
    OFNE = SR.field(2)
    IFNF = SR.field(1)
    IFEM = SR.field(0)
    DIN = Register(0x08)
    DATAIN = DIN.field(0, 32)
    DOUT = Register(0x0C, access=RO)
    DATAOUT = DOUT.field(0, 32)
    DMACR = Register(0x10)
    DOEN = DMACR.field(1)
    DIEN = DMACR.field(0)
    IMSCR = Register(0x14)
    OUTIM = IMSCR.field(1)
    INIM = IMSCR.field(0)
    RISR = Register(0x18, reset=1, access=RO)
    OUTRIS = RISR.field(1)
    INRIS = RISR.field(0)
    MISR = Register(0x1C, access=RO)
    OUTMIS = MISR.field(1)
    INMIS = MISR.field(0)
    KEY = _array(0x20, [f"K{n}{side}R" for n in range(4) for side in "LR"], "b", access=WO)
    IV = _array(0x40, [f"IV{n}{side}R" for n in range(2) for side in "LR"], "IV")
    CSGCMCCM = _array(0x50, [f"CSGCMCCM{n}R" for n in range(8)], "", tagged=True)
    CSGCM = _array(0x70, [f"CSGCM{n}R" for n in range(8)], "", tagged=True)

    def __init__(self, name: str, *, irq: IrqLine, ledger: Ledger = NO_LEDGER) -> None:
        self.irq = irq
        self.dma_in = IrqLine()
        self.dma_out = IrqLine()
        super().__init__(name, ledger=ledger)

    def _load_resets(self) -> None:
        super()._load_resets()
        self._in: deque[int] = deque()
        self._out: deque[int] = deque()
        self._round_keys: Words = []

    def reset(self) -> None:
        """FIFOs empty, keys forgotten."""
        super().reset()
        self._update()

    @CR.on_write
    def _control(self, _written: int) -> None:
        if self.FFLUSH:
            self._in.clear()
            self._out.clear()
            self.FFLUSH = 0
        self._round_keys = []
        if self.CRYPEN and self.ALGOMODE0 == AES_KEY and not self._is_other():
            self._store_key(schedule(self._key())[-len(self._key()) :])
            self.CRYPEN = 0
        self._process()

    def _is_other(self) -> bool:
        """Algorithms without a model."""
        return bool(self.CR >> 19 & 1) or self.ALGOMODE0 < AES_ECB

    @KEY.on_write
    def _write_key(self, _n: int, _written: int) -> None:
        self._round_keys = []

    def _key(self) -> Words:
        """The last words of the key registers, as many as KEYSIZE says; its reserved value counts as 256 bits."""
        count = min(4 + 2 * self.KEYSIZE, 8)
        return [self.KEY[n] for n in range(8 - count, 8)]

    def _store_key(self, words: Words) -> None:
        for n, word in enumerate(words, start=8 - len(words)):
            self.KEY[n] = word

    # Data

    @DIN.on_write
    def _push(self, written: int) -> None:
        if len(self._in) < DEPTH:
            self._in.append(written)
        else:
            self.ledger.illegal(self.name, Cryp.DIN.offset, "DIN written with the input FIFO full")
        self._process()

    @DOUT.on_read
    def _pop(self) -> int:
        word = self._out.popleft() if self._out else 0
        self._process()
        return word

    def _process(self) -> None:
        while self.CRYPEN and len(self._in) >= BLOCK and len(self._out) <= DEPTH - BLOCK:
            block = [swap(self._in.popleft(), self.DATATYPE) for _ in range(BLOCK)]
            if self._is_other():
                self.ledger.unmodelled(self.name, Cryp.CR.offset, f"ALGOMODE {self.CR >> 16 & 8 | self.ALGOMODE0}")
            else:
                block = self._cipher(block)
            self._out.extend(swap(word, self.DATATYPE) for word in block)
        self._update()

    def _cipher(self, block: Words) -> Words:
        """One block in the mode that is set; IV moves on with it (section 23.3.4)."""
        vector = [self.IV[n] for n in range(BLOCK)]
        backwards = self.ALGODIR and self.ALGOMODE0 != AES_CTR
        if not self._round_keys:
            self._round_keys = schedule_from_end(self._key()) if backwards else schedule(self._key())
        if self.ALGOMODE0 == AES_CTR:
            self.IV[3] = vector[3] + 1
            return _xor(block, encrypt(self._round_keys, vector))
        chained = self.ALGOMODE0 == AES_CBC
        if backwards:
            plain = decrypt(self._round_keys, block)
            result, following = (_xor(plain, vector) if chained else plain), block
        else:
            result = following = encrypt(self._round_keys, _xor(block, vector) if chained else block)
        if chained:
            for n, word in enumerate(following):
                self.IV[n] = word
        return result

    @DMACR.on_write
    @IMSCR.on_write
    def _update(self, _written: int = 0) -> None:
        filled, ready = len(self._in), len(self._out)
        self.IFEM, self.IFNF = filled == 0, filled < DEPTH
        self.OFNE, self.OFFU = ready > 0, ready == DEPTH
        self.INRIS, self.OUTRIS = filled < BLOCK, ready > 0
        self.MISR = self.RISR & self.IMSCR & (3 if self.CRYPEN else 2)
        self.irq.set(self.MISR)
        self.dma_in.set(self.DIEN and self.CRYPEN and filled <= DEPTH - BLOCK)
        self.dma_out.set(self.DOEN and self.CRYPEN and ready > 0)


def _xor(one: Words, other: Words) -> Words:
    return [a ^ b for a, b in zip(one, other, strict=True)]
