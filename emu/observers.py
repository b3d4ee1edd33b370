# SPDX-License-Identifier: GPL-2.0-or-later
"""What only looks at a run, all of it optional: checks, traces, the watchdog, the explanation of TLS connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stm32emu.checks import Checks
from stm32emu.cpu import NEVER
from stm32emu.crash import Crash
from stm32emu.explaining import Explaining
from stm32emu.log import Log
from stm32emu.machine import Machine
from stm32emu.netbridge.link import Link
from stm32emu.netbridge.tls.key_log import parse_key_log
from stm32emu.options import RunOptions
from stm32emu.remembered import Remembered
from stm32emu.traces import Traces
from stm32emu.watchdog import Watchdog

if TYPE_CHECKING:
    from stm32emu.explanation import Explanation


class Observers:
    """Those that the options ask for. Raises UserError for one that the firmware has nothing for.

    Args:
        log: takes what they find as it happens.
    """

    def __init__(self, options: RunOptions, machine: Machine, link: Link, crash: Crash, log: Log) -> None:
        self._checks = Checks(options.checks, machine, link, log.error, dict(options.allocators))
        self._traces = Traces(options.traces, machine, link, log.error)
        self._watchdog = Watchdog(options.watchdog, machine, link, log.error) if options.watchdog else None

        self._secrets: dict[bytes, bytes] = {}
        remembered = Remembered(options.remember, options.seed) if options.remember else None

        def explanation() -> Explanation:
            from stm32emu.explanation import Explanation

            return Explanation(
                machine, self._checks, crash, log, options.tls_config, remembered, self._secrets, self._loop
            )

        self._explaining = Explaining(link, explanation)
        if not options.no_explain:
            self._explaining.start()

    def _loop(self) -> str:
        """What the watchdog says of a loop that makes no progress; "" if there is none."""
        return self._watchdog.findings[0].text if self.loops and self._watchdog is not None else ""

    def look(self) -> None:
        """Between runs of the machine."""
        if self._watchdog is not None:
            self._watchdog.look()

    def look_at(self) -> int:
        """The cycle at which that is wanted."""
        return self._watchdog.look_at() if self._watchdog is not None else NEVER

    def secret(self, line: bytes) -> None:
        """A line of a key log has become known."""
        self._secrets.update(parse_key_log(line))

    def on_timer(self) -> None:
        """Virtual time has moved on."""
        self._explaining.on_timer()

    @property
    def loops(self) -> bool:
        """Whether the watchdog has found a loop that makes no progress."""
        return self._watchdog is not None and bool(self._watchdog.findings)

    def end(self) -> None:
        """The run has ended."""
        self._checks.finish()
        self._explaining.end()

    def summary(self) -> list[str]:
        """What there is to say at the end of the run, a line each."""
        return [*self._checks.summary(), *self._traces.summary()]

    def found(self) -> dict[str, Any]:
        """For --json."""
        loops = [finding.to_dict(1) for finding in self._watchdog.findings] if self._watchdog is not None else []
        findings = [*self._checks.findings.to_list(), *loops]
        others = {"traces": self._traces.to_list(), "tls": self._explaining.to_data()}
        return {**self._checks.marks(), "findings": findings, **others}
