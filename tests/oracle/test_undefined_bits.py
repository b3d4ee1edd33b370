# SPDX-License-Identifier: GPL-2.0-or-later
"""Which bits of a result are undefined when bits of the operands are (`_core_uninit_compute.c`), judged by running the
same code with many different contents of those bits: what is said to be defined must come out the same every time, and
where the rule is exact, what is said to be undefined must not. Likewise where branches go."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import reduce
from operator import or_
from pathlib import Path

import pytest

from stm32emu._core import Heap, Uninit
from stm32emu.chips import find_chip
from stm32emu.elf import load_firmware
from stm32emu.machine import Machine

EXACT = (
    *(
        "mov r2, r0",
        "mvn r2, r0",
        "and r2, r0, r1",
        "orr r2, r0, r1",
        "eor r2, r0, r1",
        "bic r2, r0, r1",
        "orn r2, r0, r1",
    ),
    *(
        "and r2, r0, #0x00FF00FF",
        "orr r2, r0, #0x3C0",
        "eor r2, r0, #1",
        "bic r2, r0, #0x80000000",
        "movt r0, #5; mov r2, r0",
    ),
    *("lsl r2, r0, #7", "lsr r2, r0, #13", "asr r2, r0, #9", "ror r2, r0, #21", "lsls r2, r0, #31", "asr r2, r0, #32"),
    *("movs r3, #5; lsl r2, r0, r3", "movs r3, #29; asr r2, r0, r3", "movs r3, #40; lsr r2, r0, r3"),
    *("and r2, r0, r1, lsl #5", "orr r2, r0, r1, ror #9", "eor r2, r0, r1, asr #3"),
    *("uxtb r2, r0", "sxtb r2, r0", "uxth r2, r0", "sxth r2, r0", "uxtb r2, r0, ror #16", "sxth r2, r0, ror #8"),
    *("ubfx r2, r0, #5, #9", "sbfx r2, r0, #11, #7", "bfi r0, r1, #6, #12; mov r2, r0", "bfc r0, #4, #20; mov r2, r0"),
    *("rev r2, r0", "rev16 r2, r0", "revsh r2, r0", "rbit r2, r0"),
    *("push {r0, r1}; pop {r2, r3}", "strh r0, [r5]; ldrsh r2, [r5]", "strb r0, [r5]; ldrb r2, [r5]"),
    *(
        "str r0, [r5]; ldrsb r2, [r5, #3]",
        "strd r0, r1, [r5]; ldrh r2, [r5, #2]",
        "stmia r5, {r0, r1}; ldr r2, [r5, #3]",
    ),
)
SPREADING = (
    *("add r2, r0, r1", "sub r2, r0, r1", "rsb r2, r0, r1", "add r2, r0, #77", "subw r2, r0, #999", "adds r2, r0, r1"),
    *(
        "add r2, r0, r1, lsl #4",
        "sub r2, r0, r1, lsr #3",
        "uxtab r2, r1, r0",
        "sxtah r2, r1, r0",
        "cmp r0, r0; mul r2, r0, r1",
    ),
    *(
        "mla r2, r0, r1, r0",
        "mls r2, r0, r1, r0",
        "umull r2, r3, r0, r1",
        "umull r3, r2, r0, r1",
        "smull r3, r2, r0, r1",
    ),
    *("movs r2, #9; movs r3, #1; umlal r2, r3, r0, r1", "mov r2, r0; mov r3, r1; umlal r2, r3, r0, r1"),
    *(
        "mov r2, r0; mov r3, r1; umaal r2, r3, r0, r1",
        "udiv r2, r0, r1",
        "clz r2, r0",
        "ssat r2, #9, r0",
        "usat r2, #9, r0",
    ),
)
COPIES, FILLS = 6, 24
Written = list[int | None]
INPUTS, RESULTS = 0x2000_1000, 0x2000_8000
HEAD = """
.syntax unified
.thumb
.section .isr_vector, "a"
    .word 0x20010000, Reset_Handler
.text
.thumb_func
.type Reset_Handler, %function
.global Reset_Handler
Reset_Handler:
    sub.w sp, sp, #0xF000
    ldr r6, =0x20008000
    ldr r5, =0x2000F000
