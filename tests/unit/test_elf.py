# SPDX-License-Identifier: GPL-2.0-or-later
"""Loading firmware: segments, the vector table wherever it lies, and one sentence for every unusable file."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from stm32emu.elf import Firmware, load_firmware
from stm32emu.errors import UserError
from tiny_elf import FLASH, HEADER, RESET, RW, Load, TinyElf, vector_table


def load(tmp_path: Path, elf: TinyElf | bytes) -> Firmware:
    path = tmp_path / "firmware.elf"
    path.write_bytes(elf if isinstance(elf, bytes) else elf.build())
    return load_firmware(path)


def refusal(path: Path) -> str:
    """The sentence with which `path` is refused."""
    with pytest.raises(UserError) as caught:
        load_firmware(path)
    sentence = caught.value.sentence
    assert caught.value.exit_code == 2
    assert sentence.startswith(f"{path}: ")
    assert "\n" not in sentence
    return sentence.removeprefix(f"{path}: ")


def refused(tmp_path: Path, contents: bytes) -> str:
    path = tmp_path / "bad.elf"
    path.write_bytes(contents)
    return refusal(path)


def test_segments_entry_and_table(tmp_path: Path) -> None:
    data = Load(0x0800_0400, b"data", virtual=0x1000_0000, size=64, flags=RW)
    bss = Load(0x2000_0000, b"", size=256, flags=RW)
    firmware = load(tmp_path, TinyElf([FLASH, data, bss]))
    assert [(part.physical, part.virtual, len(part.data), part.size) for part in firmware.segments] == [
        (0x0800_0000, 0x0800_0000, 0x400, 0x400),
        (0x0800_0400, 0x1000_0000, 4, 64),
        (0x2000_0000, 0x2000_0000, 0, 256),
    ]
    assert [part.executable for part in firmware.segments] == [True, False, False]
    assert (firmware.entry, firmware.vector_table) == (RESET, 0x0800_0000)
    assert (firmware.initial_sp, firmware.reset_handler) == (0x2002_0000, RESET)
    assert firmware.read(0x0800_0402, 99) == b"ta"
    assert firmware.read(0x1000_0000, 4) == b""  # not where the image is stored


@pytest.mark.parametrize("sp", [0x2002_0000, 0x2001_FFFD, 0x1001_0000, 0x2000_0004, 0x2005_0000])
def test_stack_pointers(tmp_path: Path, sp: int) -> None:
    flash = Load(0x0800_0000, vector_table(sp).ljust(0x400, b"\0"))
    assert load(tmp_path, TinyElf([flash])).initial_sp == sp & ~3


@pytest.mark.parametrize("sp", [0, 0x2000_0000, 0x2000_0003, 0x2005_0004, 0x1001_0004, 0x0800_0400])
def test_no_stack_pointers(tmp_path: Path, sp: int) -> None:
    flash = Load(0x0800_0000, vector_table(sp).ljust(0x400, b"\0"))
    assert "no plausible Cortex-M vector table" in refused(tmp_path, TinyElf([flash]).build())


def test_reset_handler_must_be_odd_and_inside_code(tmp_path: Path) -> None:
    for reset in (RESET - 1, 0x0800_0401, 0x2000_0001, 1):
        flash = Load(0x0800_0000, vector_table(reset=reset).ljust(0x400, b"\0"))
        assert "no plausible" in refused(tmp_path, TinyElf([flash], entry=reset).build())


@pytest.mark.parametrize("address", [0x0800_0000, 0x0800_C080, 0x0801_0000])
def test_table_at_a_segments_start(tmp_path: Path, address: int) -> None:
    reset = address + 0x201
    flash = Load(address, vector_table(reset=reset, handler=reset).ljust(0x400, b"\0"))
    firmware = load(tmp_path, TinyElf([flash], entry=reset))
    assert (firmware.vector_table, firmware.reset_handler) == (address, reset)


def two_tables(entry: int) -> TinyElf:
    """A bootloader and an application at 64 KB in one segment."""
    boot = vector_table(handler=RESET).ljust(0x1_0000, b"\xff")
    application = vector_table(0x2001_0000, 0x0801_0301, handler=0x0801_0301).ljust(0x400, b"\0")
    return TinyElf([Load(0x0800_0000, boot + application)], entry=entry)


@pytest.mark.parametrize(("entry", "table"), [(RESET, 0x0800_0000), (0x0801_0300, 0x0801_0000), (0, 0x0800_0000)])
def test_entry_point_decides_between_tables(tmp_path: Path, entry: int, table: int) -> None:
    assert load(tmp_path, two_tables(entry)).vector_table == table


def test_scan_needs_all_system_vectors(tmp_path: Path) -> None:
    """A stack pointer and a code address next to each other in a literal pool are not a table."""
    pool = struct.pack("<II", 0x2000_1000, RESET) + b"\xff" * 64
    for table, found in ((pool, False), (vector_table(), True)):
        flash = Load(0x0800_0000, bytes(0x180) + table.ljust(0x280, b"\0"))
        path = tmp_path / "firmware.elf"
        path.write_bytes(TinyElf([flash]).build())
        if found:
            assert load_firmware(path).vector_table == 0x0800_0180
        else:
            assert "no plausible" in refusal(path)


ODD_PLACE = 0x0800_0044  # no alignment a scan would try


@pytest.mark.parametrize("section", [".isr_vector", ".vectors", ".intvec", ".vector_table"])
def test_table_in_a_named_section(tmp_path: Path, section: str) -> None:
    flash = Load(0x0800_0000, bytes(0x44) + vector_table().ljust(0x400, b"\0"))
    assert load(tmp_path, TinyElf([flash], sections=[(section, ODD_PLACE, 392)])).vector_table == ODD_PLACE


@pytest.mark.parametrize("symbol", ["g_pfnVectors", "__isr_vector", "__Vectors"])
def test_table_at_a_symbol(tmp_path: Path, symbol: str) -> None:
    flash = Load(0x0800_0000, bytes(0x44) + vector_table().ljust(0x400, b"\0"))
    assert load(tmp_path, TinyElf([flash], symbols=[(symbol, ODD_PLACE)])).vector_table == ODD_PLACE
    with pytest.raises(UserError):
        load(tmp_path, TinyElf([flash], symbols=[("some_table", ODD_PLACE)]))


def test_table_that_runs_from_ram_is_found_where_it_is_stored(tmp_path: Path) -> None:
    table = Load(0x0800_0444, vector_table(), virtual=0x2000_0000, flags=RW)
    code = Load(0x0800_0000, bytes(0x400))
    elf = TinyElf([code, table], sections=[(".isr_vector", 0x2000_0000, 392)])
    assert load(tmp_path, elf).vector_table == 0x0800_0444


GOOD = TinyElf().build()


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        (b"", "is not an ELF file (it is empty)"),
        (b"hello, world", "is not an ELF file;"),
        (b":020000040800F2\r\n", "is not an ELF file but Intel HEX"),
        (b"S0030000FC\r\n", "is not an ELF file but Motorola S-records"),
        (vector_table(), "is not an ELF file but looks like a raw flash image"),
        (GOOD[:20], "is truncated: the ELF header"),
        (GOOD[: HEADER + 8], "is truncated: its program headers"),
        (GOOD[: HEADER + 200], "is truncated: its section headers"),
        (GOOD[:-1], "is truncated: its section headers"),
        (TinyElf(machine=3).build(), "is built for x86"),
        (TinyElf(machine=62, bits=2).build(), "is built for 64-bit x86"),
        (TinyElf(machine=183, bits=2).build(), "is built for 64-bit ARM"),
        (TinyElf(machine=999).build(), "is built for machine 999"),
        (TinyElf(order=2).build(), "is a big-endian ARM ELF"),
        (TinyElf(type=1).build(), "is a relocatable object (.o)"),
        (TinyElf(type=3).build(), "is a shared object"),
        (TinyElf([]).build(), "has no program headers"),
        (TinyElf([Load(0x2000_0000, b"", size=64)]).build(), "has no loadable data"),
        (TinyElf([Load(0x0800_0000, bytes(64))]).build(), "no plausible Cortex-M vector table found"),
    ],
)
def test_bad_files(tmp_path: Path, contents: bytes, sentence: str) -> None:
    assert refused(tmp_path, contents).startswith(sentence)


def test_segment_beyond_the_end(tmp_path: Path) -> None:
    damaged = bytearray(GOOD)
    struct.pack_into("<I", damaged, HEADER + 16, 0x10_0000)  # p_filesz
    assert refused(tmp_path, bytes(damaged)).startswith("is truncated: the segment at 0x08000000")


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    for length in range(0, len(GOOD), 37):
        refused(tmp_path, GOOD[:length])


def test_damage_anywhere_never_escapes_as_another_exception(tmp_path: Path) -> None:
    """Any byte of the headers may be anything: the file loads or is refused in a sentence."""
    elf = TinyElf(sections=[(".isr_vector", 0x0800_0000, 392)], symbols=[("main", RESET)]).build()
    headers = [*range(16, HEADER + 32), *range(len(elf) - 160, len(elf))]
    outcomes = set()
    for place in headers:
        damaged = bytearray(elf)
        damaged[place] ^= 0xFF
        path = tmp_path / "damaged.elf"
        path.write_bytes(damaged)
        try:
            load_firmware(path)
            outcomes.add("loads")
        except UserError:
            outcomes.add("refused")
    assert outcomes == {"loads", "refused"}


def test_missing_file_and_directory(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.elf") == "there is no such file; check the path"
    assert refusal(tmp_path).startswith("is a directory")


def test_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "firmware.elf"
    path.write_bytes(GOOD)
    path.chmod(0)
    root = os.geteuid() == 0  # for root permission bits mean nothing
    try:
        if root:
            os.seteuid(65534)
        assert refusal(path).startswith("cannot be read (permission denied)")
    finally:
        if root:
            os.seteuid(0)
