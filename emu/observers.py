# SPDX-License-Identifier: GPL-2.0-or-later
"""What only looks at a run, all of it optional: checks, traces, the watchdog, the explanation of TLS connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stm32emu.cpu import NEVER
from stm32emu.crash import Crash
from stm32emu.explaining import Explaining
from stm32emu.findings import Findings
from stm32emu.log import Log
from stm32emu.machine import Machine
from stm32emu.netbridge.link import Link
from stm32emu.netbridge.tls.key_log import parse_key_log
from stm32emu.options import RunOptions
from stm32emu.remembered import Remembered

if TYPE_CHECKING:
    from stm32emu.checks import Checks
    from stm32emu.explanation import Explanation
    from stm32emu.traces import Traces
    from stm32emu.watchdog import Watchdog


class Observers:
    """Those that the options ask for. Raises UserError for one that the firmware has nothing for.

    Args:
        log: takes what they find as it happens.
    """

    def __init__(self, options: RunOptions, machine: Machine, link: Link, crash: Crash, log: Log) -> None:
        self._findings = Findings(log.error)
        self._checks: Checks | None = None
        self._traces: Traces | None = None
        self._watchdog: Watchdog | None = None
        if options.checks or options.traces or options.watchdog:
            self._look_inside(options, machine, link, log)

        self._secrets: dict[bytes, bytes] = {}
        remembered = Remembered(options.remember, options.seed) if options.remember else None

        def explanation() -> Explanation:
            from stm32emu.explanation import Explanation

            known = options.tls_config, remembered, self._secrets
            return Explanation(machine, options.checks, self._findings, crash, log, *known)

        self._explaining = Explaining(link, explanation)
        if not options.no_explain:
            self._explaining.start()

    def _look_inside(self, options: RunOptions, machine: Machine, link: Link, log: Log) -> None:
        """With what follows the firmware itself; it is loaded only now, since most runs do without."""
        from stm32emu.checks import Checks
        from stm32emu.scene import Scene
        from stm32emu.traces import Traces
        from stm32emu.watchdog import Watchdog

        scene = Scene(machine, link)
        if options.checks:
            self._checks = Checks(options.checks, machine, scene, self._findings, dict(options.allocators))
        if options.traces:
            self._traces = Traces(options.traces, machine, scene, log.error)
        if options.watchdog:
            self._watchdog = Watchdog(options.watchdog, machine, scene, self._findings)

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
        return self._watchdog is not None and self._watchdog.has_found

    def end(self) -> None:
        """The run has ended."""
        if self._checks is not None:
            self._checks.finish()
        self._explaining.end()

    def summary(self) -> list[str]:
        """What there is to say at the end of the run, a line each."""
        others = (each.summary() for each in (self._checks, self._traces) if each is not None)
        return [*self._findings.summary(), *(line for lines in others for line in lines)]

    def found(self) -> dict[str, Any]:
        """For --json."""
        marks = self._checks.marks() if self._checks is not None else {}
        traces = self._traces.to_list() if self._traces is not None else []
        return {**marks, "findings": self._findings.to_list(), "traces": traces, "tls": self._explaining.to_data()}
