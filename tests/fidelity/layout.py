# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a fuzz image keeps what: one table for the runtime (runtime.s), the generator and the two drivers.

QEMU's netduinoplus2 has 192 KB of SRAM (an STM32F405 has 128), as an STM32F427 has, which is taken for the other
machine: so what lies past its end is a hole on both.
"""

from __future__ import annotations

RAM = 0x2000_0000
RAM_END = 0x2003_0000

CONTROL_BLOCK = RAM
START = 0x00
"""number of the first program to run; this and the next three are set from outside"""
COUNT = 0x04
FLAGS = 0x08
SKIP = 0x10
"""a bit for each program that is not to run"""
NEXT = 0x20
"""programs begun so far; this and LOG_USED are zero at power-on and survive resets"""
LOG_USED = 0x24
RESUME = 0x40
"""where the handler of an expected fault sends the faulting code; from here on all is cleared for each program"""
ENDING = 0x44
RECORDS = 0x48
HANDLERS = 0x4C
OPTIONS = 0x50
OTHER_ENTRY = 0x54
OTHER_PSP = 0x58
OTHER_LR = 0x5C
RUNS = 0x60
"""a byte for each exception: how often its body ran"""

SCRATCH = RAM + 0x200
SCRATCH_WORDS = 32
RAM_VECTORS = RAM + 0x400
MSP_BOTTOM = RAM + 0x800
MSP_TOP = RAM + 0x1800
PSP_TOP = RAM + 0x1C00
OTHER_PSP_TOP = RAM + 0x2000
MPU_AREA = RAM + 0x2000
MPU_AREA_KB = 4
"""filled with BX LR, for the MPU to protect"""
LOG = RAM + 0x3000
LAST_VECTORS = RAM_END - 0x80
"""32 vectors that end where SRAM ends: those of IRQ 16 and up cannot be read"""
LOG_END = LAST_VECTORS

MAX_PROGRAMS = 128
MAX_RECORDS = 40
MAX_RUNS = 2
LARGEST_RECORD = 4 * 64
LOG_ROOM = (MAX_RECORDS + 4) * LARGEST_RECORD
"""a program is begun only with this many bytes of log left"""
VECTORS = 48
"""16 system exceptions and IRQ 0 to 31"""

ANNOUNCE = 1
"""FLAGS: send each program's number to the UART when it begins, and eight times 0xFF when all have run"""
EMIT = 2
"""FLAGS: send each record to the UART as well, for programs that take the machine down"""

OPTION_POP_PC = 1
"""OPTIONS: handlers return by POP {..., PC}, not by BX LR"""
OPTION_LDR_PC = 2
"""OPTIONS: handlers return by LDR PC"""
OPTION_LAZY = 4
"""OPTIONS: the logger leaves the FPU alone, so that lazily stacked registers stay unstacked"""
OPTION_FPU = 8
"""OPTIONS: the FPU is on at the end, so that its registers can be logged"""
OPTION_NOT_LAZY = 16
"""OPTIONS: FPCCR.LSPEN is clear, so handlers set the FP registers anew"""

# Kinds of records: the head word is kind << 28 | words << 16 | value.
BEGIN, ENTRY, NOTE, END, UNEXPECTED = range(1, 6)


def equates() -> str:
    """All of the above as assembler symbols."""
    return "".join(f".equ {name}, {value:#x}\n" for name, value in globals().items() if name.isupper())
