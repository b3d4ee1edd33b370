# SPDX-License-Identifier: GPL-2.0-or-later
"""A part of `make fidelity` with every test run, and that it would find something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import layout
from compare import compare, run_all, shrink
from differences import change
from fragments import HARDFAULT, Fragment
from generator import generate
from image import build
from ours import UNICORN_2_1_4, Ours
from outcome import LOCKUP, Outcome, Record, kind_of
from program import THREAD, Program

PROGRAMS = 120
ON_SECOND_UNICORN = 40


@pytest.fixture(scope="module")
def core() -> Iterator[Ours]:
    """stm32emu on the installed Unicorn."""
    with Ours() as ours:
        yield ours


def check(seeds: range, core: Ours, folder: Path) -> int:
    """None of the seeds' programs differs; the number of records that say so."""
    [found] = run_all([generate(seed) for seed in seeds], folder, [core])
    assert {seed: each.difference for seed, each in zip(seeds, found, strict=True) if each.difference} == {}
    return sum(each.records for each in found)


def test_programs_agree_with_qemu(core: Ours, tmp_path: Path) -> None:
    assert check(range(PROGRAMS), core, tmp_path) > 10 * PROGRAMS


def test_programs_agree_on_the_second_unicorn(tmp_path: Path) -> None:
    with Ours(UNICORN_2_1_4) as core:
        check(range(PROGRAMS, PROGRAMS + ON_SECOND_UNICORN), core, tmp_path)


def test_every_word_is_compared(core: Ours, tmp_path: Path) -> None:
    outcome = core.run(build([generate(1)], tmp_path), 1)[0]
    assert compare(outcome, outcome).difference is None
    assert compare(outcome, replace(outcome, end=LOCKUP)).difference
    assert compare(outcome, replace(outcome, records=outcome.records[:-1])).difference
    for number, record in enumerate(outcome.records):
        for at in range(1, len(record)):
            other = (*record[:at], record[at] ^ 0x100, *record[at + 1 :])
            records = (*outcome.records[:number], other, *outcome.records[number + 1 :])
            assert compare(outcome, replace(outcome, records=records)).difference


class Forgetful(Ours):
    """A core that forgets CFSR when it enters HardFault."""

    def run(self, elf: Path, count: int) -> dict[int, Outcome]:
        """See Ours."""
        return {
            number: replace(outcome, records=tuple(map(self._forget, outcome.records)))
            for number, outcome in super().run(elf, count).items()
        }

    @staticmethod
    def _forget(record: Record) -> Record:
        if kind_of(record) == layout.ENTRY and record[0] & 0xFFFF == HARDFAULT:
            return change(record, "CFSR", lambda cfsr: 0)
        return record


def test_a_program_that_differs_becomes_small() -> None:
    noise = [Fragment("noise", ("nop",))] * 3
    fault = Fragment("fault", ("expect 9f", "udf #1", "9:", "expect_end"))
    with Forgetful() as core:
        small, why = shrink(Program(0, 0, {THREAD: (*noise, fault, *noise)}), core)
    assert small.sections == {THREAD: (fault,)}
    assert why == "record 0: entry of hardfault: CFSR ours 0x0 QEMU 0x10000"
