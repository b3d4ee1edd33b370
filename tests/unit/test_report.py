# SPDX-License-Identifier: GPL-2.0-or-later
"""The crash report of made-up faults in a compiled image; disassembly is judged by GNU objdump."""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stm32emu.block_history import fold, history
from stm32emu.chips import find_chip
from stm32emu.disassembly import Disassembler
from stm32emu.fault_cause import whereabouts
from stm32emu.report import FaultSnapshot, crash_report
from stm32emu.symbols import Symbols

SOURCE = """
typedef unsigned u32;
extern u32 _estack;
void Reset_Handler(void);
void *const vectors[] __attribute__((section(".isr_vector"), used)) = { &_estack, Reset_Handler };
volatile u32 table[4];
__attribute__((naked)) u32 load(u32 *from)
{
    __asm__ volatile ("push {r4, lr}\\n ldr r4, =table\\n ldr r3, [r0, r1, lsl #2]\\n str r3, [r4, #8]\\n"
                      "ldrd r2, r3, [r4, #4]\\n udiv r0, r2, r3\\n blx r5\\n cbz r0, 1f\\n bl Reset_Handler\\n"
                      "1: pop {r4, pc}\\n svc #5\\n nop\\n .ltorg");
}
__attribute__((noinline)) u32 caller(u32 x) { return load((u32 *)x) + table[1]; }
void Reset_Handler(void) { for (;;) table[0] = caller(table[2]); }
"""
STACK = 0x2001_FF00
REGISTERS = {f"r{n}": 0x100 + n for n in range(13)} | {"msp": STACK, "psp": 0, "control": 0, "xpsr": 0x0100_0000}
FORCED = 1 << 30


@pytest.fixture(scope="module")
def image(compile_firmware):
    elf = compile_firmware("report", SOURCE, "-O1", "-g")
    binary = elf.with_suffix(".bin")
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", str(elf), str(binary)], check=True)
    flash, symbols = binary.read_bytes(), Symbols.from_elf(elf)
    start, end = symbols.address("caller"), symbols.address("Reset_Handler")
    in_caller = next(a for a in _returns(elf) if start < a <= end)
    in_reset = next(a for a in _returns(elf) if a > end)
    stack = b"".join(word.to_bytes(4, "little") for word in (0x104, in_caller | 1, *[in_reset | 1] * 4))

    def read(address: int, length: int) -> bytes:
        for base, data in ((0x0800_0000, flash), (STACK, stack)):
            if base <= address and address + length <= base + len(data):
                return data[address - base : address - base + length]
        raise ValueError("nothing there")

    return elf, symbols, read


@cache
def objdump(elf) -> dict[int, str]:
    text = subprocess.run(["arm-none-eabi-objdump", "-d", str(elf)], check=True, capture_output=True, text=True).stdout
    rows = re.findall(r"^ *([0-9a-f]+):\t[0-9a-f ]+\t([^\n@;]*)", text, re.M)
    return {int(address, 16): " ".join(words.split()) for address, words in rows}


def _returns(elf) -> set[int]:
    lines = objdump(elf)
    return {address + 4 for address, text in lines.items() if text.startswith("bl ")}


def report(image, text: str, chip="STM32F407", exception=3, **status):
    """The report of a fault at the first instruction of `load` whose text begins with `text`."""
    elf, symbols, read = image
    place = next(a for a, words in objdump(elf).items() if a >= symbols.address("load") and words.startswith(text))
    registers = REGISTERS | {"pc": place, "sp": STACK, "lr": 0x0800_0001} | status.pop("registers", {})
    snapshot = FaultSnapshot(exception, registers, cycle=1234, seconds=0.5, **status)
    return crash_report(snapshot, read, symbols, find_chip(chip) if chip else None)


