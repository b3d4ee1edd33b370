# SPDX-License-Identifier: GPL-2.0-or-later
"""What pyproject.toml cannot say: sub-packages of mapped folders, and the C extension's sources by pattern."""

from glob import glob

from setuptools import Extension, find_packages, setup

HOUSE = {"stm32emu": "emu", "stm32emu.peripherals": "peripherals", "stm32emu.netbridge": "netbridge"}

core = Extension(
    "stm32emu._core",
    sources=sorted(glob("emu/_core*.c")),
    depends=sorted(glob("emu/_core*.h")),
    extra_compile_args=["-std=c11", "-O2"],
)

setup(
    packages=[*HOUSE, *(f"{name}.{part}" for name, folder in HOUSE.items() for part in find_packages(folder))],
    ext_modules=[core] if core.sources else [],
)
