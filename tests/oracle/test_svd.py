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


@pytest.mark.parametrize("case", CASES, ids=str)
def test_declarations_agree_with_svd(case: svd.Case) -> None:
    assert svd.Comparison(case, ERRATA).found == []


@pytest.mark.parametrize("block", sorted({case.block for case in CASES}))
def test_nothing_is_made_up(block: str) -> None:
    comparisons = [svd.Comparison(case, ERRATA) for case in CASES if case.block == block]
    assert [place for place, excuse in svd.made_up(comparisons, ERRATA).items() if excuse is None] == []


def test_every_erratum_is_needed() -> None:
    used: set[svd.Erratum | None] = set()
    for block in {case.block for case in CASES}:
        comparisons = [svd.Comparison(case, ERRATA) for case in CASES if case.block == block]
        used.update(*(each.used for each in comparisons), svd.made_up(comparisons, ERRATA).values())
    assert [erratum for erratum in ERRATA if erratum not in used] == []


def test_no_block_is_forgotten() -> None:
    for module in pkgutil.iter_modules(stm32emu.peripherals.__path__):
        importlib.import_module(f"stm32emu.peripherals.{module.name}")
    declared = {f"{block.__module__.rpartition('.')[2]}.{block.__name__}" for block in _subclasses(Peripheral)}
    assert declared - {case.block for case in CASES} - NOT_IN_SVD == set()


def _subclasses(block: type[Peripheral]) -> set[type[Peripheral]]:
    ours = {each for each in block.__subclasses__() if each.__module__.startswith("stm32emu.")}
    return ours.union(*map(_subclasses, ours))


def test_the_judge_judges() -> None:
    """RNG's registers held against IWDG's: names, bits and resets must all be complained about."""
    found = svd.Comparison(svd.Case("rng.Rng", "STM32F40x", ("IWDG",)), ()).found
    assert any("we call it" in each for each in found)
    assert any("(bogus)" in each for each in found)
    assert any("(reset)" in each for each in found)
