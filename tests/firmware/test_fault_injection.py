# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults on a running machine: each begins and ends when it should, and does what the table says."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from programs import HEAD
from stm32emu.cable import Cable
from stm32emu.chips import find_chip
from stm32emu.elf import load_firmware
from stm32emu.errors import UserError
from stm32emu.fault_injection import FaultInjection
from stm32emu.faults import parse_fault
from stm32emu.machine import Machine
from stm32emu.netbridge.wire.ethernet import ETHERTYPE_IPV4, EthernetFrame, Mac
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_TCP, Ipv4Packet
from stm32emu.netbridge.wire.tcp import SYN, TcpSegment
from stm32emu.peripherals.eth_phy import Phy
from stm32emu.peripherals.rng import Rng

MS = 16_000  # cycles of a chip out of reset
BMSR, SMSC_INTERRUPTS = 1, 0x1D
LINKED, LINK_DOWN = (
    1 << 2,
    1 << 4,
)  # IEEE 802.3 section 22.2.4.2.13; LAN8742A data sheet, "Interrupt Source Flag Register"

COUNTING = HEAD + "again:\n    adds r0, #1\n    str r0, [r7]\n    b again\n"

# Each result of `allocate` goes to the next word from 0x20000100 on. One of them is served by another.
ALLOCATING = """
#include <stdint.h>
void *pvPortMalloc(uint32_t size);
void *pvPortCalloc(uint32_t count, uint32_t size);
void *my_malloc(uint32_t size);
void Reset_Handler(void);
__attribute__((section(".isr_vector"), used)) static void *const table[] = {(void *)0x20020000, Reset_Handler};
#define SERVE __attribute__((noinline, optimize("no-optimize-sibling-calls")))
SERVE void *pvPortMalloc(uint32_t size) { static uint32_t next = 0x20001000; return (void *)(next += size); }
SERVE void *pvPortCalloc(uint32_t count, uint32_t size)
{
    void *block = pvPortMalloc(count * size);
    __asm__ volatile("");
    return block;
}
SERVE void *my_malloc(uint32_t size) { return pvPortMalloc(size); }
void Reset_Handler(void)
{
    void *volatile *result = (void *volatile *)0x20000100;
    for (uint32_t n = 0; n < 5; n++) {
        *result++ = pvPortMalloc(8);
        *result++ = pvPortCalloc(1, 8);
        *result++ = my_malloc(8);
    }
    for (;;) {
    }
}
"""


class Bench:
    """A machine with faults; `frames` are those that reached the far end of the cable, `log` what was said."""

    def __init__(self, elf: Path, *words: str, chip: str = "f407", seed: int = 0) -> None:
        self.frames: list[bytes] = []
        self.log: list[str] = []
        self.machine = Machine(load_firmware(elf), find_chip(chip))
        self.cable = Cable(self.machine, lambda frame, now: self.frames.append(frame))
        faults = [parse_fault(word) for word in words]
        link, log = self.cable.link, self.log.append
        FaultInjection(faults, machine=self.machine, link=link, seed=seed, log=log).start()

    def at(self, cycle: int) -> Bench:
        self.machine.run(cycle)
        return self

    @property
    def rng(self) -> Rng:
        rng = self.machine.board.blocks["RNG"]
        assert isinstance(rng, Rng)
        return rng

    def word(self, address: int) -> int:
        return int.from_bytes(self.machine.memory.peek(address, 4), "little")


@pytest.fixture(scope="module")
def counting(compile_firmware: Callable[..., Path]) -> Path:
    return compile_firmware("counting", COUNTING, suffix=".s")


@pytest.fixture(scope="module")
def allocating(compile_firmware: Callable[..., Path]) -> Path:
    return compile_firmware("allocating", ALLOCATING, "-O1", "-g")


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        ("seed-error", lambda rng: rng.seed_fault),
        ("clock-off", lambda rng: rng.clock_fault),
        ("stuck", lambda rng: bool(rng.distortions)),
        ("repeat", lambda rng: bool(rng.distortions)),
        ("bias:3bit", lambda rng: bool(rng.distortions)),
    ],
)
@pytest.mark.parametrize("window", ["1ms..2ms", f"{MS}..{2 * MS}"])
def test_a_window(counting: Path, kind: str, broken: Callable[[Rng], bool], window: str) -> None:
    bench = Bench(counting, f"rng={kind}@{window}")
    states = [broken(bench.at(cycle).rng) for cycle in (MS - 10, MS + 10, 2 * MS - 10, 2 * MS + 10)]
    assert states == [False, True, True, False]
    assert bench.log == [
        f"fault rng={kind}@{window} begins at 0.001 s",
        f"fault rng={kind}@{window} ends at 0.002 s",
    ]


