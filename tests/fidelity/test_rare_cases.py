# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs by hand for what the generator hardly ever meets, compared with QEMU like its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compare import run_all
from fragments import NMI, PENDSV, Fragment
from ours import Ours
from program import THREAD, Program, exception_name

READ_MASKS = ["mrs r0, primask", "mrs r1, faultmask", "mrs r2, basepri", "movs r3, #0", "note 2"]
CASES = {
    # B1.5.8, DeActivate(): FAULTMASK outlives NMI, and nothing else.
    "NMI under FAULTMASK": {THREAD: ["cpsid f", "isb", "put ICSR, 0x80000000", "isb", *READ_MASKS, "cpsie f", "isb"]},
    "FAULTMASK cleared by NMI": {
        THREAD: ["cpsid f", "isb", "put ICSR, 0x90000000", "isb", *READ_MASKS],
        exception_name(NMI): ["cpsie f", "isb"],
    },
    "FAULTMASK set by PendSV": {
        THREAD: ["put ICSR, 0x10000000", "isb", *READ_MASKS],
        exception_name(PENDSV): ["cpsid f", "isb", *READ_MASKS],
    },
    # B1.5.6: HardFault cannot come in place of NMI when NMI's vector cannot be read.
    "NMI without a vector": {THREAD: ["put VTOR, 0x30000000", "dsb", "put ICSR, 0x80000000", "isb"]},
    "PendSV and HardFault without vectors": {THREAD: ["put VTOR, 0x30000000", "dsb", "put ICSR, 0x10000000", "isb"]},
}


@pytest.fixture(scope="module")
def core() -> Iterator[Ours]:
    """stm32emu on the installed Unicorn."""
    with Ours() as ours:
        yield ours


@pytest.mark.parametrize("case", CASES)
def test_case_agrees_with_qemu(case: str, core: Ours, tmp_path: Path) -> None:
    sections = {name: (Fragment(case, tuple(lines)),) for name, lines in CASES[case].items()}
    [[found]] = run_all([Program(0, 0, sections)], tmp_path, [core])
    assert found.difference is None
    assert found.part is None
