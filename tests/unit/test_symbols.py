# SPDX-License-Identifier: GPL-2.0-or-later
"""Symbols and lines, judged by GNU nm and addr2line on freshly compiled images."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stm32emu.symbols import Symbols, demangle

SOURCE = """
extern unsigned _estack;
void Reset_Handler(void);
void Default_Handler(void);
void EXTI0_IRQHandler(void) __attribute__((weak, alias("Default_Handler")));
__attribute__((section(".isr_vector"), used)) void *const vectors[] = {
  &_estack, Reset_Handler, Default_Handler, EXTI0_IRQHandler };
volatile int counter = 3;
static volatile char hidden[24];
__attribute__((noinline)) static int twice(int x)
{
    hidden[x & 7] = 1;
    return x * 2;
}
__attribute__((naked)) void bare(void)
{
    __asm__ volatile ("movs r0, #1\\n local_label: movs r0, #2\\n bx lr");
}
void Default_Handler(void) { for (;;) counter++; }
void Reset_Handler(void)
{
    for (;;)
        counter = twice(counter);
}
__asm__ (".thumb\\n.section .text.unsized,\\"ax\\",%progbits\\n.global unsized\\n.thumb_func\\n"
         "unsized:\\n nop\\n nop\\n bx lr\\n.text");
"""


def build(compile_firmware, name: str, *flags: str) -> Path:
    return compile_firmware(name, SOURCE, "-O1", *flags)


@pytest.fixture(scope="module")
def elf(compile_firmware) -> Path:
    return build(compile_firmware, "symbols", "-g")


def run(*command: object) -> str:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def test_functions_and_objects_agree_with_nm(elf):
    symbols = Symbols.from_elf(elf)
    rows = [line.split() for line in run("arm-none-eabi-nm", "-S", elf).splitlines()]
    sized = [(int(row[0], 16) & ~1, int(row[1], 16), row[3]) for row in rows if len(row) == 4]
    assert {"twice", "hidden", "counter", "Reset_Handler"} <= {name for _, _, name in sized}
    for address, size, name in sized:
        assert symbols.address(name) == address
        for offset in (0, size - 1):
            found = symbols.lookup(address + offset)
            expected = "Default_Handler" if name == "EXTI0_IRQHandler" else name
            assert (found.name, found.address, found.size, found.offset) == (expected, address, size, offset)


def test_a_static_function_has_kind_and_offset(elf):
    symbols = Symbols.from_elf(elf)
    twice = symbols.lookup(symbols.address("twice") + 2)
    assert (twice.name, twice.kind, twice.offset) == ("twice", "function", 2)
    assert str(twice) == "twice+0x2"
    assert symbols.lookup(symbols.address("hidden")).kind == "object"


def test_the_definition_names_an_address_and_its_weak_aliases_do_not(elf):
    symbols = Symbols.from_elf(elf)
    assert symbols.address("EXTI0_IRQHandler") == symbols.address("Default_Handler")
    assert symbols.lookup(symbols.address("EXTI0_IRQHandler")).name == "Default_Handler"


def test_labels_inside_a_function_do_not_cut_it(elf):
    symbols = Symbols.from_elf(elf)
    assert symbols.address("local_label") == symbols.address("bare") + 2
    assert str(symbols.lookup(symbols.address("local_label"))) == "bare+0x2"


def test_a_symbol_without_size_reaches_to_the_next_one_or_the_end_of_its_section(elf):
    symbols = Symbols.from_elf(elf)
    start = symbols.address("unsized")
    assert symbols.lookup(start).size == 0
    assert str(symbols.lookup(start + 4)) == "unsized+0x4"


def test_addresses_outside_every_section_have_no_symbol(elf):
    symbols = Symbols.from_elf(elf)
    for address in (0, 0x0800_F000, 0x2001_FFFF, 0x4000_0000, 0xFFFF_FFFF):
        assert symbols.lookup(address) is None
        assert symbols.format(address) == f"{address:#010x}"
    assert symbols.address("_estack") == 0x2002_0000
    assert symbols.address("no such name") is None


@pytest.mark.parametrize("version", ["2", "4", "5"])
def test_every_line_agrees_with_addr2line(compile_firmware, version):
    elf = build(compile_firmware, f"dwarf{version}", "-g", f"-gdwarf-{version}")
    symbols = Symbols.from_elf(elf)
    start, end = symbols.address("twice"), symbols.address("Reset_Handler") + 12
    addresses = list(range(min(start, end), max(start, end), 2))
    answers = run("arm-none-eabi-addr2line", "-e", elf, *(hex(a) for a in addresses)).splitlines()
    seen = 0
    for address, answer in zip(addresses, answers, strict=True):
        path, number = answer.split(" ")[0].rsplit(":", 1)
        ours = symbols.line(address)
        assert ours == (None if number in "0?" else (path, int(number)))
        seen += ours is not None
    assert seen > 10


def test_lines_without_address_ranges_come_from_the_units(elf):
    bare = elf.with_suffix(".noaranges.elf")
    run("arm-none-eabi-objcopy", "--remove-section", ".debug_aranges", elf, bare)
    address = Symbols.from_elf(elf).address("twice")
    assert Symbols.from_elf(bare).line(address) == Symbols.from_elf(elf).line(address) is not None


def test_format_gives_symbol_and_place(elf):
    symbols = Symbols.from_elf(elf)
    line = SOURCE.splitlines().index("    hidden[x & 7] = 1;") + 1
    twice = symbols.lookup(symbols.address("twice"))
    texts = [symbols.format(twice.address + offset) for offset in range(2, twice.size, 2)]
    assert [text for text in texts if text.endswith(f" (symbols.c:{line})")]
    assert all(text.startswith("twice+0x") for text in texts)
    assert symbols.format(twice.address, line=False) == "twice"


def test_without_debug_information_there_are_names_and_no_lines(elf, stripped):
    symbols = Symbols.from_elf(stripped(elf, "--strip-debug"))
    assert symbols.line(symbols.address("twice")) is None
    assert symbols.format(symbols.address("twice") + 2) == "twice+0x2"


def test_a_stripped_file_still_knows_its_code(elf, stripped):
    code = Symbols.from_elf(elf).address("Reset_Handler")
    symbols = Symbols.from_elf(stripped(elf, "--strip-all"))
    assert len(symbols) == 0
    assert symbols.is_code(code)
    assert not symbols.is_code(0x2000_0000)
    assert symbols.format(code) == f"{code:#010x}"


@pytest.mark.parametrize("section", [".debug_line", ".debug_info", ".debug_abbrev", ".debug_aranges", ".debug_frame"])
def test_damaged_debug_information_is_no_information(elf, section, tmp_path):
    junk, damaged = tmp_path / "junk", tmp_path / "damaged.elf"
    junk.write_bytes(bytes(range(1, 200)))
    run("arm-none-eabi-objcopy", "--update-section", f"{section}={junk}", elf, damaged)
    symbols = Symbols.from_elf(damaged)
    address = symbols.address("twice")
    assert symbols.line(address) in (None, Symbols.from_elf(elf).line(address))
    assert symbols.format(address).startswith("twice")


def test_an_open_file_serves_as_well(elf):
    with elf.open("rb") as file:
        assert Symbols.from_elf(file).address("twice") == Symbols.from_elf(str(elf)).address("twice")


def test_names_that_are_not_mangled_stay():
    assert demangle("main") == "main"
    assert demangle("_ZN5ClassC1Ev") in ("_ZN5ClassC1Ev", "Class::Class()")
