# SPDX-License-Identifier: GPL-2.0-or-later
"""An Ethernet block on a bench: registers by name, descriptor rings in RAM, a cable whose other end is a list."""

from __future__ import annotations

import struct
import zlib

from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.eth import Eth
from stm32emu.peripherals.eth_phy import Phy, make_phy
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import Ledger
from stm32emu.peripherals.memory import FlatMemory

RAM = 0x2000_0000
TX_LIST, RX_LIST, TX_BUFFERS, RX_BUFFERS = RAM + 0x1000, RAM + 0x2000, RAM + 0x4000, RAM + 0x8000
OWN = 1 << 31
OWN_MAC = bytes.fromhex("0080e1000001")
PEER_MAC = bytes.fromhex("020000000001")
HCLK = 168_000_000
OFFSETS = {register.name: register.offset for register in Eth.REGISTERS}


def fcs(frame: bytes) -> bytes:
    return zlib.crc32(frame).to_bytes(4, "little")


def ethernet(payload: bytes, kind: int = 0x88B5, destination: bytes = OWN_MAC) -> bytes:
    """A frame from the peer; its type is one kept for local experiments."""
    return destination + PEER_MAC + kind.to_bytes(2, "big") + payload


def wire_cycles(frame: bytes, mbit: int = 100) -> int:
    """How long a frame keeps the wire, preamble, FCS and gap included."""
    return 8 * (max(len(frame), 60) + 24) * HCLK // (mbit * 1_000_000)


class Bench:
    """The block, started up as drivers do it. `sent` has the frames that left; `bench["DMASR"]` is a register."""

    def __init__(self, *, enhanced: bool = False, phy: str = "lan8742a@0", start: bool = True) -> None:
        self.clock = ManualClock()
        self.tree = ClockTree()
        self.tree.hclk = self.tree.sysclk = HCLK
        self.irq = IrqLine()
        self.wkup = IrqLine()
        self.ram = FlatMemory(RAM, 0x20000)
        self.ledger = Ledger()
        self.phy: Phy = make_phy(phy, clock=self.clock, tree=self.tree)
        self.sent: list[bytes] = []
        self.eth = Eth(
            "ETH",
            clock=self.clock,
            tree=self.tree,
            irq=self.irq,
            wkup_irq=self.wkup,
            memory=self.ram,
            phy=self.phy,
            on_frame=self.sent.append,
            ledger=self.ledger,
        )
        self.enhanced = enhanced
        self.size = 32 if enhanced else 16
        if start:
            self.start()

    def __getitem__(self, name: str) -> int:
        return self.eth.read(OFFSETS[name], 4)

    def __setitem__(self, name: str, value: int) -> None:
        self.eth.write(OFFSETS[name], 4, value)

    def start(self) -> None:
        """Reset, address, full duplex 100 Mbit/s with checksums, store and forward; lists are for the test to make."""
        self["DMABMR"] |= 1
        self.advance(ms=5)
        self["DMABMR"] = self["DMABMR"] | (1 << 7 if self.enhanced else 0)
        self["MACA0HR"] = int.from_bytes(OWN_MAC[4:], "little")
        self["MACA0LR"] = int.from_bytes(OWN_MAC[:4], "little")
        self["MACCR"] = 1 << 15 | 1 << 14 | 1 << 11 | 1 << 10 | 1 << 3 | 1 << 2
        self["DMATDLAR"], self["DMARDLAR"] = TX_LIST, RX_LIST
        self["DMAOMR"] = 1 << 25 | 1 << 21

    def advance(self, cycles: int = 0, *, ms: int = 0) -> None:
        self.clock.advance(cycles + ms * HCLK // 1000)

    def words(self, address: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}I", self.ram.read(address, 4 * count))

    def put(self, address: int, *words: int) -> None:
        self.ram.write(address, struct.pack(f"<{len(words)}I", *words))

    def rx_ring(self, count: int = 4, size: int = 1524, *, chained: bool = True, flags: int = 0) -> None:
        """Receive descriptors, all the DMA's, and reception switched on."""
        for n in range(count):
            last = n == count - 1
            successor = RX_LIST + (0 if last else (n + 1) * self.size)
            control = flags | size | (1 << 14 if chained else (1 << 15 if last else 0))
            self.put(RX_LIST + n * self.size, OWN, control, RX_BUFFERS + n * 2048, successor if chained else 0)
        self["DMAOMR"] |= 1 << 1

    def tx(self, n: int, data: bytes, *, flags: int = 0b11 << 28, count: int = 4) -> None:
        """Fill transmit descriptor `n` of a chain of `count` and give it to the DMA."""
        buffer = TX_BUFFERS + n * 2048
        self.ram.write(buffer, data)
        successor = TX_LIST + (n + 1) % count * self.size
        self.put(TX_LIST + n * self.size, OWN | 1 << 20 | flags, len(data), buffer, successor)

    def tx_start(self) -> None:
        self["DMAOMR"] |= 1 << 13

    def rdes(self, n: int) -> tuple[int, ...]:
        return self.words(RX_LIST + n * self.size, self.size // 4)

    def tdes(self, n: int) -> tuple[int, ...]:
        return self.words(TX_LIST + n * self.size, self.size // 4)

    def stored(self, n: int) -> bytes:
        """What descriptor `n`'s buffer holds by its frame length."""
        return self.ram.read(RX_BUFFERS + n * 2048, self.rdes(n)[0] >> 16 & 0x3FFF)
