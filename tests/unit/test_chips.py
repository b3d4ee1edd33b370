# SPDX-License-Identifier: GPL-2.0-or-later
"""The chip table's own consistency, finding chips by name, and inferring them from firmware."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from stm32emu.chip import KB, Block, Chip
from stm32emu.chips import CHIPS, check_fits, find_chip, infer_chip
from stm32emu.elf import Firmware, load_firmware
from stm32emu.errors import UserError
from tiny_elf import FLASH, RW, Load, TinyElf, vector_table

every_chip = pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)

# Flash, SRAM, CCM in KB, MHz, interrupts: the datasheets' tables "features and peripheral counts", largest variant.
FEATURES = {
    "STM32F401": (512, 96, 0, 84, 85),
    "STM32F405": (1024, 128, 64, 168, 82),
    "STM32F407": (1024, 128, 64, 168, 82),
    "STM32F411": (512, 128, 0, 100, 86),
    "STM32F412": (1024, 256, 0, 100, 97),
    "STM32F413": (1536, 320, 0, 100, 102),
    "STM32F415": (1024, 128, 64, 168, 82),
    "STM32F417": (1024, 128, 64, 168, 82),
    "STM32F423": (1536, 320, 0, 100, 102),
    "STM32F427": (2048, 192, 64, 180, 91),
    "STM32F429": (2048, 192, 64, 180, 91),
    "STM32F437": (2048, 192, 64, 180, 91),
    "STM32F439": (2048, 192, 64, 180, 91),
    "STM32F446": (512, 128, 0, 180, 97),
    "STM32F469": (2048, 320, 64, 180, 93),
    "STM32F479": (2048, 320, 64, 180, 93),
}


@every_chip
def test_features(chip: Chip) -> None:
    ccm = chip.ccm.size // KB if chip.ccm else 0
    seen = (chip.flash.size // KB, chip.sram.size // KB, ccm, chip.max_hclk // 1_000_000, chip.irq_count)
    assert seen == FEATURES[chip.name]
    assert len(CHIPS) == len(FEATURES)


@every_chip
def test_memories_and_blocks_do_not_overlap(chip: Chip) -> None:
    assert len({block.name for block in chip.blocks}) == len(chip.blocks)
    spans = [(region.base, region.end) for region in chip.memories]
    spans += [(block.base, block.base + block.size) for block in chip.blocks]
    spans.sort()
    for (_start, end), (start, _end) in pairwise(spans):
        assert end <= start


@every_chip
def test_interrupts_are_within_the_vector_table(chip: Chip) -> None:
    positions = [irq for irq, _name in chip.vector_names()]
    assert positions == sorted(set(positions))
    assert positions[-1] == chip.irq_count - 1


@every_chip
def test_sram_is_contiguous(chip: Chip) -> None:
    for one, next_one in pairwise(chip.ram):
        assert one.end == next_one.base
    assert chip.sram.end == chip.ram[-1].end


def test_flash_sectors() -> None:
    sizes = [16, 16, 16, 16, 64, *[128] * 7]
    assert [size // KB for size in find_chip("f407").sectors] == sizes
    assert [size // KB for size in find_chip("f429").sectors] == sizes * 2  # RM0090 table 6


def test_block_vectors_by_name() -> None:
    eth = find_chip("f407").block("ETH")
    assert isinstance(eth, Block)
    assert (eth.irq("ETH"), eth.irq("ETH_WKUP")) == (61, 62)
    assert find_chip("f405").block("ETH") is None
    with pytest.raises(KeyError):
        eth.irq("LTDC")


@pytest.mark.parametrize(
    ("name", "chip"),
    [
        ("stm32f407", "STM32F407"),
        ("STM32F407VG", "STM32F407"),
        ("STM32F407VGT6", "STM32F407"),
        ("stm32f429zitx", "STM32F429"),
        ("stm32f407xx", "STM32F407"),
        ("f469", "STM32F469"),
        ("446", "STM32F446"),
        (" f417 ", "STM32F417"),
    ],
)
def test_names(name: str, chip: str) -> None:
    assert find_chip(name).name == chip


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("stm32f103", "only parts of the STM32F4 family are modelled"),
        ("STM32H743", "only parts of the STM32F4 family are modelled"),
        ("f470", "did you mean STM32F427 or STM32F437 or STM32F479?"),
        ("stm32f4", "`stm32emu chips` lists those there are"),
        ("nrf52", "`stm32emu chips` lists those there are"),
        ("", "`stm32emu chips` lists those there are"),
    ],
)
def test_unknown_names(name: str, advice: str) -> None:
    with pytest.raises(UserError) as caught:
        find_chip(name)
    assert caught.value.sentence == f"there is no chip {name!r} here; {advice}"


def firmware(tmp_path: Path, elf: TinyElf) -> Firmware:
    path = tmp_path / "firmware.elf"
    path.write_bytes(elf.build())
    return load_firmware(path)


def flash(*, sp: int = 0x2002_0000, count: int = 90) -> Load:
    """An image whose table has a length that no part has, unless told otherwise; what follows it is no vector."""
    return Load(0x0800_0000, vector_table(sp, count=count).ljust(0x400, b"\xff"))


def bss(base: int, size: int) -> Load:
    return Load(base, b"", size=size, flags=RW)


def handlers(*names: str) -> list[tuple[str, int]]:
    return [(f"{name}_IRQHandler", 0x0800_0200) for name in names]


NOTHING = "nothing in the file names a part, and this "


@pytest.mark.parametrize(
    ("elf", "chip", "why"),
    [
        (TinyElf([flash()]), "STM32F407", NOTHING + "is the usual one"),
        (TinyElf([flash()], extra=b"\0Startup_STM32F446xx.s\0 stm32f407xx.h"), "STM32F446",
         "its start-up file is Startup_STM32F446xx"),
        (TinyElf([flash()], extra=b"inc/stm32f429xx.h\0 STM32F407 STM32F407"), "STM32F429",
         "it was compiled with stm32f429xx.h"),
        (TinyElf([flash()], extra=b"STM32F439 STM32F417 STM32F417"), "STM32F417", "it mentions STM32F417"),
        (TinyElf([flash()], extra=b"STM32F410 STM32F410 STM32F411"), "STM32F411", "it mentions STM32F411"),
        (TinyElf([flash()], extra=b"STM32F4xx_HAL"), "STM32F407", NOTHING + "is the usual one"),
        (TinyElf([flash()], symbols=handlers("ETH", "LTDC")), "STM32F429",
         "it has every interrupt that the image handles (ETH, LTDC)"),
        (TinyElf([flash()], symbols=handlers("CEC", "ADC", "RCC", "SAI2")), "STM32F446",
         "it has every interrupt that the image handles (ADC, CEC, RCC and 1 more)"),
        (TinyElf([flash()], symbols=handlers("HASH_RNG", "ETH")), "STM32F407",
         "it has every interrupt that the image handles (ETH, RNG)"),
        (TinyElf([flash(count=109)]), "STM32F469", "its vector table has 109 entries"),
        (TinyElf([flash(count=107)]), "STM32F429", "its vector table has 107 entries"),
        (TinyElf([flash(sp=0x2003_0000)]), "STM32F429", NOTHING + "one has the memory it needs"),
        (TinyElf([flash(), bss(0x2004_0000, 0x1_0000)]), "STM32F469", NOTHING + "one has the memory it needs"),
        (TinyElf([flash(), Load(0x0810_0000, b"data", virtual=0x2000_0000)]), "STM32F429",
         NOTHING + "one has the memory it needs"),
        (TinyElf([flash(sp=0x2003_0000)], extra=b"startup_stm32f407xx"), "STM32F429",
         "its start-up file is startup_stm32f407xx, but the initial stack pointer 0x20030000 is outside the RAM of the "
         "STM32F407"),
    ],
)  # fmt: skip
def test_inference(tmp_path: Path, elf: TinyElf, chip: str, why: str) -> None:
    guess = infer_chip(firmware(tmp_path, elf))
    assert (guess.chip.name, guess.why) == (chip, why)


@pytest.mark.parametrize(
    ("loads", "chip", "sentence"),
    [
        ([FLASH, Load(0x0810_0000, bytes(8))], "f407", "the segment at 0x08100000 (8 bytes) is outside the memory"),
        ([FLASH, Load(0x080F_FFFC, bytes(8))], "f407", "the segment at 0x080ffffc (8 bytes) is outside the memory"),
        ([FLASH, bss(0x2000_0000, 0x2_0004)], "f407", "the segment at 0x20000000 (131076 bytes) is outside the memory"),
        ([FLASH, bss(0x1000_0000, 4)], "f446", "the segment at 0x10000000 (4 bytes) is outside the memory"),
        ([FLASH, bss(0x9000_0000, 4)], "f446", "the segment at 0x90000000 (4 bytes) is in external memory, which"),
        ([FLASH, bss(0xD000_0000, 4)], "f407", "the segment at 0xd0000000 (4 bytes) is outside the memory of"),
        ([FLASH, Load(0xC000_0000, b"data")], "f429", "the segment at 0xc0000000 (4 bytes) is stored in external"),
        ([flash(sp=0x1001_0000)], "f446", "the initial stack pointer 0x10010000 is outside the RAM of the STM32F446"),
    ],
)
def test_misfits(tmp_path: Path, loads: list[Load], chip: str, sentence: str) -> None:
    image = firmware(tmp_path, TinyElf(loads))
    with pytest.raises(UserError) as caught:
        check_fits(image, find_chip(chip))
    assert caught.value.sentence.startswith(f"{image.path}: {sentence}")
    assert caught.value.sentence.endswith("; choose another part with --chip or relink the image")
    assert caught.value.exit_code == 2


def test_what_fits(tmp_path: Path) -> None:
    """Initialised data in CCM is stored in flash; backup SRAM, OTP and option bytes are memory too."""
    loads = [
        FLASH,
        Load(0x0800_0400, bytes(8), virtual=0x1000_0000),
        bss(0x4002_4000, 4096),
        bss(0x2000_0000, 0x2_0000),
    ]
    loads += [Load(0x1FFF_7800, bytes(4)), Load(0x1FFF_C000, bytes(4))]
    check_fits(firmware(tmp_path, TinyElf(loads)), find_chip("f407"))


@pytest.mark.parametrize(("chip", "base"), [("f407", 0x6800_0000), ("f429", 0x6000_0000), ("f429", 0xD000_0000)])
def test_external_memory_may_be_used(tmp_path: Path, chip: str, base: int) -> None:
    check_fits(firmware(tmp_path, TinyElf([FLASH, bss(base, 0x1000)])), find_chip(chip))


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        (b"startup_stm32f103c8tx.s\0stm32f1xx.h\0stm32f1xx.h", "startup_stm32f103c8tx"),
        (b"Inc/stm32f7xx.h Inc/stm32f746xx.h Inc/stm32f7xx.h", "stm32f7xx.h"),
        (b"STARTUP_GD32F450.S gd32f4xx.h", "STARTUP_GD32F450"),
    ],
)
@pytest.mark.parametrize(("load", "advice"), [(flash(), "--chip"), (Load(0x0800_0000, bytes(0x400)), "give it")])
def test_other_families_are_refused(tmp_path: Path, extra: bytes, named: str, load: Load, advice: str) -> None:
    """With a vector table that would do here, and with one in RAM that an STM32F4 has not."""
    with pytest.raises(UserError, match=f"is not for the STM32F4 family.* it was built with {named}; {advice}"):
        infer_chip(firmware(tmp_path, TinyElf([load], extra=extra)))


def test_a_library_for_many_families_is_not_foreign(tmp_path: Path) -> None:
    extra = b"stm32f7xx.h stm32f7xx.h stm32f446xx.h"
    assert infer_chip(firmware(tmp_path, TinyElf([flash()], extra=extra))).chip.name == "STM32F446"


def test_an_image_that_fits_nowhere_still_gets_a_guess(tmp_path: Path) -> None:
    image = firmware(tmp_path, TinyElf([FLASH, Load(0x0900_0000, b"data")]))
    guess = infer_chip(image)
    assert guess.chip.name == "STM32F407"
    with pytest.raises(UserError, match="0x09000000"):
        check_fits(image, guess.chip)
