# SPDX-License-Identifier: GPL-2.0-or-later
"""`--trace NAME`: arguments and results by DWARF type, against a program whose calls are known; and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stm32emu.errors import UserError
from stm32emu.options import parse_options
from stm32emu.session import Session

SOURCE = """
typedef unsigned char uint8_t;
typedef unsigned int size_t;
#define NOINLINE __attribute__((noinline, noclone))
enum colour { RED, GREEN = 7, BLUE };
struct point { int x; short y; enum colour colour; const char *name; };
struct pair { int a, b; };
struct word { uint8_t bytes[4]; };
struct large { int n[16], m; char c; struct point p; };
typedef struct { int s; size_t n; const unsigned *p; } mpi;
volatile int sink;
static const unsigned limbs[3] = {0x11111111, 0x22222222, 3};
static const struct point here = {-3, 4, BLUE, "here"};
static const uint8_t digest[6] = {1, 2, 0xff, 4, 5, 6};

NOINLINE int integers(int a, unsigned b, short c, uint8_t d, long long e) { sink = a + b + c + d + (int)e; return a; }
NOINLINE const char *strings(const char *text, const uint8_t *bytes, void *nothing)
{ sink = *text + *bytes + (nothing != 0); return text; }
NOINLINE enum colour colours(enum colour c, _Bool yes) { sink = c + yes; return c + 1; }
NOINLINE struct pair structures(const struct point *p, struct pair pair, struct word word, mpi *number)
{ sink = p->x + pair.a + word.bytes[0] + number->s; return (struct pair){pair.b, pair.a}; }
NOINLINE long long wide(int a, long long b) { sink = a; return b + a; }
NOINLINE float floats(float f, int n) { sink = n; return f; }
NOINLINE void nothing(int (*function)(int, unsigned, short, uint8_t, long long), struct large *large)
{ sink = large->m + (function != 0); }
static struct large large;

__attribute__((section(".text.start"))) void Reset_Handler(void)
{
    mpi number = {-1, 3, limbs};
    *(volatile unsigned *)0xE000ED88 = 0xF00000; /* CPACR: the FPU is on */
    __asm__ volatile("dsb\\n isb");
    integers(-5, 4000000000u, -2, 200, 0x123456789LL);
    strings("a \\"text\\"\\n", digest, 0);
    colours(RED, 1);
    structures(&here, (struct pair){8, 9}, (struct word){{1, 2, 3, 4}}, &number);
    wide(1, -3);
    floats(2.5f, 6);
    nothing(integers, &large);
    for (;;) {
    }
}
extern unsigned _estack;
__attribute__((section(".isr_vector"), used)) void *const vectors[16] = {&_estack, Reset_Handler};
"""
NAMES = "integers,strings,colours,structures,wide,floats,nothing"


@pytest.fixture(scope="module")
def elf(compile_firmware: Callable[..., Path]) -> Path:
    return compile_firmware("trace_calls", SOURCE, "-O1", "-g", "-fno-ipa-sra", "-fno-ipa-ra")


def traced(elf: Path, words: str, *, json_file: Path | None = None) -> list[str]:
    """The lines of the trace without their times."""
    lines: list[str] = []
    options = {"traces": words, "chip": "f407", "duration": "1ms", "json": str(json_file) if json_file else None}
    Session(parse_options(elf, options), console=lambda _data: None, log=lines.append).run()
    return [line.split(" s: ", 1)[1] for line in lines if line.startswith("trace: ")]


def test_types(elf: Path) -> None:
    lines = [line.split(", called from ")[0] for line in traced(elf, NAMES)]
    assert lines[:2] == ["integers(a=-5, b=0xee6b2800, c=-2, d=200, e=4886718345)", "integers = -5"]
    assert lines[2].startswith('strings(text="a \\"text\\"\\n", bytes=0x')
    assert lines[2].endswith(" <digest>, nothing=NULL)")
    assert lines[3] == 'strings = "a \\"text\\"\\n"'
    assert lines[4:6] == ["colours(c=RED, yes=true)", "colours = 1"]
    assert " <here> {x=-3, y=4, colour=BLUE, name=" in lines[6]
    assert "pair={a=8, b=9}, word={bytes=01020304}, number=0x" in lines[6]
    assert lines[6].endswith(" <limbs>: 0x32222222211111111})")
    assert "{s=-1, n=3, p=0x" in lines[6]
    assert lines[7] == "structures = {a=9, b=8}"
    assert lines[8:12] == ["wide(a=1, b=-3)", "wide = -2", "floats(f=?, n=6)", "floats = ?"]
    assert " <integers>, large=0x" in lines[12]
    assert lines[12].endswith(" <large> {n={0, 0, 0, 0, 0, 0, 0, 0, ...}, m=0, c=0, p={...}})")
    assert lines[13:] == ["nothing returns"]


def test_where_from(elf: Path) -> None:
    line = SOURCE[: SOURCE.index("    wide(1, -3)")].count("\n") + 1
    assert traced(elf, "wide")[0] == f"wide(a=1, b=-3), called from Reset_Handler (trace_calls.c:{line})"


def test_without_dwarf(elf: Path, stripped: Callable[..., Path]) -> None:
    lines = traced(stripped(elf, "-g"), "integers,nothing")
    assert lines[0].startswith(
        "integers(r0=0xfffffffb, r1=0xee6b2800, r2=0xfffffffe, r3=0xc8), called from Reset_Handler"
    )
    assert lines[1] == "integers = 0xfffffffb"


def test_patterns_and_json(elf: Path, tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    lines = traced(elf, "[iw]*", json_file=file)
    records = json.loads(file.read_text())["traces"]
    assert [line.split("(")[0] for line in lines if "(" in line] == ["integers", "wide"]
    assert [(record["event"], record["function"]) for record in records] == [
        *(("call", "integers"), ("return", "integers"), ("call", "wide"), ("return", "wide")),
    ]
    assert records[0]["arguments"]["c"] == "-2"
    assert records[0]["registers"][3] == 200
    assert records[1]["result"] == "-5"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("integer", "has no function integer; names like it: integers"),
        ("integers,q*", "has no function q*; it may be inlined, or the ELF stripped of its names"),
        ("sink", "has no function sink"),
        ("a b", "'a b' is not mbedtls, nor names or patterns of functions"),
        ("", "'' is not mbedtls"),
        ("mbedtls", "has no functions of mbedTLS"),
    ],
)
def test_refused(elf: Path, words: str, sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        traced(elf, words)
    assert sentence in refused.value.sentence
