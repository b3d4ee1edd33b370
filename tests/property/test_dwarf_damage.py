# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged debug information makes arguments and variables unknown; it never ends a run."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from elftools.elf.elffile import ELFFile

from stm32emu.dwarf_functions import Functions
from stm32emu.dwarf_locations import Frame, locate
from stm32emu.dwarf_values import Values
from stm32emu.symbols import Symbols
from stm32emu.traces.arguments import Arguments, Entry

SOURCE = """
enum colour { RED, GREEN = 7 };
struct point { int x; enum colour colour; const char *name; struct point *next; };
typedef struct { int s; unsigned n; unsigned *p; } mpi;
static int inner(const struct point *p) { return p->x * 3; }
__attribute__((noinline)) struct point *find(struct point *p, const char *name, enum colour colour, mpi *number)
{ struct point local = *p; for (int n = 0; n < inner(p); n++) { local.x += name[n] + number->n; p->colour = colour; }
  *p = local; return p; }
__attribute__((noinline)) long long wide(float f, long long n, struct point by_value, int a[4])
{ return n + by_value.x + a[2] + (int)f; }
void Reset_Handler(void)
{ static struct point p; static mpi m; static int a[4]; find(&p, "a", RED, &m); wide(1, 2, p, a); }
extern unsigned _estack;
__attribute__((section(".isr_vector"), used)) void *const vectors[2] = {&_estack, Reset_Handler};
"""
SECTIONS = (".debug_info", ".debug_abbrev", ".debug_str", ".debug_loclists", ".debug_rnglists", ".debug_aranges")
FUNCTIONS = ("find", "wide")


@pytest.fixture(scope="module")
def image(compile_firmware: Callable[..., Path]) -> bytes:
    return compile_firmware("dwarf_damage", SOURCE, "-Os", "-g", "-mfloat-abi=hard").read_bytes()


def damaged(image: bytes, seed: int) -> bytes:
    """A few bytes of one section changed."""
    random, contents = Random(seed), bytearray(image)
    elf = ELFFile(io.BytesIO(image))
    section = random.choice([found for name in SECTIONS if (found := elf.get_section_by_name(name)) is not None])
    for _ in range(random.randint(1, 8)):
        at = section["sh_offset"] + random.randrange(section["sh_size"])
        contents[at] = random.randrange(256)
    return bytes(contents)


def shown(contents: bytes) -> list[str]:
    """All that can be said of the functions."""
    symbols = Symbols.from_elf(io.BytesIO(contents))
    values = Values(lambda _address, length: bytes(range(length % 256)) * (length // max(length % 256, 1)), symbols)
    arguments, texts = Arguments(values), []
    for name in FUNCTIONS:
        start = symbols.address(name) or 0
        texts += [value for _name, value in arguments.shown(Entry(start, (1, 2, 3, 4), 0x2000_1000))]
        texts.append(arguments.result(start, 5, 6))
        function = Functions(symbols.debug).at(start)
        for pc in range(start, start + 60, 6) if function is not None else ():
            frame = Frame(pc, dict.fromkeys(range(16), 0x2000_0000), 0x2000_1000)
            texts += [f"{each.name} {locate(each.die, frame)}" for each in function.variables(pc)]
    return texts


def test_whole(image: bytes) -> None:
    assert any(text.startswith("p Location(register=") for text in shown(image))


@pytest.mark.parametrize("seed", range(150))
def test_damaged(image: bytes, seed: int) -> None:
    assert shown(damaged(image, seed)) is not None
