# SPDX-License-Identifier: GPL-2.0-or-later
"""The end of a run: what went past the models, in one compact table."""

from __future__ import annotations

from stm32emu.machine import Machine
from stm32emu.peripherals.ledger import Entry

ROWS = 20
TITLES = {
    "unmodelled": "used by the firmware and not modelled:",
    "illegal": "illegal according to the manual:",
}


def ledger_table(machine: Machine) -> list[str]:
    """Lines for the user, none when there is nothing to say: block, register, first PC, count."""
    lines: list[str] = []
    for kind, title in TITLES.items():
        entries = sorted(machine.ledger.of_kind(kind), key=lambda entry: -entry.count)
        if entries:
            lines += [title, *(_row(machine, entry) for entry in entries[:ROWS])]
        if len(entries) > ROWS:
            lines.append(f"  and {len(entries) - ROWS} more")
    return lines


def _row(machine: Machine, entry: Entry) -> str:
    where = f"{entry.block}+{entry.offset:#05x}"
    pc = f"{entry.pc:#010x}" if entry.pc is not None else "-"
    return f"  {where:<16} {entry.what or '(reserved)':<28} pc {pc}  {entry.count} x"