"""


CONDITIONS = ("eq", "ne", "hs", "lo", "hi", "ls", "ge", "lt", "gt", "le")
EXTREMES = (bytes(4), b"\xff" * 4, b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80")


def program(cases: list[tuple[str, Written]]) -> str:
    """Each case gets two words below SP, in which only the given bytes are written, and stores its result."""
    lines = [HEAD]
    for n, (code, written) in enumerate(cases):
        lines.append(f"ldr r4, ={INPUTS + 8 * n:#x}")
        lines += [f"movs r0, #{byte}\nstrb r0, [r4, #{at}]" for at, byte in enumerate(written) if byte is not None]
        lines += ["ldrd r0, r1, [r4]", *code.split("; "), f"str r2, [r6, #{4 * n}]"]
        if n % 8 == 7:
            lines.append("b 1f\n.ltorg\n1:")
    return "\n".join([*lines, "wait: wfi", "b wait", ""])


def results(elf: Path, count: int, fill: bytes) -> tuple[list[int], list[int], set[str]]:
    """The results' words, which of their bits are said to be undefined, and the labels of branches that are."""
    machine = Machine(load_firmware(elf), find_chip("f407"))
    used: list[int] = []
    uninit = Uninit(Heap(machine.cpu, lambda *facts: None), lambda use, pc, read, address: used.append(pc))
    machine.memory.load(INPUTS, fill)
    machine.run(100_000)
    words = machine.memory.peek(RESULTS, 4 * count)
    return (
        [int.from_bytes(words[4 * n : 4 * n + 4], "little") for n in range(count)],
        [uninit.undefined(RESULTS + 4 * n) for n in range(count)],
        {str(machine.symbols.lookup(pc)) for pc in used},
    )


@pytest.mark.parametrize("kind", ["exact", "spreading"])
def test_bits(kind: str, compile_firmware: Callable[..., Path]) -> None:
    source = random.Random(f"undefined {kind}")
    codes = [code for code in (EXACT if kind == "exact" else SPREADING) for _ in range(COPIES)]
    cases = [(code, [source.choice([None, None, source.randrange(256)]) for _ in range(8)]) for code in codes]
    elf = compile_firmware(f"undefined_{kind}", program(cases), suffix=".s")
    runs = [results(elf, len(cases), source.randbytes(8 * len(cases))) for _ in range(FILLS)]
    undefined = 0
    for n, (code, written) in enumerate(cases):
        differs = reduce(or_, (words[n] ^ runs[0][0][n] for words, _masks, _used in runs))
        said = [masks[n] for _words, masks, _used in runs]
        assert differs & ~reduce(or_, said) == 0, (code, written, hex(differs))
        assert kind != "exact" or set(said) == {differs}, (code, written, hex(differs))
        undefined += differs != 0
    assert undefined > len(cases) / 2


def equal(written: Written) -> bytes:
    """Contents that make both words the same, as far as what is written allows it."""
    known = [
        first if first is not None else second or 0 for first, second in zip(written[:4], written[4:], strict=True)
    ]
    return bytes(known * 2)


def test_comparisons(compile_firmware: Callable[..., Path]) -> None:
    """A branch is told of if, and only if, it can go both ways."""
    source = random.Random("undefined comparisons")
    conditions = [condition for condition in CONDITIONS for _ in range(4 * COPIES)]
    cases = [
        (f"movs r2, #0; cmp r0, r1; case_{n}: b{condition} 1f; movs r2, #1; 1:", few_bytes(source))
        for n, condition in enumerate(conditions)
    ]
    elf = compile_firmware("undefined_comparisons", program(cases), suffix=".s")
    fills = [(first + second) * len(cases) for first in EXTREMES for second in EXTREMES]
    runs = [results(elf, len(cases), fill) for fill in [*fills, b"".join(equal(written) for _code, written in cases)]]
    told = 0
    for n, (code, written) in enumerate(cases):
        both = len({words[n] for words, _masks, _used in runs}) == 2
        assert {f"case_{n}" in used for _words, _masks, used in runs} == {both}, (code, written)
        told += both
    assert 0.2 < told / len(cases) < 0.9


def few_bytes(source: random.Random) -> Written:
    """Two words of bytes that are often the same in both, so that comparisons are close."""
    return [source.choice([None, 0, 0, 0x80, 0xFF]) for _ in range(8)]
