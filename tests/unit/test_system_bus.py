# SPDX-License-Identifier: GPL-2.0-or-later
"""What the DMA controllers reach: memory in one go, registers by byte, halfword or word, nothing beyond a block."""

from __future__ import annotations

import pytest

from stm32emu.chips import find_chip
from stm32emu.guest_memory import GuestMemory, SystemBus
from stm32emu.peripherals.memory import BusError

BASE, SIZE = 0x4000_0000, 0x100
RAM = 0x2000_0000


class Bench(SystemBus):
    """A bus with one block whose registers read as their offset; `accesses` has (offset, size, value or None)."""

    def __init__(self) -> None:
        super().__init__(GuestMemory(find_chip("f407")))
        self.accesses: list[tuple[int, int, int | None]] = []
        self.attach(BASE, SIZE, self._read, self._write)

    def _read(self, offset: int, size: int) -> int:
        self.accesses.append((offset, size, None))
        return offset

    def _write(self, offset: int, size: int, value: int) -> None:
        self.accesses.append((offset, size, value))


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_register_is_accessed_in_one_go(size: int) -> None:
    bench = Bench()
    assert bench.read(BASE + 8, size) == b"\x08\0\0\0"[:size]
    bench.write(BASE + SIZE - size, b"\x11\x22\x33\x44"[:size])
    assert bench.accesses == [(8, size, None), (SIZE - size, size, 0x4433_2211 & (1 << 8 * size) - 1)]


def test_other_lengths_go_byte_by_byte() -> None:
    bench = Bench()
    assert bench.read(BASE + 4, 3) == b"\x04\x05\x06"
    bench.write(BASE, b"\xaa\xbb\xcc")
    bench.write(BASE, b"")
    assert bench.accesses[3:] == [(0, 1, 0xAA), (1, 1, 0xBB), (2, 1, 0xCC)]


def test_memory_is_read_and_written_whole() -> None:
    bench = Bench()
    bench.write(RAM, b"12345")
    assert bench.read(RAM, 5) == b"12345"
    assert bench.accesses == []


@pytest.mark.parametrize("address", [BASE - 1, BASE + SIZE - 3, BASE + SIZE, 0x6000_0000])
def test_what_is_not_all_within_a_block_is_a_bus_error(address: int) -> None:
    bench = Bench()
    with pytest.raises(BusError):
        bench.read(address, 4)
    with pytest.raises(BusError):
        bench.write(address, bytes(4))
    assert bench.accesses == []
