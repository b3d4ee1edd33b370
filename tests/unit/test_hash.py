# SPDX-License-Identifier: GPL-2.0-or-later
"""HASH against hashlib and hmac, fed as a driver does it (RM0090 chapter 25)."""

from __future__ import annotations

import hashlib
import hmac
import random

import pytest

from bus import Bus
from stm32emu.peripherals.clock import ManualClock
from stm32emu.peripherals.hash import Hash, swap
from stm32emu.peripherals.irq import IrqLine

ALGORITHMS = {"sha1": 0, "md5": 1 << 7, "sha224": 1 << 18, "sha256": 1 << 18 | 1 << 7}
BYTES, INIT, HMAC, LKEY, DCAL = 2 << 4, 1 << 2, 1 << 6, 1 << 16, 1 << 8
DCIS, DINIS, BUSY = 2, 1, 8
LENGTHS = (0, 1, 3, 4, 55, 56, 63, 64, 65, 119, 120, 128, 300)
DATA = random.Random(1).randbytes(400)


class Bench(Bus):
    def __init__(self, sha2: bool = True) -> None:
        self.clock = ManualClock()
        self.irq = IrqLine()
        super().__init__(Hash("HASH", clock=self.clock, irq=self.irq, sha2=sha2))

    def feed(self, data: bytes) -> None:
        for n in range(0, len(data), 4):
            self["DIN"] = int.from_bytes(data[n : n + 4].ljust(4, b"\0"), "little")

    def finish(self, length: int) -> None:
        """As HAL: the bits of the last word, then DCAL; then wait for BUSY."""
        self["STR"] = 8 * (length % 4)
        self["STR"] = self["STR"] | DCAL
        assert self["SR"] & BUSY
        self.clock.advance(100)
        assert not self["SR"] & BUSY

    def digest(self, name: str) -> bytes:
        size = hashlib.new(name).digest_size
        prefix = "HASH_HR" if name.startswith("sha2") else "HR"
        return b"".join(self[f"{prefix}{n}"].to_bytes(4, "big") for n in range(size // 4))


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_digests(name: str, length: int) -> None:
    bench = Bench()
    bench["CR"] = ALGORITHMS[name] | BYTES | INIT
    bench.feed(DATA[:length])
    bench.finish(length)
    assert bench["SR"] & DCIS
    assert bench.digest(name) == hashlib.new(name, DATA[:length]).digest()


@pytest.mark.parametrize("length", [0, 5, 64, 100])
@pytest.mark.parametrize("key", [4, 7, 64, 65, 150])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_hmac(name: str, key: int, length: int) -> None:
    """Key, message, key: the digest is complete after the third phase only."""
    bench = Bench()
    bench["CR"] = ALGORITHMS[name] | BYTES | INIT | HMAC | (LKEY if key > 64 else 0)
    for n, part in enumerate((DATA[:key], DATA[100 : 100 + length], DATA[:key])):
        bench.feed(part)
        bench.finish(len(part))
        assert bool(bench["SR"] & DCIS) is (n == 2)
    assert bench.digest(name) == hmac.new(DATA[:key], DATA[100 : 100 + length], name).digest()


def test_a_context_is_saved_and_restored() -> None:
    """Another message in between, on the same processor (section 25.3.7)."""
    bench = Bench()
    bench["CR"] = ALGORITHMS["sha256"] | BYTES | INIT
    bench.feed(DATA[:132])
    saved = {name: bench[name] for name in ("IMR", "STR", "CR", *(f"CSR{n}" for n in range(54)))}
    bench["CR"] = BYTES | INIT
    bench.feed(DATA[:77])
    bench.finish(77)
    assert bench.digest("sha1") == hashlib.sha1(DATA[:77]).digest()
    for name, word in saved.items():
        bench[name] = word | INIT if name == "CR" else word
    bench.feed(DATA[132:200])
    bench.finish(200)
    assert bench.digest("sha256") == hashlib.sha256(DATA[:200]).digest()


def test_a_message_of_bits() -> None:
    """NIST's five-bit example of SHA-1 (10011, SHAVS): the digest of a byte-wise model would differ."""
    bench = Bench()
    bench["CR"] = INIT
    bench["DIN"] = 0x9800_0000
    bench["STR"] = 5
    bench["STR"] = 5 | DCAL
    bench.clock.advance(100)
    assert bench.digest("sha1").hex() == "29826b003b906e660eff4027ce98af3531ac75ba"


def test_interrupts_and_the_fifo() -> None:
    """DINIS when a block has been taken, DCIS at the end; both are cleared by writing 0, DINIS by DIN too."""
    bench = Bench()
    bench["IMR"] = 1
    assert bench.irq.level
    bench["CR"] = BYTES | INIT
    bench.feed(DATA[:8])
    assert (bench["SR"], bench.irq.level, bench["CR"] >> 8 & 0x1F) == (0, False, 0x12)
    bench.feed(DATA[8:64])
    assert not bench.irq.level
    bench.feed(DATA[64:68])
    assert (bench["SR"], bench.irq.level, bench["CR"] >> 8 & 0x1F) == (DINIS, True, 0x11)
    bench["SR"] = 0
    bench["IMR"] = 2
    bench.finish(68)
    assert (bench["SR"], bench.irq.level) == (DCIS | DINIS, True)
    bench["SR"] = ~DCIS & 0xFFFF_FFFF
    assert (bench["SR"], bench.irq.level) == (DINIS, False)


def test_parts_without_sha2_ignore_its_bit() -> None:
    bench = Bench(sha2=False)
    bench["CR"] = ALGORITHMS["sha224"] | BYTES | INIT
    bench.finish(0)
    assert bench.digest("sha1") == hashlib.sha1().digest()


@pytest.mark.parametrize(("datatype", "word"), [(0, 0x1234_5678), (1, 0x5678_1234), (2, 0x7856_3412), (3, 0x1E6A_2C48)])
def test_data_types(datatype: int, word: int) -> None:
    assert swap(0x1234_5678, datatype) == word


def test_reset_ends_the_computation() -> None:
    bench = Bench()
    bench["CR"] = INIT
    bench["STR"] = DCAL
    bench.block.reset()
    bench.clock.advance(100)
    assert bench["SR"] == DINIS
