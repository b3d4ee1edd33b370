# SPDX-License-Identifier: GPL-2.0-or-later
"""Which registers instructions read and write, as `--check uninit` has it (`_core_flow.c`, `_core_decode.c`), judged by
Capstone on every halfword of the bundled firmware's code: what programs have, and whatever their data looks like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import capstone
import pytest
from capstone import arm
from elftools.elf.elffile import ELFFile

from stm32emu._core import flow

IMAGES = Path(__file__).resolve().parents[2] / "images" / "build"
NUMBERS = {getattr(arm, f"ARM_REG_R{n}"): n for n in range(13)} | {arm.ARM_REG_SP: 13, arm.ARM_REG_LR: 14}
NOT_ON_CORTEX_M4 = re.compile(r"v(ld|st)\d|(ld|st)c|mr?cr|mrr?c|bl?xns|pld|pli|srs|rfe|hlt")
"""What Capstone decodes beyond ARMv7E-M with single precision; and hints about memory, which read nothing."""
DEFINED = re.compile(r"msr|vm|[us]?[hq]?(add|sub)(8|16)|[us]?[hq]?(asx|sax)|sel|qd?(add|sub)|[us]xta?b16|pkh|usada?8")
"""Whose results count as defined whatever is read, and what goes to the FPU or a system register."""
FORGOTTEN = re.compile(r"[us]mlal|umaal|smlsld|[us]sat|[us]xta")
"""Where Capstone leaves out a register that is read (ARMv7-M ARM A7.7): accumulators, and sources of saturations and of
extensions that add."""


@cache
def engine() -> Any:
    machine = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    machine.detail = True
    return machine


def encodings(elf: Path) -> set[bytes]:
    """The instructions that may start at each halfword of the code."""
    with elf.open("rb") as file:
        code = ELFFile(file).get_section_by_name(".text").data()
    found = (code[at : at + 4] for at in range(0, len(code) - 4, 2))
    return {word if word[1] >> 3 >= 0x1D else word[:2] for word in found}


def instructions(elf: Path) -> Iterator[Any]:
    for code in encodings(elf):
        instruction = next(engine().disasm(code, 0), None)
        if instruction is not None and instruction.size == len(code):
            yield instruction


def mask(registers: list[int]) -> int:
    return sum(1 << NUMBERS[register] for register in set(registers) if register in NUMBERS)


def is_zero(instruction: Any) -> bool:
    """x - x and x ^ x, which do not depend on x."""
    operands = instruction.op_str.split(", ")
    return re.match("sub|eor|cmp|teq", instruction.mnemonic) is not None and operands[-1] == operands[-2]


@pytest.mark.parametrize("image", ["tls_server", "tls_server-O2", "tls_superloop", "exceptions", "bench_fp"])
def test_registers(image: str) -> None:
    wrong, count = [], 0
    for instruction in instructions(IMAGES / f"{image}.elf"):
        name = instruction.mnemonic
        if NOT_ON_CORTEX_M4.match(name) or name in ("svc", "strbt"):  # which Capstone says write LR, and the register
            continue
        first, second = (int.from_bytes(instruction.bytes[at : at + 2], "little") for at in (0, 2))
        sources, targets, transfers, addresses, _flags, _use, length, store, _offset = flow(first, second)
        reads, writes = map(mask, instruction.regs_access())
        ours = sources | addresses | (transfers if store else 0), targets | (0 if store else transfers)
        core = 0x5FFF & ~(
            addresses if length else 0
        )  # PC apart, and the base of a load or store, which is written back
        more, less = ours[0] & ~reads & 0x5FFF, reads & ~ours[0] & 0x5FFF
        good = (ours[1] ^ writes) & core == 0 and (not more or FORGOTTEN.match(name))
        good = good and (not less or DEFINED.match(name) or is_zero(instruction))
        count += 1
        if not good:
            wrong.append(f"{name} {instruction.op_str}: reads {reads:#x}, writes {writes:#x}; ours {ours}")
    assert not wrong
    assert count > 1000


def test_flags() -> None:
    """Whether flags are set, outside IT blocks."""
    wrong = []
    for instruction in instructions(IMAGES / "tls_server-O2.elf"):
        first, second = (int.from_bytes(instruction.bytes[at : at + 2], "little") for at in (0, 2))
        name = instruction.mnemonic
        if re.match("msr|vmrs|adc|sbc|uadd8", name) or NOT_ON_CORTEX_M4.match(name):
            continue  # Capstone says yes for every sum with carry, and for GE, which is followed no more than Q
        if flow(first, second)[4] != bool(instruction.update_flags):
            wrong.append(f"{name} {instruction.op_str}")
    assert not wrong
