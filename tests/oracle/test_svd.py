# SPDX-License-Identifier: GPL-2.0-or-later
"""Every declared block agrees with ST's SVD data, errata apart; every erratum is needed; no block is forgotten."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import stm32emu.peripherals
import svd
from stm32emu.peripherals.peripheral import Peripheral
from svd_cases import CASES, ERRATA, NOT_IN_SVD


@pytest.fixture(scope="module")
def comparisons() -> list[svd.Comparison]:
    return [svd.Comparison(case, ERRATA) for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_declarations_agree_with_svd(case: svd.Case) -> None:
    assert svd.Comparison(case, ERRATA).found == []


def _made_up(block: type[Peripheral], comparisons: list[svd.Comparison]) -> dict[str, svd.Erratum | None]:
    """Against the devices of the class and of those it inherits from or that inherit from it."""
    related = [each for each in comparisons if isinstance(each.block, block) or issubclass(block, type(each.block))]
    return svd.made_up(block, related, ERRATA)


def test_nothing_is_made_up(comparisons: list[svd.Comparison]) -> None:
    blocks = {type(each.block) for each in comparisons}
    found = [place for block in blocks for place, excuse in _made_up(block, comparisons).items() if excuse is None]
    assert found == []


def test_every_erratum_is_needed(comparisons: list[svd.Comparison]) -> None:
    used: set[svd.Erratum | None] = set()
    for each in comparisons:
        used.update(each.used, _made_up(type(each.block), comparisons).values())
    assert [erratum for erratum in ERRATA if erratum not in used] == []


def test_no_block_is_forgotten(comparisons: list[svd.Comparison]) -> None:
    for module in pkgutil.iter_modules(stm32emu.peripherals.__path__):
        importlib.import_module(f"stm32emu.peripherals.{module.name}")
    covered = {base for each in comparisons for base in type(each.block).__mro__}
    assert _names(_subclasses(Peripheral) - covered) - NOT_IN_SVD == set()


def _subclasses(block: type[Peripheral]) -> set[type[Peripheral]]:
    ours = {each for each in block.__subclasses__() if each.__module__.startswith("stm32emu.")}
    return ours.union(*map(_subclasses, ours))


def _names(blocks: set[type[Peripheral]]) -> set[str]:
    return {f"{block.__module__.rpartition('.')[2]}.{block.__name__}" for block in blocks}


def test_the_judge_judges() -> None:
    """RNG's registers held against IWDG's: names, bits and resets must all be complained about."""
    found = svd.Comparison(svd.Case("rng.Rng", "STM32F40x", ("IWDG",)), ()).found
    assert any("we call it" in each for each in found)
    assert any("(bogus)" in each for each in found)
    assert any("(reset)" in each for each in found)
