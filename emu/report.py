# SPDX-License-Identifier: GPL-2.0-or-later
"""The crash report: what happened, where, how the program got there; as text and as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from stm32emu.block_history import history
from stm32emu.chip import Chip
from stm32emu.disassembly import Disassembler, Instruction
from stm32emu.fault_cause import FaultSnapshot, explain, title
from stm32emu.fault_status import decode_cfsr, decode_hfsr, describe_exc_return, exception_name
from stm32emu.rtos.freertos import current_task
from stm32emu.symbols import Symbols
from stm32emu.unwind import Frame, unwind

__all__ = ["CrashReport", "FaultSnapshot", "crash_report"]

BLOCKS_SHOWN = 16
FRAMES_SHOWN = 8
HISTORY_LINES_SHOWN = 4
WIDTH = 110
GENERAL = (*(f"r{n}" for n in range(13)), "sp", "lr", "pc")
SPECIAL = ("xpsr", "msp", "psp", "control", "primask", "basepri", "faultmask")


@dataclass(frozen=True)
class CrashReport:
    """A fault with everything looked up. `str()` is `render()`."""

    snapshot: FaultSnapshot
    title: str
    sentence: str
    task: str | None
    frames: tuple[Frame, ...]
    code: tuple[Instruction, ...]
    history: tuple[str, ...]
    symbols: Symbols

    def __str__(self) -> str:
        return self.render()

    def render(self) -> str:
        """Text of under 40 lines without a line end, without colour."""
        parts = [self._heading(), self._registers(), self._calls(), self._code(), self._blocks()]
        return "\n\n".join("\n".join(part) for part in parts if part)

    def to_dict(self) -> dict[str, Any]:
        """The same as data for JSON; addresses are integers."""
        snapshot = self.snapshot
        return {
            "title": self.title,
            "exception": {"number": snapshot.exception, "name": exception_name(snapshot.exception)},
            "cause": self.sentence,
            "task": self.task,
            "cycle": snapshot.cycle,
            "seconds": snapshot.seconds,
            "cfsr": {"value": snapshot.cfsr, "flags": _flags(snapshot)[0]},
            "hfsr": {"value": snapshot.hfsr, "flags": _flags(snapshot)[1]},
            "address": snapshot.address,
            "registers": dict(snapshot.registers),
            "calls": [self._frame_dict(frame) for frame in self.frames],
            "code": [{"address": i.address, "text": i.text, "comment": i.comment} for i in self.code],
            "blocks": list(snapshot.blocks[-BLOCKS_SHOWN:]),
        }

    def _frame_dict(self, frame: Frame) -> dict[str, Any]:
        place = self.symbols.line(frame.place)
        return {
            "pc": frame.pc,
            "sp": frame.sp,
            "function": frame.symbol.name if frame.symbol else None,
            "offset": frame.symbol.offset if frame.symbol else None,
            "file": place[0] if place else None,
            "line": place[1] if place else None,
            "found_by": frame.how,
        }

    def _heading(self) -> list[str]:
        snapshot = self.snapshot
        task = f', task "{self.task}"' if self.task else ""
        cfsr, hfsr = (" ".join(flags) or "-" for flags in _flags(snapshot))
        return [
            f"{self.title} at {snapshot.seconds:.6f} s (cycle {snapshot.cycle}){task}",
            f"  {self.sentence}",
            f"  CFSR {snapshot.cfsr:#010x} {cfsr}   HFSR {snapshot.hfsr:#010x} {hfsr}",
        ]

    def _registers(self) -> list[str]:
        registers = self.snapshot.registers
        cells = [f"{name:<4}{_hex(registers, name)}" for name in GENERAL]
        rows = ["  " + "  ".join(cells[n : n + 4]) for n in range(0, len(cells), 4)]
        special = "  ".join(f"{name} {registers[name]:x}" for name in SPECIAL if name in registers)
        rows.append(f"  {special}")
        if value := registers.get("exc_return"):  # none in a lockup: no exception was entered
            rows.append(f"  exc_return {value:x} ({describe_exc_return(value)})")
        if "lr" in registers:
            rows.append(f"  lr is {self.symbols.format(registers['lr'] & ~1)}")
        return rows

    def _calls(self) -> list[str]:
        """The call chain; guessed frames end in how they were found."""
        rows = ["call chain"]
        for number, frame in enumerate(self.frames[:FRAMES_SHOWN]):
            how = "" if frame.certain else f"  ({frame.how}?)"
            interrupted = "  (interrupted)" if frame.how == "exception" else ""
            rows.append(f"  #{number:<2} {frame.pc:08x}  {self.symbols.format(frame.place)}{how}{interrupted}")
        if len(self.frames) > FRAMES_SHOWN:
            rows.append(f"  ... {len(self.frames) - FRAMES_SHOWN} more")
        return rows if self.frames else []

    def _code(self) -> list[str]:
        if not self.code:
            return ["code", f"  nothing can be read at pc {_hex(self.snapshot.registers, 'pc')}"]
        pc = self.snapshot.registers.get("pc", 0) & ~1
        return ["code", *(f"{'> ' if i.address == pc else '  '}{i.address:08x}  {i}" for i in self.code)]

    def _blocks(self) -> list[str]:
        """The newest lines of the history, oldest first."""
        if not self.history:
            return []
        lines = wrap(", ".join(self.history), WIDTH, initial_indent="  ", subsequent_indent="  ")
        count = min(BLOCKS_SHOWN, len(self.snapshot.blocks))
        return [f"last {count} blocks, newest last", *lines[-HISTORY_LINES_SHOWN:]]


def crash_report(
    snapshot: FaultSnapshot,
    read_memory: Callable[[int, int], bytes],
    symbols: Symbols,
    chip: Chip | None = None,
    task: str | None = None,
) -> CrashReport:
    """Look everything up; never raises for what is missing or unreadable.

    Args:
        read_memory: `length` bytes of guest memory without side effects; raises or answers short where there is none.
        chip: to say what lies at an address.
        task: name of the running task; read from a FreeRTOS kernel's own structures when not given.
    """
    disassembler = Disassembler(read_memory, symbols)
    pc = snapshot.registers.get("pc")
    return CrashReport(
        snapshot=snapshot,
        title=title(snapshot),
        sentence=explain(snapshot, disassembler, symbols, chip),
        task=task or current_task(read_memory, symbols),
        frames=tuple(unwind(snapshot.registers, read_memory, symbols)),
        code=() if pc is None else tuple(disassembler.around(pc)),
        history=tuple(history(snapshot.blocks[-BLOCKS_SHOWN:], symbols)),
        symbols=symbols,
    )


def _flags(snapshot: FaultSnapshot) -> tuple[list[str], list[str]]:
    """Names of the set flags of CFSR and HFSR."""
    return [bit.name for bit in decode_cfsr(snapshot.cfsr)], [bit.name for bit in decode_hfsr(snapshot.hfsr)]


def _hex(registers: Mapping[str, int], name: str) -> str:
    return f"{registers[name]:08x}" if name in registers else "?" * 8
