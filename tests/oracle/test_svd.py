# SPDX-License-Identifier: GPL-2.0-or-later
"""Every block of every chip agrees with ST's SVD data, errata apart; every erratum is needed; no block is forgotten."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache

import pytest

import stm32emu.peripherals
import svd
from stm32emu.block_table import bare_board
from stm32emu.chip import Block
from stm32emu.chips import CHIPS, find_chip
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.rng import Rng
from stm32emu.peripherals.stub import Stub
from svd_errata import ERRATA, NAMES
from test_chips_svd import FILES


@cache
def comparisons(chip: str) -> tuple[svd.Comparison, ...]:
    """Every modelled block of a chip against its file."""
    board = bare_board(find_chip(chip))
    return tuple(
        svd.Comparison(block, board.blocks[block.name], FILES[chip], NAMES, ERRATA)
        for block in board.chip.blocks
        if not isinstance(board.blocks[block.name], Stub)
    )


def everywhere() -> list[svd.Comparison]:
    return [each for chip in FILES for each in comparisons(chip)]


def judged() -> set[type[Peripheral]]:
    """The classes that some file has registers of."""
    return {owner for each in everywhere() for owner, _offset in each.known}


@pytest.mark.parametrize("chip", FILES)
def test_declarations_agree_with_svd(chip: str) -> None:
    assert [sentence for each in comparisons(chip) for sentence in each.found] == []


def test_coverage(pytestconfig: pytest.Config) -> None:
    """Everything that the files have is modelled, tagged or an erratum. The table ends the tests' output."""
    rows = list(svd.coverage(everywhere()))
    pytestconfig.stash[svd.COVERAGE] = [
        f"{name:<12}" + "".join(f" {counts[outcome]:>5} {outcome}" for outcome in svd.OUTCOMES) for name, counts in rows
    ]
    assert [name for name, counts in rows if counts["gap"]] == []


def made_up() -> set[str]:
    return {place for block in judged() for place in svd.made_up(block, everywhere())}


def _excuses(place: str) -> Iterable[svd.Erratum]:
    """The "missing" errata of a field or its whole register."""
    register = place.rpartition(".")[0]
    return (
        each
        for each in ERRATA
        if each.kind == "missing" and (fnmatchcase(place, each.place) or fnmatchcase(register, each.place))
    )


def test_nothing_is_made_up() -> None:
    assert sorted(place for place in made_up() if not any(_excuses(place))) == []


def test_every_erratum_is_needed() -> None:
    used = {erratum for each in everywhere() for erratum in each.used}
    used.update(erratum for place in made_up() for erratum in _excuses(place))
    assert [erratum for erratum in ERRATA if erratum not in used] == []


def _subclasses(block: type[Peripheral]) -> set[type[Peripheral]]:
    ours = {each for each in block.__subclasses__() if each.__module__.startswith("stm32emu.")}
    return ours.union(*map(_subclasses, ours))


def test_no_block_is_forgotten() -> None:
    """Each class with registers of its own is judged, or it is a part of one that is."""
    for module in pkgutil.iter_modules(stm32emu.peripherals.__path__):
        importlib.import_module(f"stm32emu.peripherals.{module.name}")
    covered = {base for block in judged() for base in block.__mro__}
    assert {each.__name__ for each in _subclasses(Peripheral) if each.REGISTERS and each not in covered} == set()


@pytest.mark.parametrize("chip", [chip.name for chip in CHIPS if chip.name not in FILES])
def test_chips_without_a_file_have_only_judged_classes(chip: str) -> None:
    parts = {
        type(part)
        for block in bare_board(find_chip(chip)).blocks.values()
        if not isinstance(block, Stub)
        for _offset, part in block.parts()
    }
    assert parts - judged() == set()


def test_the_judge_judges() -> None:
    """RNG's registers held against IWDG's: names, bits and resets must all be complained about."""
    board = bare_board(find_chip("f407"))
    block = Block("IWDG", "rng", 0x4000_3000, 0x400)
    found = svd.Comparison(block, board.one(Rng), "STM32F40x", {}, ()).found
    assert {kind for kind in ("name", "bogus", "reset", "access") if any(f"({kind})" in each for each in found)} == {
        "name", "bogus", "reset", "access",
    }  # fmt: skip
