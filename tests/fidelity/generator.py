# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs from seeds: the same seed gives the same program for as long as this folder is not changed."""

from __future__ import annotations

from random import Random

import fragments_faults
import fragments_fp
import fragments_interrupts
import fragments_masks
import fragments_memory
import fragments_mpu
import fragments_threads
import fragments_traps
import layout
from fragments import CONFIGURABLE, HARDFAULT, IRQ0, IRQS, KINDS, NMI, SYSTEM, Fragment, Kind, Place
from program import OTHER, SETUP, THREAD, Program, exception_name

MAKERS = (
    *(fragments_interrupts, fragments_masks, fragments_memory),
    *(fragments_fp, fragments_threads, fragments_faults, fragments_traps, fragments_mpu),
)
"""Importing them fills KINDS."""
FLAVOURS = 14
"""Kinds of fragments in one program: few, so that they meet often."""
LEVELS = tuple(range(0x00, 0x100, 0x10))
NONBASETHRDENA, USERSETMPEND, STKALIGN = 1, 2, 0x200
BODY_CHANCE = {NMI: 0.3, HARDFAULT: 0.3}


def generate(seed: int) -> Program:
    """The program of a seed."""
    rng = Random(seed)
    priorities = rng.sample(LEVELS, rng.randint(2, 5))
    flavours = _flavours(rng)
    place = Place(rng, 0, priorities)
    fpu = rng.random() < 0.7
    if not fpu:
        flavours = [kind for kind in flavours if kind.make.__module__ != fragments_fp.__name__]
    two_threads = rng.random() < 0.4
    options = _options(rng, fpu)
    sections = {SETUP: _setup(place, options, two_threads)}
    sections[THREAD] = _fragments(place, flavours, rng.randint(4, 14))
    if two_threads:
        sections[OTHER] = _fragments(place, flavours, rng.randint(2, 8))
    for number in (*SYSTEM, *(IRQ0 + irq for irq in IRQS)):
        if rng.random() < BODY_CHANCE.get(number, 0.6):
            body = Place(rng, number, priorities)
            sections[exception_name(number)] = _fragments(body, flavours, rng.randint(1, 3))
    return Program(seed, options, sections)


def _flavours(rng: Random) -> list[Kind]:
    kinds = list(KINDS.values())
    chosen = [KINDS["pend"]]
    while len(chosen) < FLAVOURS:
        chosen += rng.choices(kinds, [kind.weight for kind in kinds])
    return chosen


def _fragments(place: Place, flavours: list[Kind], count: int) -> tuple[Fragment, ...]:
    made = []
    for _ in range(count):
        fitting = [kind for kind in flavours if kind.fits(place)]
        if fitting:
            kind = place.rng.choice(fitting)
            made.append(Fragment(kind.name, tuple(kind.make(place))))
    return tuple(made)


def _options(rng: Random, fpu: bool) -> int:
    ways = rng.choice((0, layout.OPTION_POP_PC, layout.OPTION_LDR_PC))
    if not fpu:
        return ways
    return ways | layout.OPTION_FPU | rng.choice((0, 0, layout.OPTION_NOT_LAZY, layout.OPTION_LAZY))


def _setup(place: Place, options: int, two_threads: bool) -> tuple[Fragment, ...]:
    """Priorities, enables and control registers, privileged and on the main stack, where reset has left the CPU."""
    rng = place.rng
    fpu = bool(options & layout.OPTION_FPU)
    setup = [
        ("grouping", [f"put AIRCR, {0x05FA0000 | rng.choice((0, 0, 0, 4, 5, 6, 7)) << 8:#x}"]),
        ("faults", [f"put SHCSR, {rng.randrange(8) << 16:#x}"]),
        ("configuration", [f"put CCR, {_ccr(rng, fpu):#x}"]),
        ("enables", [f"put ISER, {sum(1 << irq for irq in IRQS if rng.random() < 0.85):#x}"]),
        *(("priority", [f"put_byte IPR + {irq}, {rng.choice(place.priorities):#x}"]) for irq in IRQS),
        *(("priority", [f"put_byte SHPR + {number}, {rng.choice(place.priorities):#x}"]) for number in CONFIGURABLE),
    ]
    if fpu and rng.random() < 0.5:
        setup.append(("no FP context yet", ["movs r0, #0", "msr control, r0", "isb"]))
    if options & layout.OPTION_NOT_LAZY:
        setup.append(("no lazy stacking", ["put FPCCR, 0x80000000", "dsb", "isb"]))
    setup.append(("process stack", ["ldr r0, =PSP_TOP", "msr psp, r0"]))
    if two_threads:
        setup.append(("other thread's frame", _other_thread()))
    if two_threads or rng.random() < 0.5:
        setup.append(("thread on PSP", ["mrs r0, control", "orr r0, #2", "msr control, r0", "isb"]))
    if rng.random() < 0.3:
        place.unprivileged = True
        setup.append(("unprivileged thread", ["mrs r0, control", "orr r0, #1", "msr control, r0", "isb"]))
    return tuple(Fragment(name, tuple(lines)) for name, lines in setup)


def _ccr(rng: Random, fpu: bool) -> int:
    """STKALIGN mostly, NONBASETHRDENA and USERSETMPEND sometimes.

    With FP frames STKALIGN stays set: they are aligned whatever it says (B1.5.7), QEMU does not know that.
    """
    chances = {STKALIGN: 1.0 if fpu else 0.7, NONBASETHRDENA: 0.15, USERSETMPEND: 0.5}
    return sum(bit for bit, chance in chances.items() if rng.random() < chance)


def _other_thread() -> list[str]:
    return [
        *("ldr r0, =CONTROL_BLOCK", "ldr r1, [r0, #OTHER_ENTRY]"),
        *("ldr r2, =OTHER_PSP_TOP - 32", "str r1, [r2, #24]", "mov r1, #0x01000000", "str r1, [r2, #28]"),
        *("str r2, [r0, #OTHER_PSP]", "mvn r1, #2", "str r1, [r0, #OTHER_LR]"),
    ]
