# SPDX-License-Identifier: GPL-2.0-or-later
"""CRYP against OpenSSL, driven as HAL does it: FIFOs by the CPU, key preparation, modes (RM0090 chapter 23)."""

from __future__ import annotations

import random

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bus import Bus
from stm32emu.peripherals.cryp import Cryp
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import Ledger

CRYPEN, FFLUSH, BYTES, DECRYPT = 1 << 15, 1 << 14, 2 << 6, 1 << 2
ECB, CBC, CTR, KEY_PREPARATION, DES_ECB, GCM = 4 << 3, 5 << 3, 6 << 3, 7 << 3, 2 << 3, 1 << 19
IFEM, IFNF, OFNE, OFFU = 1, 2, 4, 8
SEED = random.Random(7)
DATA, IV = SEED.randbytes(64), SEED.randbytes(15) + b"\xfe"
KEYS = {size: SEED.randbytes(size // 8) for size in (128, 192, 256)}
KEY_REGISTERS = [f"K{n}{side}R" for n in range(4) for side in "LR"]
OPENSSL = {ECB: modes.ECB(), CBC: modes.CBC(IV), CTR: modes.CTR(IV)}


class Bench(Bus):
    def __init__(self) -> None:
        self.irq = IrqLine()
        self.ledger = Ledger()
        self.cryp = Cryp("CRYP", irq=self.irq, ledger=self.ledger)
        super().__init__(self.cryp)

    def load(self, registers: list[str], data: bytes) -> None:
        for n, name in enumerate(registers):
            self[name] = int.from_bytes(data[4 * n : 4 * n + 4], "big")

    def start(self, mode: int, key: bytes, decrypting: bool = False) -> Bench:
        size = (len(key) // 8 - 2) << 8
        self.load(KEY_REGISTERS[8 - len(key) // 4 :], key)
        if decrypting and mode != CTR:
            self["CR"] = KEY_PREPARATION | size | BYTES
            self["CR"] |= CRYPEN
            assert not self["CR"] & CRYPEN
        self["CR"] = mode | size | BYTES | (DECRYPT if decrypting else 0)
        self.load(["IV0LR", "IV0RR", "IV1LR", "IV1RR"], IV)
        self["CR"] |= FFLUSH
        self["CR"] |= CRYPEN
        return self

    def run(self, data: bytes) -> bytes:
        result = b""
        for n in range(0, len(data), 16):
            for word in range(n, n + 16, 4):
                self["DIN"] = int.from_bytes(data[word : word + 4], "little")
            while self["SR"] & OFNE:
                result += self["DOUT"].to_bytes(4, "little")
        return result


@pytest.mark.parametrize("size", KEYS)
@pytest.mark.parametrize("mode", OPENSSL)
def test_modes(mode: int, size: int) -> None:
    """Four blocks each way; the counter of CTR passes 2**32 within its last word only."""
    cipher = Cipher(algorithms.AES(KEYS[size]), OPENSSL[mode])
    expected = cipher.encryptor().update(DATA)
    assert Bench().start(mode, KEYS[size]).run(DATA) == expected
    assert Bench().start(mode, KEYS[size], decrypting=True).run(expected) == DATA


def test_a_key_that_is_not_prepared_does_not_decrypt() -> None:
    bench = Bench().start(ECB, KEYS[128])
    encrypted = bench.run(DATA)
    bench["CR"] = ECB | BYTES | DECRYPT | CRYPEN
    assert bench.run(encrypted) != DATA


def test_a_chain_goes_on_after_a_pause() -> None:
    """The vectors are read back and restored with the key (section 23.3.7)."""
    bench = Bench().start(CBC, KEYS[256])
    first = bench.run(DATA[:32])
    saved = {name: bench[name] for name in ("IV0LR", "IV0RR", "IV1LR", "IV1RR")}
    bench.start(ECB, KEYS[128]).run(DATA)
    bench["CR"] = 0
    bench.load(KEY_REGISTERS, KEYS[256])
    for name, word in saved.items():
        bench[name] = word
    bench["CR"] = CBC | 2 << 8 | BYTES | CRYPEN
    cipher = Cipher(algorithms.AES(KEYS[256]), modes.CBC(IV))
    assert first + bench.run(DATA[32:]) == cipher.encryptor().update(DATA)


def test_fifos_and_interrupts() -> None:
    """Two blocks fit on each side; the input interrupt needs CRYPEN (section 23.4)."""
    bench = Bench()
    bench["IMSCR"] = 3
    assert (bench["RISR"], bench["MISR"], bench.irq.level) == (1, 0, False)
    bench.start(ECB, KEYS[128])
    assert (bench["MISR"], bench["SR"]) == (1, IFEM | IFNF)
    for n in range(16):
        bench["DIN"] = n
    assert (bench["SR"], bench["MISR"]) == (OFNE | OFFU, 2)
    bench["DIN"] = 99
    assert bench.ledger.of_kind("illegal")[0].what == "DIN written with the input FIFO full"
    for _ in range(16):
        assert bench["SR"] & OFNE
        assert bench.irq.level
        assert bench["DOUT"]
    assert (bench["SR"], bench["DOUT"]) == (IFEM | IFNF, 0)


def test_dma_requests_follow_the_fifos() -> None:
    bench = Bench().start(ECB, KEYS[128])
    bench["CR"] &= ~CRYPEN
    bench["DMACR"] = 3
    assert not bench.cryp.dma_in.level
    for n in range(5):
        bench["DIN"] = n
    bench["CR"] |= CRYPEN
    assert (bench.cryp.dma_in.level, bench.cryp.dma_out.level) == (True, True)
    for _ in range(4):
        bench.cryp.read(0x0C, 4)
    assert not bench.cryp.dma_out.level


@pytest.mark.parametrize(("mode", "name"), [(DES_ECB, "ALGOMODE 2"), (GCM, "CR.ALGOMODE3")])
def test_other_algorithms_are_counted_and_change_nothing(mode: int, name: str) -> None:
    bench = Bench().start(mode, KEYS[128])
    assert bench.run(DATA[:16]) == DATA[:16]
    assert name in [each.what for each in bench.ledger.of_kind("unmodelled")]


def test_reset_empties_it() -> None:
    bench = Bench().start(ECB, KEYS[128])
    bench["DIN"] = 1
    bench.cryp.reset()
    assert (bench["SR"], bench["CR"]) == (IFEM | IFNF, 0)
