# SPDX-License-Identifier: GPL-2.0-or-later
"""A fuzz program, and how it prints as assembler."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import layout
from fragments import IRQ0, SYSTEM, Fragment

NAMES = dict(
    zip(SYSTEM, ("nmi", "hardfault", "memmanage", "busfault", "usagefault", "svcall", "pendsv", "systick"), strict=True)
)
SETUP, THREAD, OTHER = "setup", "thread", "other_thread"


def exception_name(number: int) -> str:
    """Such as pendsv or irq3."""
    return NAMES.get(number, f"irq{number - IRQ0}" if number >= IRQ0 else f"exception{number}")


@dataclass(frozen=True)
class Program:
    """Sections of fragments: set-up and thread, perhaps another thread, and a body for each exception's handler."""

    seed: int
    options: int
    sections: dict[str, tuple[Fragment, ...]]

    def without(self, section: str, index: int, count: int = 1) -> Program:
        """A copy that lacks some fragments of one section."""
        rest = self.sections[section]
        return replace(self, sections={**self.sections, section: rest[:index] + rest[index + count :]})

    def listing(self, label: str = "program") -> str:
        """Assembler source; `label` is the entry's, and begins all others."""
        lines = [
            ".thumb_func",
            f"{label}:",
            *self._lines(SETUP),
            *self._lines(THREAD),
            "    b program_end",
            "    .ltorg",
        ]
        for name, fragments in self.sections.items():
            if fragments and name not in (SETUP, THREAD):
                end = "program_end" if name == OTHER else "body_done"
                lines += [".thumb_func", f"{label}_{name}:", *self._lines(name), f"    b {end}", "    .ltorg"]
        return "\n".join(lines) + "\n"

    def bodies(self, label: str = "program") -> str:
        """The table of handler bodies, by exception number."""
        names = map(exception_name, range(layout.VECTORS))
        words = [f"    .word {f'{label}_{name}' if self.sections.get(name) else 0}" for name in names]
        return "\n".join((f"    .align 2\n{label}_handlers:", *words)) + "\n"

    def _lines(self, section: str) -> Iterable[str]:
        for fragment in self.sections.get(section, ()):
            yield f"    @ {fragment.name}"
            for line in fragment.lines:
                yield line if line.endswith(":") else f"    {line}"
