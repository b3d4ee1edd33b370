# SPDX-License-Identifier: GPL-2.0-or-later
"""Explains a run's TLS connections as they end: TCP segments go to the explainer, its text to the log.

It only looks: nothing of it reaches the machine. A replay has the same frames at the same virtual times, and so the
same explanations.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from stm32emu.crash import Crash
from stm32emu.credentials import Credentials, find_in_firmware
from stm32emu.findings import Findings
from stm32emu.log import Log
from stm32emu.machine import Machine
from stm32emu.netbridge.tls.certificate import Certificate
from stm32emu.netbridge.tls.device import Device
from stm32emu.netbridge.tls.explainer import Explainer, Report
from stm32emu.netbridge.transport import Datagram, Segment
from stm32emu.remembered import Remembered

if TYPE_CHECKING:
    from stm32emu.netbridge.tls.config import Config


class Explanation:
    """The explainer of one run.

    Args:
        machine: for virtual time.
        checks, findings: the device-side checks that are on, and what they and the watchdog found, for the verdict.
        crash: whether the firmware faulted, likewise.
        log: takes the text of each connection that has ended, as a warning when something is wrong.
        config: the firmware's mbedTLS configuration, if it is known.
        remembered: random numbers of earlier runs, if they are kept.
        secrets: master secrets by the client's random; more may come.
    """

    def __init__(
        self,
        machine: Machine,
        checks: Sequence[str],
        findings: Findings,
        crash: Crash,
        log: Log,
        config: Config | None = None,
        remembered: Remembered | None = None,
        secrets: Mapping[bytes, bytes] = MappingProxyType({}),
    ) -> None:
        self._machine = machine
        self._checks = tuple(checks)
        self._findings = findings
        self._crash = crash
        self._log = log
        self._remembered = remembered
        known = _configured(config) if config else Device()
        self._known = replace(known, remembered=remembered.marks) if remembered else known
        self._explainer = Explainer(
            self._report,
            device=self._device,
            keys=lambda: self._keys,
            chain=lambda: self._chain,
            secrets=secrets,
            wall=time.time_ns,
        )

    def on_timer(self) -> None:
        """Virtual time has moved on."""
        self._explainer.on_timer(self._machine.time.now_ns)

    def end(self) -> None:
        """The run has ended."""
        self._explainer.end(self._machine.time.now_ns)
        if self._remembered:
            self._remembered.keep(mark for each in self._explainer.evidence for mark in each.marks)

    def to_data(self) -> dict[str, Any]:
        """The last connections and the verdict over them, for JSON."""
        return self._explainer.to_data()

    def receive(self, transport: Segment | Datagram, now: int) -> None:
        """It passes, at `now` in virtual nanoseconds."""
        self._explainer.receive(transport, now)

    def _report(self, report: Report) -> None:
        (self._log.warning if report.verdict.faulty else self._log.info)(report.text)

    @cached_property
    def _credentials(self) -> Credentials:
        return find_in_firmware(self._machine.firmware, self._machine.symbols)

    @cached_property
    def _chain(self) -> tuple[Certificate, ...]:
        """The certificate that belongs to the firmware's private keys, and those above it, if it is but one."""
        chains = {each.chain[0].der: each.chain for each in self._credentials.presented if each.key}
        return next(iter(chains.values())) if len(chains) == 1 else ()

    @cached_property
    def _keys(self) -> dict[str, PublicKeyTypes]:
        """Of the private keys in the firmware: which of them signs tells a wrong key on a single connection."""
        return {
            f"the private key at {each.address:#010x} in the firmware": each.content.public_key()
            for each in self._credentials.found
            if not isinstance(each.content, Certificate)
        }

    def _device(self) -> Device:
        findings = self._findings.first_sentences()
        crashed = "the firmware faulted: see the crash report" if self._crash.count else ""
        return replace(self._known, checks=self._checks, findings=findings, crashed=crashed)


def _configured(config: Config) -> Device:
    """What the firmware can do. What reads config.h is loaded only when one is given."""
    from stm32emu.netbridge.tls.config_rules import Build
    from stm32emu.netbridge.tls.config_rules.abilities import device_of

    return device_of(Build.of(config))
