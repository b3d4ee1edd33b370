# SPDX-License-Identifier: GPL-2.0-or-later
"""What conditional branches need, judged by Capstone on every halfword of the bundled firmware's code."""

from __future__ import annotations

import re
from typing import Any

import pytest
from capstone import arm

from stm32emu.conditions import compares, condition, is_conditional, keeps_flags
from test_flow_capstone import IMAGES, instructions

Row = tuple[int, int, str, bool]
"""Both halfwords (the second is 0 if there is none), the mnemonic without a width, whether it sets flags."""


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Data among them looks like code that has PC for its result, which no code has."""
    return [_row(each) for each in instructions(IMAGES / "tls_server.elf") if not each.op_str.startswith("pc,")]


def _row(instruction: Any) -> Row:
    first, second = (int.from_bytes(bytes(instruction.bytes)[at : at + 2], "little") for at in (0, 2))
    sets = instruction.update_flags or arm.ARM_REG_CPSR in instruction.regs_write
    return first, second, instruction.mnemonic.partition(".")[0], sets


def test_comparisons(rows: list[Row]) -> None:
    found = {mnemonic for first, second, mnemonic, _sets in rows if compares(first, second)}
    assert {"cmn", "cmp", "tst"} <= found <= {"cmn", "cmp", "teq", "tst"}
    assert not found & {mnemonic for first, second, mnemonic, _sets in rows if not compares(first, second)}


def test_what_goes_by_flags(rows: list[Row]) -> None:
    found = {mnemonic for first, second, mnemonic, _sets in rows if is_conditional(first, second)}
    assert {"beq", "bne", "bhi", "bls", "it", "ite"} < found
    assert all(re.fullmatch(r"b[a-z]{2}|it[te]*", mnemonic) for mnemonic in found)
    assert not found & {mnemonic for first, second, mnemonic, _sets in rows if not is_conditional(first, second)}


def test_what_keeps_flags(rows: list[Row]) -> None:
    found = [(mnemonic, sets) for first, second, mnemonic, sets in rows if keeps_flags(first, second)]
    assert {"ldr", "str", "strb", "ldrd", "strd", "mov"} < {mnemonic for mnemonic, _sets in found}
    assert "cmp" not in {mnemonic for mnemonic, _sets in found}


@pytest.mark.parametrize(
    ("code", "branch", "expected"),
    [
        ("2b00 d001 4770", 2, {0, 2}),  # cmp r3, #0; beq; bx lr
        ("2b00 7023 d001 4770", 4, {0, 4}),  # with strb r3, [r4] between them
        ("2b00 f884 3100 d001 4770", 6, {0, 6}),  # strb.w r3, [r4, #256]
        ("f5b0 6f80 d001 4770", 4, {0, 2, 4}),  # cmp.w r0, #1024
        ("ea93 0f02 d001 4770", 4, {0, 2, 4}),  # teq r3, r2
        ("3b01 d001 4770", 2, {2}),  # subs r3, #1: r3 may be used
        ("2b00 3b01 d001 4770", 4, {4}),  # the flags are those of subs
        ("2b00 d001 dc01 4770", 2, {2}),  # bgt needs the comparison, too
        ("2b00 d001 f300 8001", 2, {2}),  # and so does bgt.w
        ("2b00 d001 f7ff fffe", 2, {0, 2}),  # bl does not
        ("2b00 f000 8001 4770", 2, {0, 2, 4}),  # beq.w
        ("2b00 b103 4770", 2, {2}),  # cbz
    ],
)
def test_a_branch_and_its_comparison(code: str, branch: int, expected: set[int]) -> None:
    words = dict(enumerate(int(word, 16) for word in code.split()))
    assert condition(lambda at: words.get(at // 2, 0), 0, branch) == expected
