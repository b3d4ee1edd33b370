# SPDX-License-Identifier: GPL-2.0-or-later
"""An ELF with damage anywhere is run, or refused in a sentence; never anything else."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stm32emu.dead_code import Wanted
from stm32emu.elf import load_firmware
from stm32emu.errors import UserError
from stm32emu.flash_graph import FlashGraph
from stm32emu.flash_report import modules
from stm32emu.flash_savings import Savings
from stm32emu.info import describe
from stm32emu.options import RunOptions
from stm32emu.session import Session
from stm32emu.symbols import Symbols

# Faults three calls deep, so that symbols, line numbers and frame rules are all read.
SOURCE = """
void Reset_Handler(void);
void HardFault_Handler(void) { for (;;) ; }
__attribute__((section(".isr_vector"), used)) void *const vectors[] = {
    (void *)0x20020000, Reset_Handler, 0, HardFault_Handler };
static __attribute__((noinline)) int third(volatile int *p, int n) { return *p + n; }
static __attribute__((noinline)) int second(int n) { return third((volatile int *)0x2fff0000, n) * 3; }
static __attribute__((noinline)) int first(int n) { return second(n + 1) + 1; }
void Reset_Handler(void) { volatile int x = first(4); for (;;) x++; }
"""
ELF_HEADER, PROGRAM_HEADERS = range(52), range(52, 52 + 3 * 32)


@pytest.fixture(scope="session")
def good(compile_firmware: Callable[..., Path]) -> Path:
    return compile_firmware("damaged", SOURCE, "-g", "-O1")


def outcome(path: Path) -> tuple[int, str]:
    """Exit code and sentence of a short run."""
    options = RunOptions(elf=path, duration=0.001)
    try:
        ended = Session(options, console=lambda data: None, log=lambda line: None).run()
        return ended.exit_code, ended.reason
    except UserError as error:
        return error.exit_code, error.sentence


def described(path: Path) -> bool:
    """Whether `stm32emu info` has something to say."""
    try:
        return bool(str(describe(path)))
    except UserError:
        return False


def weighed(path: Path) -> bool:
    """Whether `stm32emu doctor flash` has something to say."""
    try:
        firmware = load_firmware(path)
        symbols = Symbols.from_elf(BytesIO(firmware.contents))
        graph = FlashGraph(firmware, symbols)
        whole = sum(len(segment.data) for segment in firmware.segments)
        saved = Savings(graph, symbols).without(Wanted("second|third")).size
        return 0 <= saved <= whole and sum(module.size for module in modules(graph, None)) <= whole
    except UserError:
        return False


@st.composite
def damage(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """A few bytes changed in the headers, the section table or anywhere; sometimes the end is missing."""
    where = draw(st.sampled_from([ELF_HEADER, PROGRAM_HEADERS, None, "sections"]))
    spots = draw(st.lists(st.tuples(st.integers(0, 1 << 30), st.integers(0, 255)), min_size=1, max_size=16))
    kept = draw(st.one_of(st.just(1.0), st.floats(0, 1)))

    def apply(contents: bytes) -> bytes:
        (sections,) = struct.unpack_from("<I", contents, 32)
        table = range(sections, len(contents)) if where == "sections" else where or range(len(contents))
        changed = bytearray(contents)
        for position, value in spots:
            changed[table[position % len(table)]] = value
        return bytes(changed[: int(kept * len(changed))])

    return apply


def test_the_undamaged_file_faults(good: Path) -> None:
    assert outcome(good) == (1, "the firmware faulted and its handler only loops")
    assert described(good)
    assert weighed(good)


@settings(max_examples=250, derandomize=True)
@given(damage=damage())
def test_damage(good: Path, damage: Callable[[bytes], bytes]) -> None:
    path = good.with_name("mutant.elf")
    path.write_bytes(damage(good.read_bytes()))
    code, sentence = outcome(path)
    assert code in (0, 1, 2)
    assert "\n" not in sentence
    assert described(path) or code == 2
    assert weighed(path) or code == 2
