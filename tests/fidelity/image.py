# SPDX-License-Identifier: GPL-2.0-or-later
"""Many fuzz programs, assembled into one ELF for both machines."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import layout
from program import OTHER, Program

RUNTIME = Path(__file__).with_name("runtime.s")
CPU = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
LINK = (
    "-nostdlib",
    "-Wl,--build-id=none",
    "-Wl,-Ttext=0x08000000",
    "-Wl,--no-warn-rwx-segments",
    "-Wl,-eReset_Handler",
)


def source(programs: Sequence[Program]) -> str:
    """Assembler source of an image: the runtime, the programs, and the table that the runner reads."""
    parts = [layout.equates(), RUNTIME.read_text()]
    table = ["    .align 2", "programs:"]
    for number, program in enumerate(programs):
        label = f"program{number}"
        parts += [program.listing(label), program.bodies(label)]
        other = f"{label}_{OTHER}" if program.sections.get(OTHER) else "program_end"
        table.append(f"    .word {label}, {other}, {label}_handlers, {program.options}")
    return "\n".join((*parts, *table)) + "\n"


def build(programs: Sequence[Program], folder: Path, name: str = "image") -> Path:
    """The ELF of up to `layout.MAX_PROGRAMS` programs, in `folder`."""
    path, elf = folder / f"{name}.s", folder / f"{name}.elf"
    path.write_text(source(programs))
    subprocess.run(["arm-none-eabi-gcc", *CPU, *LINK, str(path), "-o", str(elf)], check=True)
    return elf