def syn() -> bytes:
    """As a frame."""
    here, there = IPv4Address("192.168.0.1"), IPv4Address("192.168.0.254")
    packet = Ipv4Packet(here, there, PROTOCOL_TCP, TcpSegment(1, 2, 3, 4, SYN, 5).emit(here, there))
    return EthernetFrame(Mac(bytes(6)), Mac(bytes(6)), ETHERTYPE_IPV4, packet.emit()).emit()


def test_a_repeating_generator_starts_again_with_a_connection_to_the_guest(counting: Path) -> None:
    bench = Bench(counting, "rng=repeat")
    bench.machine.tree.pll48ck = 48_000_000
    bench.rng.write(0, 4, 1 << 2)  # CR.RNGEN

    def words() -> list[int]:
        return [bench.at(bench.machine.clock.now + 100).rng.read(8, 4) for _word in range(3)]

    first = words()
    bench.cable.from_guest(syn())
    second = words()
    bench.at(bench.machine.clock.now + 100).cable.to_guest(syn())
    assert len(set(first + second)) == 6
    assert words() == first


def test_faults_of_a_kind_may_overlap(counting: Path) -> None:
    bench = Bench(counting, "rng=seed-error@1ms..4ms", "rng=seed-error@2ms..3ms", "rng=seed-error@3ms..5ms")
    states = [bench.at(cycle * MS + 10).rng.seed_fault for cycle in range(6)]
    assert states == [False, True, True, True, True, False]


def test_a_fault_without_a_time_is_there_from_the_first_cycle(counting: Path) -> None:
    bench = Bench(counting, "rng=seed-error", "eth=link-down")
    assert bench.rng.seed_fault
    assert bench.log == ["fault rng=seed-error begins at 0.000 s", "fault eth=link-down begins at 0.000 s"]
    eth = bench.at(10 * MS).machine.board.eth()
    assert eth is not None
    assert eth.phy.link is None


def linked(phy: Phy) -> bool:
    """The second of two reads, since the first shows whether the link was down since the last."""
    phy.read(0, BMSR)
    return bool(phy.read(0, BMSR) & LINKED)


def test_a_pulled_cable_shows_in_the_phys_registers(counting: Path) -> None:
    bench = Bench(counting, "eth=link-down@3ms..4ms")
    eth = bench.at(3 * MS - 10).machine.board.eth()
    assert eth is not None
    phy = eth.phy
    phy.read(0, SMSC_INTERRUPTS)
    assert linked(phy)
    bench.at(3 * MS + 10)
    assert not linked(phy)
    assert phy.read(0, SMSC_INTERRUPTS) & LINK_DOWN
    bench.cable.to_guest(b"in")
    eth.MACCR = 1 << 3  # TE
    eth._deliver(bytes(60), "")
    assert bench.frames == []
    assert eth.dropped == {"received without a link": 1, "sent without a link": 1}
    bench.at(6 * MS + 100)  # autonegotiation takes 2 ms
    assert linked(phy)


def _losses(elf: Path, *words: str, seed: int = 0) -> list[int]:
    bench = Bench(elf, *words, seed=seed)
    for n in range(200):
        bench.cable.from_guest(n.to_bytes(2, "big") * 30)
    return [int.from_bytes(frame[:2], "big") for frame in bench.frames]


def test_chance_is_the_seeds_and_each_faults_own(counting: Path) -> None:
    alone = _losses(counting, "eth=loss:20%")
    assert 120 < len(alone) < 190
    assert _losses(counting, "eth=loss:20%") == alone
    assert _losses(counting, "eth=loss:20%", "eth=delay:1ms@1s", "rng=stuck", "eth=corrupt:50%@1s") == alone
    assert _losses(counting, "eth=loss:20%", seed=1) != alone


def test_a_delayed_frame_arrives_in_virtual_time(counting: Path) -> None:
    bench = Bench(counting, "eth=delay:2ms")
    bench.at(MS).cable.from_guest(b"1")
    bench.at(2 * MS).cable.from_guest(b"2")
    assert bench.at(3 * MS - 10).frames == []
    assert bench.at(3 * MS + 10).frames == [b"1"]
    assert bench.at(4 * MS + 10).frames == [b"1", b"2"]


