# SPDX-License-Identifier: GPL-2.0-or-later
"""The chip's memories on the host, and what each bus master can reach of them (RM0090 section 2.1)."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from stm32emu.chip import KB, Chip
from stm32emu.cpu import Cpu, Kind
from stm32emu.peripherals.memory import BusError

PAGE = 4 * KB
Read = Callable[[int, int], int]  # (offset, size) -> value
Write = Callable[[int, int, int], None]  # (offset, size, value)
ERASED = b"\xff"
ROM_BASE = 0x1FFF_0000
ROM_SIZE = 32 * KB  # system memory, OTP and the device signature
UNIQUE_ID = bytes.fromhex("2a002b000f51363438363533")  # any 96 bits do; fixed, or runs would differ
OPTIONS_DEFAULT = bytes.fromhex("ffaa000000000000ffff000000000000")  # RM0090 table 15: RDP off, nothing protected


@dataclass(frozen=True)
class Bank:
    """One memory: `data` is what the guest sees at `base`."""

    base: int
    data: memoryview
    kind: Kind
    dma: bool

    def offset(self, address: int, length: int) -> int | None:
        """Where `address` lies in `data`, if all of `length` bytes do."""
        start = address - self.base
        return start if start >= 0 and start + length <= len(self.data) else None


class GuestMemory:
    """Every memory of a chip. As a `Memory` for bus masters it leaves CCM out: only the CPU's D-bus reaches it."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.flash = self._bank(chip.flash.base, chip.flash.size, Kind.FLASH, fill=ERASED)
        self.sram = self._bank(chip.sram.base, chip.sram.size, Kind.RAM)
        self.banks = [self.flash, self.sram]
        if chip.ccm:
            self.banks.append(self._bank(chip.ccm.base, chip.ccm.size, Kind.RAM, dma=False))
        if chip.bkpsram:
            self.banks.append(self._bank(chip.bkpsram.base, chip.bkpsram.size, Kind.RAM))
        self._read_only()
        self._dma = [bank for bank in self.banks if bank.dma]
        self.observers: list[Callable[[int, int, bool], None]] = []
        """Hear of what bus masters access, before it happens: address, length, and whether it is written."""
        self.zero = self.flash

    @staticmethod
    def _bank(base: int, size: int, kind: Kind, *, dma: bool = True, fill: bytes = b"") -> Bank:
        data = memoryview(mmap.mmap(-1, -(-size // PAGE) * PAGE))
        if fill:
            data[:] = fill * len(data)
        return Bank(base, data, kind, dma)

    def _read_only(self) -> None:
        """System memory (no boot loader in it), OTP, device signature, option bytes."""
        self.rom = rom = self._bank(ROM_BASE, ROM_SIZE, Kind.ROM, fill=ERASED)
        signature = self.chip.SIGNATURE.base - ROM_BASE
        rom.data[signature : signature + 12] = UNIQUE_ID
        rom.data[signature + 0x12 : signature + 0x14] = (self.chip.flash.size // KB).to_bytes(2, "little")
        self.banks.append(rom)
        for region in (self.chip.OPTION_BYTES, *((self.chip.OPTION_BYTES_2,) if self.chip.flash_banks == 2 else ())):
            options = self._bank(region.base, PAGE, Kind.ROM, fill=ERASED)
            options.data[: len(OPTIONS_DEFAULT)] = OPTIONS_DEFAULT
            self.banks.append(options)

    def map_into(self, cpu: Cpu) -> None:
        """Give the CPU every bank."""
        for bank in self.banks:
            cpu.add_memory(bank.base, bank.data, bank.kind, bank.base)
        self.show_at_zero(cpu, 0)

    def add_sdram(self, cpu: Cpu, base: int, size: int) -> None:
        """SDRAM on a bank of the memory controller answers from now on."""
        bank = self._bank(base, size, Kind.RAM)
        self.banks.append(bank)
        self._dma.append(bank)
        cpu.add_memory(base, bank.data, bank.kind, base)

    def show_at_zero(self, cpu: Cpu, mode: int) -> None:
        """What SYSCFG_MEMRMP.MEM_MODE puts at address 0: flash out of reset, system memory (1) or SRAM1 (3), from the
        next branch on; the external memories (RM0090 section 9.2.1) are not modelled."""
        shown = {0: self.flash, 1: self.rom, 3: replace(self.sram, data=self.sram.data[: self.chip.ram[0].size])}
        if mode in shown:
            self.zero = shown[mode]
            cpu.add_memory(0, self.zero.data, self.zero.kind, self.zero.base)

    def _find(self, banks: Sequence[Bank], address: int, length: int) -> tuple[Bank, int]:
        for bank in banks:
            start = bank.offset(address, length)
            if start is not None:
                return bank, start
        raise BusError(address, length)

    def read(self, address: int, length: int) -> bytes:
        """See Memory."""
        for observe in self.observers:
            observe(address, length, False)
        bank, start = self._find(self._dma, address, length)
        return bytes(bank.data[start : start + length])

    def write(self, address: int, data: bytes) -> None:
        """See Memory."""
        for observe in self.observers:
            observe(address, len(data), True)
        bank, start = self._find(self._dma, address, len(data))
        if bank.kind is not Kind.RAM:
            raise BusError(address, len(data))
        bank.data[start : start + len(data)] = data

    def _shown(self, address: int) -> int:
        """Where that which address 0 and on show really lies."""
        return address + self.zero.base if address < len(self.zero.data) else address

    def peek(self, address: int, length: int) -> bytes:
        """What the CPU would read, CCM and the flash alias at 0 included; fewer bytes where memory ends."""
        address = self._shown(address)
        for bank in self.banks:
            start = bank.offset(address, 1)
            if start is not None:
                return bytes(bank.data[start : start + length])
        return b""

    def flip(self, address: int, bit: int) -> None:
        """Turn over bit 0 to 7 of the byte at `address`, whatever kind of memory it is."""
        bank, start = self._find(self.banks, self._shown(address), 1)
        bank.data[start] ^= 1 << bit

    def load(self, address: int, data: bytes) -> None:
        """Put part of the firmware's image in place, whatever kind of memory it is."""
        bank, start = self._find(self.banks, address, len(data))
        bank.data[start : start + len(data)] = data

    def ram(self) -> list[memoryview]:
        """The contents of every RAM, for hashing."""
        return [bank.data for bank in self.banks if bank.kind is Kind.RAM]


class SystemBus:
    """What the DMA controllers reach: memory and, word by word, the peripherals (RM0090 section 10.3.1)."""

    def __init__(self, memory: GuestMemory) -> None:
        self._memory = memory
        self._blocks: dict[int, tuple[int, Read, Write]] = {}

    def attach(self, base: int, size: int, read: Read, write: Write) -> None:
        """Make a peripheral's registers reachable; what was at `base` before is no longer."""
        self._blocks[base] = (size, read, write)

    def read(self, address: int, length: int) -> bytes:
        """See Memory."""
        for base, (size, read, _write) in self._blocks.items():
            if base <= address <= base + size - length:
                unit = _unit(length)
                units = range(address - base, address - base + length, unit)
                return b"".join(read(offset, unit).to_bytes(unit, "little") for offset in units)
        return self._memory.read(address, length)

    def write(self, address: int, data: bytes) -> None:
        """See Memory."""
        for base, (size, _read, write) in self._blocks.items():
            if base <= address <= base + size - len(data):
                unit = _unit(len(data))
                for at in range(0, len(data), unit):
                    write(address - base + at, unit, int.from_bytes(data[at : at + unit], "little"))
                return
        self._memory.write(address, data)


def _unit(length: int) -> int:
    """A register is accessed as a byte, halfword or word; other lengths, such as a FIFO's last bytes, byte by byte."""
    return length if length in (1, 2, 4) else 1