SENTENCES = [
    (
        "ldr.w r3",
        {"cfsr": 0x8200, "bfar": 0x4003_0000, "hfsr": FORCED},
        "precise data bus error: load from 0x40030000, where nothing is mapped",
    ),
    (
        "str r3",
        {"cfsr": 0x8200, "bfar": 0x4000_4408, "hfsr": FORCED},
        "precise data bus error: store to 0x40004408, in USART2",
    ),
    (
        "ldr.w r3",
        {"cfsr": 0x82, "mmfar": 0x8, "exception": 4},
        "data access that memory protection forbids: load from 0x00000008, which looks like a null pointer",
    ),
    (
        "ldrd",
        {"cfsr": 1 << 24, "exception": 6, "registers": {"r4": 0x2000_0003}},
        "unaligned access by an instruction that must be aligned (LDRD, STRD, LDM, STM): "
        "ldrd r2, r3, [r4, #4] at address 0x20000007",
    ),
    ("udiv", {"cfsr": 1 << 25, "exception": 6}, "division by zero: udiv r0, r2, r3"),
    ("udiv", {"cfsr": 0x400, "exception": 5}, "imprecise data bus error: a buffered store failed after the program"),
    (
        "push",
        {"cfsr": 0x1000, "hfsr": FORCED, "registers": {"sp": 0x1FFF_FFE0}},
        "bus error while exception entry saved registers: the stack probably overflowed: "
        "sp is 0x1fffffe0, where nothing is mapped",
    ),
    (
        "blx",
        {"cfsr": 1 << 17, "exception": 6, "registers": {"pc": 0x2000_0008}},
        "execution without the Thumb bit: a call or return to an even address: pc is 0x20000008, in table+0x",
    ),
    ("push", {"hfsr": 1 << 1}, "bus error while reading the vector table"),
    (
        "nop",
        {"hfsr": FORCED},
        "an exception was escalated: its handler is disabled, masked, or not urgent enough: svc #5",
    ),
]


@pytest.mark.parametrize(("text", "status", "sentence"), SENTENCES)
def test_the_cause_is_one_plain_sentence(image, text, status, sentence):
    found = report(image, text, **status)
    assert found.sentence.startswith(sentence)
    assert found.render().splitlines()[1] == f"  {found.sentence}"


@pytest.mark.parametrize(
    ("status", "title"),
    [
        ({"cfsr": 0x8200, "hfsr": FORCED}, "HardFault (was BusFault)"),
        ({"cfsr": 0x82, "hfsr": FORCED}, "HardFault (was MemManage)"),
        ({"cfsr": 1 << 25, "exception": 6}, "UsageFault"),
        ({"hfsr": 2}, "HardFault"),
    ],
)
def test_the_title_names_the_exception_and_what_was_escalated(image, status, title):
    found = report(image, "str", **status)
    assert found.render().splitlines()[0] == f"{title} at 0.500000 s (cycle 1234)"


def test_the_call_chain_and_the_code_are_symbolised(image):
    text = report(image, "ldr.w r3", cfsr=0x8200, bfar=0x4003_0000).render()
    assert re.search(r"#0 +[0-9a-f]{8} +load\+0x4 \(report\.c:\d+\)\n +#1 +[0-9a-f]{8} +caller\+0x\w+ \(report", text)
    assert re.search(r"^> [0-9a-f]{8}  ldr\.w +r3, \[r0, r1, lsl #2\]$", text, re.M)
    assert text.count("\n> ") == 1
    assert re.search(r"ldr +r4, \[pc, #0x\w+\] ; 0x[0-9a-f]{8} <table>", text)


def test_branch_targets_have_names(image):
    code = "\n".join(str(i) for i in report(image, "cbz").code)
    assert re.search(r"^cbz +r0, 0x\w+ <load\+0x1a>$", code, re.M)
    assert re.search(r"^bl +0x\w+ <Reset_Handler>$", code, re.M)