def test_the_mac_counts_a_corrupted_frame_and_drops_it(counting: Path) -> None:
    bench = Bench(counting, "eth=corrupt:100%")
    eth = bench.at(3 * MS).machine.board.eth()
    assert eth is not None
    eth.MACCR, eth.MACFFR = 1 << 2, 1 << 31  # RE; receive all
    eth.RSF = 1
    bench.cable.to_guest(bytes(60))
    bench.at(4 * MS)
    assert eth.MMCRFCECR == 1
    assert eth.dropped == {"bad FCS": 1}


def test_a_bit_of_ram_flips_once(counting: Path) -> None:
    bench = Bench(counting, "mem=flip:0x20000201.3@1ms")
    assert bench.at(MS - 10).word(0x2000_0200) == 0
    assert bench.at(MS + 10).word(0x2000_0200) == 0x800
    assert bench.at(5 * MS).word(0x2000_0200) == 0x800


@pytest.mark.parametrize("alias", [0x0800_0000, 0])
def test_a_bit_of_code_flips_while_it_runs(counting: Path, alias: int) -> None:
    """Bit 11 of `adds r0, #1` makes it `subs r0, #1`."""
    loop = load_firmware(counting).reset_handler - 1 - 0x0800_0000 + 2  # behind the load of r7
    bench = Bench(counting, f"mem=flip:{alias + loop + 1:#x}.3@1ms")
    before = bench.at(MS - 10).word(0x2000_0100)
    assert before > 0
    bench.at(MS + 10)
    assert bench.at(3 * MS).word(0x2000_0100) > 0x8000_0000


def results(bench: Bench) -> list[int]:
    """The places in `ALLOCATING`'s fifteen results that are NULL, counted from 1."""
    bench.at(MS)
    return [n + 1 for n in range(15) if bench.word(0x2000_0100 + 4 * n) == 0]


@pytest.mark.parametrize(
    ("words", "null"),
    [
        ((), []),
        (("alloc=fail:1",), [1]),
        (("alloc=fail:2",), [2]),
        (("alloc=fail:3",), [3]),
        (("alloc=fail:15",), [15]),
        (("alloc=fail:16",), []),
        (("alloc=fail:4", "alloc=fail:7"), [4, 7]),
        (("alloc=fail:my_malloc.2",), [6]),
        (("alloc=fail:pvPortCalloc.1", "alloc=fail:pvPortMalloc.3"), [2, 4]),
        (("alloc=fail:1@500us",), []),
    ],
)
def test_the_nth_call_returns_null(allocating: Path, words: tuple[str, ...], null: list[int]) -> None:
    """What pvPortCalloc asks of pvPortMalloc is one call of the allocator, not two; by name a function counts alone,
    and a call that failed asks for nothing."""
    assert results(Bench(allocating, *words)) == null


def test_a_failing_allocation_says_who_asked(allocating: Path) -> None:
    bench = Bench(allocating, "alloc=fail:2").at(MS)
    assert bench.log[0] == "fault alloc=fail:2 begins at 0.000 s"
    assert bench.log[1].startswith("fault alloc=fail:2: pvPortCalloc returns NULL to Reset_Handler")
    line = next(n for n, text in enumerate(ALLOCATING.splitlines(), 1) if "pvPortCalloc(1, 8)" in text)
    assert bench.log[1].endswith(f"(allocating.c:{line})")


@pytest.mark.parametrize(
    ("chip", "word", "sentence"),
    [
        ("f405", "eth=loss:5%", "--fault eth=loss:5%: STM32F405 has no Ethernet"),
        ("f405", "eth=link-down", "--fault eth=link-down: STM32F405 has no Ethernet"),
        ("f401", "rng=stuck", "--fault rng=stuck: STM32F401 has no random number generator"),
        ("f401", "rng=seed-error", "--fault rng=seed-error: STM32F401 has no random number generator"),
        ("f407", "mem=flip:0x30000000.0@1s", "--fault mem=flip:0x30000000.0@1s: STM32F407 has no memory at 0x30000000"),
        ("f407", "alloc=fail:1", "--fault alloc=fail:1: counting.elf has none of mbedtls_calloc, pvPortMalloc"),
        ("f407", "alloc=fail:brk.1", "--fault alloc=fail:brk.1: counting.elf has no function brk"),
    ],
)
def test_what_has_no_place_is_refused(counting: Path, chip: str, word: str, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        Bench(counting, word, chip=chip)
    assert caught.value.sentence.startswith(sentence)
    assert caught.value.exit_code == 2
