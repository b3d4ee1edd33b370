# SPDX-License-Identifier: GPL-2.0-or-later
"""The grammar of --fault: what each word means, and the sentence for each that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stm32emu.errors import UserError
from stm32emu.fault_injection import SWITCHES
from stm32emu.faults import FAULTS, Bit, Call, Moment, faults_table, parse_fault
from stm32emu.options import RunOptions, parse_options

SECOND, MS, US = 1_000_000_000, 1_000_000, 1000


@pytest.mark.parametrize(
    ("word", "name", "argument", "start", "end"),
    [
        ("rng=stuck@2s", "rng=stuck", None, Moment(2 * SECOND), None),
        ("rng=stuck:0", "rng=stuck", 0, None, None),
        ("rng=stuck:0xffffffff@1s..2s", "rng=stuck", 0xFFFF_FFFF, Moment(SECOND), Moment(2 * SECOND)),
        ("rng=repeat", "rng=repeat", None, None, None),
        ("rng=seed-error", "rng=seed-error", None, None, None),
        ("rng=clock-off@20us", "rng=clock-off", None, Moment(20 * US), None),
        ("rng=bias:2bit", "rng=bias", 2, None, None),
        ("rng=bias:31", "rng=bias", 31, None, None),
        ("eth=link-down@3s..5s", "eth=link-down", None, Moment(3 * SECOND), Moment(5 * SECOND)),
        ("eth=link-down@1.5s..1m", "eth=link-down", None, Moment(1500 * MS), Moment(60 * SECOND)),
        ("eth=loss:5%", "eth=loss", 0.05, None, None),
        ("eth=loss:100%", "eth=loss", 1.0, None, None),
        ("eth=reorder:2%@7", "eth=reorder", 0.02, Moment(7, is_cycle=True), None),
        ("eth=corrupt:0.5%@10..20", "eth=corrupt", 0.005, Moment(10, is_cycle=True), Moment(20, is_cycle=True)),
        ("eth=delay:20ms", "eth=delay", 20 * MS, None, None),
        ("alloc=fail:1234", "alloc=fail", Call(None, 1234), None, None),
        ("alloc=fail:pvPortMalloc.3@2s", "alloc=fail", Call("pvPortMalloc", 3), Moment(2 * SECOND), None),
        ("mem=flip:0x20001234.3@168000000", "mem=flip", Bit(0x2000_1234, 3), Moment(168_000_000, True), None),
        ("mem=flip:536875572.7@0.1s", "mem=flip", Bit(0x2000_1234, 7), Moment(100 * MS), None),
    ],
)
def test_words(word: str, name: str, argument: Any, start: Moment | None, end: Moment | None) -> None:
    fault = parse_fault(word)
    assert (fault.row.name, fault.argument, fault.start, fault.end) == (name, argument, start, end)
    assert str(fault) == word


@pytest.mark.parametrize(
    ("word", "clause"),
    [
        ("", "'' is not TARGET=KIND"),
        ("rng", "'rng' is not TARGET=KIND"),
        ("rng:stuck", "'rng:stuck' is not TARGET=KIND"),
        ("usb=off", "there are no faults of 'usb', only of rng, eth, alloc, mem"),
        ("=stuck", "there are no faults of ''"),
        ("rng=", "rng has no fault ''"),
        ("rng=stuk", "rng has no fault 'stuk', only stuck, repeat, bias, seed-error, clock-off"),
        ("rng=stuck ", "rng has no fault 'stuck '"),
        ("rng=stuck:", "'' is not a word of 32 bits"),
        ("rng=stuck:0x100000000", "'0x100000000' is not a word of 32 bits"),
        ("rng=stuck: 1", "' 1' is not a word of 32 bits"),
        ("rng=repeat:3", "rng=repeat takes no argument: write rng=repeat[@TIME[..TIME]]"),
        ("rng=bias", "rng=bias needs an argument: write rng=bias:Nbit[@TIME[..TIME]], such as rng=bias:2bit"),
        ("rng=bias:0bit", "'0' is not a number of bits"),
        ("rng=bias:32bit", "'32' is not a number of bits"),
        ("rng=stuck@", "'' is not a time"),
        ("rng=stuck@soon", "'soon' is not a time, such as 2s"),
        ("rng=stuck@-1s", "'-1s' is not a time"),
        ("rng=stuck@1e3s", "'1e3s' is not a time"),
        ("rng=stuck@99999999s", "'99999999s' is not a time"),
        ("rng=stuck@3s..", "'' is not a time"),
        ("rng=stuck@..3s", "'' is not a time"),
        ("rng=stuck@3s..2s", "'3s..2s' is not a stretch of time"),
        ("rng=stuck@3s..3s", "'3s..3s' is not a stretch of time"),
        ("rng=stuck@3..4s", "'3..4s' is not a stretch of time"),
        ("rng=stuck@1s@2s", "'1s@2s' is not a time"),
        ("eth=loss:5", "'5' is not a share, such as 5%"),
        ("eth=loss:0%", "'0%' is not a share"),
        ("eth=loss:101%", "'101%' is not a share"),
        ("eth=loss:nan%", "'nan%' is not a share"),
        ("eth=delay:20", "'20' is not a time"),
        ("eth=delay:20ms:5", "'20ms:5' is not a time"),
        ("alloc=fail:0", "'0' is not the number of a call"),
        ("alloc=fail:.3", "'.3' names no function"),
        ("alloc=fail:malloc.x", "'x' is not the number of a call"),
        ("alloc=fail:1@2s..3s", "alloc=fail happens once, so it has no end"),
        ("mem=flip:0x20000000.3", "mem=flip needs a time: write mem=flip:ADDRESS.BIT@TIME"),
        ("mem=flip:0x20000000.8@1s", "'8' is not the address of a byte and one of its bits"),
        ("mem=flip:0x20000000@1s", "'' is not the address of a byte and one of its bits"),
        ("mem=flip:0x100000000.0@1s", "'0x100000000' is not the address of a byte"),
        ("mem=flip:main.3@1s", "'main' is not the address of a byte"),
        ("mem=flip:0x20000000.3@1s..2s", "mem=flip happens once"),
    ],
)
def test_bad_words(word: str, clause: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_options(Path("firmware.elf"), {"faults": [word]})
    assert caught.value.sentence.startswith(f"--fault: {clause}")
    assert "\n" not in caught.value.sentence
    assert caught.value.exit_code == 2


def test_several_faults_and_none_twice() -> None:
    words = ["eth=loss:5%", "eth=loss:5%@3s", "rng=stuck"]
    options = parse_options(Path("firmware.elf"), {"faults": words})
    assert [str(fault) for fault in options.faults] == words
    assert RunOptions(Path("firmware.elf")).faults == ()
    with pytest.raises(UserError, match="--fault: rng=stuck is given twice"):
        parse_options(Path("firmware.elf"), {"faults": [*words, "rng=stuck"]})


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row.name)
def test_every_row_has_an_example_and_does_something(row: Any) -> None:
    assert parse_fault(row.example).row is row
    assert row.name in SWITCHES


def test_readme_shows_the_table() -> None:
    assert faults_table() in (Path(__file__).resolve().parents[2] / "README.md").read_text()
