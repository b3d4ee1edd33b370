# SPDX-License-Identifier: GPL-2.0-or-later
"""The IEEE 1588 system time counter (RM0090 section 33.5.9): seconds and subseconds, computed from virtual time."""

from __future__ import annotations

from typing import NamedTuple

from stm32emu.peripherals.eth_block import EthBlock
from stm32emu.peripherals.eth_registers import EthRegisters as R

BINARY, DIGITAL = 1 << 31, 1_000_000_000  # subseconds in a second, by PTPTSCR.TSSSR


class Rate(NamedTuple):
    """How the counter runs: every HCLK cycle (coarse), or each time a 32-bit accumulator of `addend` overflows (fine),
    it gains `increment` subseconds, `rollover` of which are a second. `running` is PTPTSCR.TSE."""

    running: bool = False
    increment: int = 0
    addend: int = 0
    fine: bool = False
    rollover: int = BINARY


class PtpTime:
    """The counter. Every change of its rate goes through `set_rate`, which first takes over the time reached so far."""

    def __init__(self) -> None:
        self.rate = Rate()
        self._subseconds = 0  # all of the time, in subseconds of the present rollover
        self._since = 0  # the cycle at which that was so
        self._accumulator = 0

    def _steps(self, cycles: int) -> int:
        return (self._accumulator + cycles * self.rate.addend) >> 32 if self.rate.fine else cycles

    def _total(self, now: int) -> int:
        if not self.rate.running:
            return self._subseconds
        return self._subseconds + self._steps(now - self._since) * self.rate.increment

    def read(self, now: int) -> tuple[int, int]:
        """(seconds, subseconds) at cycle `now`."""
        seconds, subseconds = divmod(self._total(now), self.rate.rollover)
        return seconds & 0xFFFF_FFFF, subseconds

    def _settle(self, now: int) -> None:
        total = self._total(now)
        if self.rate.running and self.rate.fine:
            self._accumulator = (self._accumulator + (now - self._since) * self.rate.addend) & 0xFFFF_FFFF
        self._subseconds, self._since = total, now

    def set_rate(self, now: int, rate: Rate) -> None:
        """Go on from here at another rate."""
        if rate != self.rate:
            self._settle(now)
            seconds, subseconds = divmod(self._subseconds, self.rate.rollover)
            self._subseconds = seconds * rate.rollover + subseconds
            self.rate = rate

    def set(self, now: int, seconds: int, subseconds: int) -> None:
        """Initialise (TSSTI)."""
        self._subseconds, self._since, self._accumulator = seconds * self.rate.rollover + subseconds, now, 0

    def adjust(self, now: int, seconds: int, subseconds: int, negative: bool) -> None:
        """Add to the time, or take away from it (TSSTU)."""
        self._settle(now)
        change = seconds * self.rate.rollover + subseconds
        self._subseconds = max(0, self._subseconds - change if negative else self._subseconds + change)

    def cycles_until(self, now: int, seconds: int, subseconds: int) -> int | None:
        """Cycles until the time is at least the target; None if it never will be, or has been already."""
        missing = seconds * self.rate.rollover + subseconds - self._total(now)
        stands = not self.rate.running or not self.rate.increment or (self.rate.fine and not self.rate.addend)
        if missing <= 0 or stands:
            return None
        steps = -(-missing // self.rate.increment)
        if not self.rate.fine:
            return steps
        return -(-((steps << 32) - self._accumulator) // self.rate.addend)


class EthTime(EthBlock):
    """The time stamp registers (section 33.8.3)."""

    def _clear(self) -> None:
        super()._clear()
        self._time = PtpTime()
        self._addend = 0

    def _stamp(self) -> tuple[int, int]:
        return self._time.read(self.clock.now)

    @R.PTPTSHR.value
    def _seconds(self) -> int:
        return self._stamp()[0]

    @R.PTPTSLR.value
    def _subseconds(self) -> int:
        return self._stamp()[1]

    @R.PTPSSIR.on_write
    @R.PTPTTHR.on_write
    @R.PTPTTLR.on_write
    @R.PTPTSCR.on_write
    def _time_control(self, _written: int) -> None:
        """Rate, initialisation, update and addend update; the three command bits clear themselves."""
        now = self.clock.now
        if self.TTSARU:
            self._addend = self.PTPTSAR
        rollover = DIGITAL if self.TSSSR else BINARY
        self._time.set_rate(now, Rate(bool(self.TSE), self.STSSI, self._addend, bool(self.TSFCU), rollover))
        if self.TSSTI:
            self._time.set(now, self.PTPTSHUR, self.TSUSS)
        elif self.TSSTU:
            self._time.adjust(now, self.PTPTSHUR, self.TSUSS, bool(self.TSUPNS))
        self.TTSARU = self.TSSTI = self.TSSTU = 0
        self._aim(now)

    def _aim(self, now: int) -> None:
        """Wait for the target time, if its interrupt is enabled."""
        self._cancel("target")
        cycles = self._time.cycles_until(now, self.PTPTTHR, self.PTPTTLR) if self.TSITE else None
        if cycles is not None:
            self._after("target", cycles, self._target_reached)

    def _target_reached(self) -> None:
        self.TSTTR, self.TSITE = 1, 0
        self._update()

    @R.PTPTSSR.on_read
    def _read_time_stamp_status(self) -> int:
        return self._read_and_clear(R.PTPTSSR, *R.PTPTSSR.fields)
