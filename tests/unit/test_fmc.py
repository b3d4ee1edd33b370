# SPDX-License-Identifier: GPL-2.0-or-later
"""FSMC and FMC bus scripts: which banks of external memory answer, from when on, and how large."""

from __future__ import annotations

import pytest

from bus import Bus
from stm32emu.external_memory import StaticBank
from stm32emu.peripherals.fmc import Fmc
from stm32emu.peripherals.fsmc import Fsmc

MBKEN = 1
CTB2, CTB1 = 1 << 3, 1 << 4
CLOCK, PALL, REFRESH, LOAD_MODE, SELF_REFRESH, POWER_DOWN = 1, 2, 3, 4, 5, 6
MB = 1 << 20


class Bench(Bus):
    """An FMC that tells which banks appear."""

    def __init__(self, model: type[Fsmc] = Fmc) -> None:
        self.static: list[tuple[int, int]] = []
        self.sdram: list[tuple[int, int]] = []
        super().__init__(self._make(model))

    def _make(self, model: type[Fsmc]) -> Fsmc:
        def on_static(base: int, size: int) -> None:
            self.static.append((base, size))

        if model is Fmc:
            return Fmc("FMC", on_static=on_static, on_sdram=lambda base, size: self.sdram.append((base, size)))
        return model("FSMC", on_static=on_static)


@pytest.mark.parametrize("model", [Fsmc, Fmc])
@pytest.mark.parametrize(("register", "base"), [("BCR1", 0x6000_0000), ("BCR3", 0x6800_0000), ("BCR4", 0x6C00_0000)])
def test_a_static_bank_answers_once_enabled(model: type[Fsmc], register: str, base: int) -> None:
    """As a display's driver does: set it up with MBKEN clear, the timing, then MBKEN."""
    bench = Bench(model)
    bench[register] = 0x1010
    bench[register.replace("BCR", "BTR")] = 0x0FFF_0F02
    assert bench.static == []
    bench.set(register, MBKEN)
    bench.set(register, MBKEN)
    assert bench.static == [(base, 64 * MB)]
    bench.block.reset()
    bench.set(register, MBKEN)
    assert len(bench.static) == 1


# SDCR, size: NC, NR, MWID, NB as drivers of well-known boards set them
GEOMETRIES = [
    (0x0000_19D4, 8 * MB),  # 8 columns, 12 rows, 16 bits, 4 banks
    (0x0000_19E4, 16 * MB),  # the same, 32 bits wide
    (0x0000_19D9, 32 * MB),  # 9 columns, 13 rows, 16 bits, 4 banks
    (0x0000_0000, 1 * MB),  # the smallest: 8 columns, 11 rows, 8 bits, 2 banks
]


@pytest.mark.parametrize(("sdcr", "size"), GEOMETRIES)
@pytest.mark.parametrize(("bank", "base"), [(1, 0xC000_0000), (2, 0xD000_0000)])
def test_sdram_answers_from_its_first_command_on(sdcr: int, size: int, bank: int, base: int) -> None:
    bench = Bench()
    bench[f"SDCR{bank}"] = sdcr
    bench[f"SDTR{bank}"] = 0x0111_5351
    assert bench.sdram == []
    for command in (CLOCK, PALL, REFRESH | 7 << 5, LOAD_MODE | 0x230 << 9):
        bench["SDCMR"] = command | (CTB1 if bank == 1 else CTB2)
        assert bench["SDSR"] == 0, "never busy"
    bench["SDRTR"] = 0x56A << 1
    assert bench.sdram == [(base, size)]


def test_commands_change_the_mode_of_the_banks_they_are_for() -> None:
    bench = Bench()
    bench["SDCMR"] = CLOCK | CTB1 | CTB2
    assert [base for base, _size in bench.sdram] == [0xC000_0000, 0xD000_0000]
    modes = []
    for command in (SELF_REFRESH | CTB1, POWER_DOWN | CTB2, CTB1):
        bench["SDCMR"] = command
        modes.append((bench["SDSR"] >> 1 & 3, bench["SDSR"] >> 3 & 3))
    assert modes == [(1, 0), (1, 2), (0, 2)]
    assert bench["SDCMR"] == 0, "MODE and the targets are write-only"


def test_a_static_bank_keeps_what_is_stored() -> None:
    bank = StaticBank()
    bank.write(0x0301_0000, 2, 0xBEEF)
    bank.write(0xFFC, 4, 0x0403_0201)
    assert bank.read(0x0301_0000, 2) == 0xBEEF
    assert bank.read(0x0301_0000, 4) == 0xBEEF
    assert [bank.read(0xFFC + n, 1) for n in range(4)] == [1, 2, 3, 4]
    assert bank.read(0x1000, 4) == 0, "nothing was stored there"