def test_a_long_report_stays_short(image):
    _, symbols, _ = image
    blocks = [symbols.address(name) + n for n in range(0, 40, 4) for name in ("load", "caller", "Reset_Handler")]
    found = report(
        image, "blx", cfsr=0xFFFF_FFFF, hfsr=0xFFFF_FFFF, blocks=blocks, registers={"exc_return": 0xFFFF_FFF9}
    )
    lines = found.render().splitlines()
    assert len(lines) < 40
    assert "\x1b" not in found.render()


def test_as_data_it_is_plain_json(image):
    found = report(image, "ldr.w r3", cfsr=0x8200, hfsr=FORCED, bfar=0x4003_0000, blocks=[1, 2])
    data = json.loads(json.dumps(found.to_dict()))
    assert data["exception"] == {"number": 3, "name": "HardFault"}
    assert data["cause"] == found.sentence
    assert data["cfsr"] == {"value": 0x8200, "flags": ["PRECISERR", "BFARVALID"]}
    assert data["address"] == 0x4003_0000
    assert [call["function"] for call in data["calls"][:3]] == ["load", "caller", "Reset_Handler"]
    assert data["calls"][0]["file"].endswith("report.c")
    assert data["blocks"] == [1, 2]


@pytest.mark.parametrize("registers", [{}, {"pc": 0xFFFF_FFFE, "sp": 1}, {"pc": 0, "sp": 0, "lr": 0xFFFF_FFFF}])
@pytest.mark.parametrize("cfsr", [0, 0xFFFF_FFFF, 0x0001_0000])
def test_nothing_readable_is_still_a_report(registers, cfsr):
    def refuse(address: int, length: int) -> bytes:
        raise ValueError("nothing there")

    found = crash_report(FaultSnapshot(3, registers, cfsr=cfsr), refuse, Symbols())
    assert found.render().startswith("HardFault")
    assert "nothing can be read at pc" in found.render()
    json.dumps(found.to_dict())


def test_whereabouts_without_a_chip_names_the_region():
    found = [whereabouts(a, Symbols()) for a in (0x10, 0x0900_0000, 0x3000_0000, 0x5800_0000, 0xE000_E000)]
    regions = [f"in the {name} region" for name in ("code", "SRAM", "peripheral", "system")]
    assert found == ["which looks like a null pointer", *regions]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (0x0800_0000, "in flash"),
        (0x0000_1000, "in the alias of flash at 0"),
        (0x1000_FFFF, "in CCM"),
        (0x1001_0000, "where nothing is mapped"),
        (0x2200_0000, "in a bit-band alias"),
        (0x4002_8000, "in ETH"),
        (0x6000_0000, "where nothing is mapped"),
    ],
)
def test_whereabouts_on_a_chip(address, words):
    assert whereabouts(address, Symbols(), find_chip("STM32F407")) == words


def test_instructions_start_where_objdump_says(image):
    elf, symbols, read = image
    lines = objdump(elf)
    code = [a for a in lines if a >= symbols.address("load") and not lines[a].startswith(".word")]
    for place in code:
        around = Disassembler(read, symbols).around(place, before=3, after=0)
        assert [i.address for i in around][-3:] == [a for a in code if a <= place][-len(around) :][-3:]


def test_loops_in_the_history_are_folded(image):
    _, symbols, _ = image
    load, caller = symbols.address("load"), symbols.address("caller")
    blocks = [0x2100_0000, caller, caller + 4, *[load, load + 8] * 5, caller, *[caller + 2] * 3]
    assert history(blocks, symbols) == [
        "0x21000000",
        "caller +0x4",
        "5 x (load +0x8)",
        "caller",
        "3 x (caller+0x2)",
    ]


@given(st.lists(st.integers(0, 3), max_size=40))
def test_folding_loses_nothing(blocks):
    runs = fold(blocks)
    assert [block for pattern, count in runs for block in pattern * count] == blocks
    assert all(count >= 1 and len(pattern) >= 1 for pattern, count in runs)
