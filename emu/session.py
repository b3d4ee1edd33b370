# SPDX-License-Identifier: GPL-2.0-or-later
"""A run as the user sees it: a machine, its network, its console, the wall clock, and when to stop.

How a byte travels: client socket -> bridge -> host (TCP) -> wire (a frame) -> link -> MAC -> guest RAM -> IRQ -> guest,
and back the same way. Frames enter the guest as events at a cycle.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from stm32emu.cable import Cable
from stm32emu.chips import ChipGuess, check_fits, infer_chip
from stm32emu.console import Console
from stm32emu.cpu import NEVER, Reason
from stm32emu.crash import Crash
from stm32emu.elf import load_firmware
from stm32emu.errors import GuestError, as_user_errors
from stm32emu.fault_injection import FaultInjection
from stm32emu.keylog import KeyLog
from stm32emu.log import Log
from stm32emu.machine import Machine
from stm32emu.netbridge.bridge import Bridge, BridgeError
from stm32emu.netbridge.link import Direction
from stm32emu.observers import Observers
from stm32emu.options import RunOptions
from stm32emu.outputs import Outputs
from stm32emu.pacing import STEP_NS, Pacer
from stm32emu.recording import FRAME, Input, Recording
from stm32emu.summary import ledger_table
from stm32emu.timebase import NANO

SLICE = 1_000_000
"""Cycles between looks at sockets and Ctrl-C while the CPU is busy: a few milliseconds of wall time."""
LISTEN_PATIENCE_NS = 30 * NANO
"""Virtual time after which idle follows the wall clock although some port does not answer yet."""
RESETS_SHOWN = 5
RESET_CAUSES = {"software": "software", "iwdg": "the independent watchdog", "wwdg": "the window watchdog"}
STATUS_EVERY = 0.25  # seconds


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the process's exit code and, unless it is plain from the console, one sentence."""

    exit_code: int
    reason: str = ""


@dataclass(frozen=True)
class Status:
    """For the live status line: virtual and wall seconds, speed against a real 168 MHz part, open connections."""

    virtual_s: float
    wall_s: float
    speed: float
    connections: int


class Session:
    """One run of one firmware under the user's options.

    Args:
        options: what `stm32emu run` was told.
        console: takes the console's bytes exactly as the firmware wrote them.
        log: takes one line about the run.
        status: hears the state of the run a few times a second, if given.
        recording: what to replay: its inputs and its end instead of a network and the options' ends.
    """

    def __init__(
        self,
        options: RunOptions,
        *,
        console: Callable[[bytes], None],
        log: Callable[[str], None],
        status: Callable[[Status], None] | None = None,
        recording: Recording | None = None,
    ) -> None:
        self.log = Log(log, options.log_level)
        self._status = status
        firmware = load_firmware(options.elf)
        guess = ChipGuess(options.chip, "--chip") if options.chip else infer_chip(firmware)
        check_fits(firmware, guess.chip)
        self.options = replace(options, chip=guess.chip)
        self._why = "as recorded" if recording else guess.why
        self.console = Console(console, self.log.info, uart=options.uart, until=options.until)
        self.machine = Machine(
            firmware,
            guess.chip,
            seed=options.seed,
            phy=options.phy,
            hse_hz=options.hse,
            strict=options.strict,
            on_byte=self._on_byte,
            on_frame=self._on_frame,
        )
        self.machine.reset_listeners.append(self._on_reset)
        self.crash = Crash(self.machine, self.log.error)
        self.bridge = Bridge(
            options.ports,
            bind=options.bind,
            guest_ip=str(options.guest_ip) if options.guest_ip else None,
            seed=options.seed,
            log=self.log.info,
        )
        self.cable = Cable(self.machine, self._to_bridge)
        self.faults = FaultInjection(
            options.faults, machine=self.machine, link=self.cable.link, seed=options.seed, log=self.log.info
        )
        self.observers = Observers(options, self.machine, self.cable.link, self.crash, self.log)
        if options.log_level == "debug":
            self.cable.link.taps.append(self._log_frame)
        self._recording = recording
        self._outputs = Outputs(self.options, self.machine, self.cable.link)
        if options.keylog is not None:
            KeyLog(self.machine, self._secret)
        self._interrupted: int | None = None
        self._reason = Reason.STOPPED
        self.machine.cpu.skip_loops = not options.no_idle_skip
        self._pacer = Pacer()
        self._paid = 0  # the cycle up to which idle time has been waited for
        self._paced = options.pace == "real" and bool(options.ports)
        self._limit = NEVER
        self._started = self._status_due = time.monotonic()

    # The guest's side

    def _secret(self, line: bytes) -> None:
        """A line of the key log (--keylog)."""
        self._outputs.secret(line)
        self.observers.secret(line)

    def _on_byte(self, uart: str, byte: int) -> None:
        if self.console.receive(uart, byte):
            self.machine.cpu.stop()

    def _type(self, text: bytes) -> None:
        uart = self.machine.board.uarts().get(self.console.port or "")
        if uart is not None:
            uart.feed(text)
        else:
            self.log.warning(f"{text!r} cannot be typed: no UART is the console yet; --uart names it")

    def _on_frame(self, frame: bytes) -> None:
        self.cable.from_guest(frame)

    def _to_bridge(self, frame: bytes, now: int) -> None:
        """In a replay nobody is there: all that ever came from that end of the cable is in the recording."""
        if self._recording is None:
            self.bridge.receive(frame, now)
            self._forward()

    def _on_reset(self, cause: str) -> None:
        if self.machine.resets <= RESETS_SHOWN:
            last = "; further resets are not shown" if self.machine.resets == RESETS_SHOWN else ""
            self.log.warning(f"reset by {RESET_CAUSES[cause]} at {self.machine.time.now_ns / NANO:.6f} s{last}")

    def _log_frame(self, frame: bytes, now: int, way: Direction) -> None:
        self.log.debug(f"{now / NANO:.6f} s {way.value}: {len(frame)} bytes, type 0x{frame[12:14].hex()}")

    def _forward(self) -> None:
        """Send what the host has for the guest on its way."""
        for frame in self.bridge.take_output(self.machine.time.now_ns):
            self._come_in(Input(self.machine.frame_cycle(), FRAME, frame))

    def _come_in(self, event: Input) -> None:
        """The one way in for anything from outside: as an event at a cycle, recorded when asked for."""
        self._outputs.input(event)
        self.machine.clock.at(event.cycle, partial(self.cable.to_guest, event.data), outside=True)

    # The run

    def run(self) -> Outcome:
        """Run to the end that the options ask for, a fault, or KeyboardInterrupt, which passes through."""
        with as_user_errors(BridgeError):
            self.bridge.open()
        try:
            with self._outputs:
                return self._run()
        finally:
            for forward in self.bridge.silent:
                self.log.warning(
                    f"never listening: the firmware did not answer on port {forward.guest_port} ({forward})"
                )
            self.bridge.close()
            for line in (*self.observers.summary(), *ledger_table(self.machine)):
                self.log.warning(line)

    def interrupt(self, exit_code: int) -> None:
        """End the run at the next natural boundary, with this exit code; safe to call from a signal handler."""
        self._interrupted = exit_code
        self.machine.cpu.stop()

    @property
    def interrupted(self) -> bool:
        """Whether `interrupt` was called."""
        return self._interrupted is not None

    def _run(self) -> Outcome:
        self.log.info(f"{self.options.elf.name}: {self.machine.chip} ({self._why})")
        self.faults.start()
        for typed in self.options.typed:
            self.machine.time.alarm(round(typed.seconds * NANO), partial(self._type, typed.text))
        for event in self._recording.inputs if self._recording else ():
            self._come_in(event)
        try:
            outcome = self._loop()
        except GuestError as error:  # --strict
            outcome = Outcome(error.exit_code, error.sentence)
        self.observers.end()
        self._outputs.end(self._reason, outcome.exit_code, self.observers.found())
        return outcome

    def _loop(self) -> Outcome:
        while True:
            limit = self._next_limit()
            self.machine.cpu.idle_until = self._paid if self._waits() else NEVER
            reason = self._reason = self.machine.run(limit)
            self.observers.look()
            ended = self._ended(reason)
            if ended is not None:
                return ended
            if reason not in (Reason.SLEEP, Reason.IDLE):
                self._exchange(0)
            elif self._idle():
                return self._dead()
            self._on_timers()
            self._show_status()

    def _next_limit(self) -> int:
        """The cycle to run to: a slice, the host's next timer, or the end of the run, whichever is first."""
        if self.interrupted:
            return self.machine.clock.now + 1
        limits = [max(self.machine.clock.now + SLICE, self._paid), self.observers.look_at()]
        timer = self.bridge.poll_at()
        if timer is not None:
            limits.append(self.machine.time.cycle(timer))
        return min(max(min(limits), self.machine.clock.now + 1), self._end_cycle())

    def _end_cycle(self) -> int:
        if self._recording:
            return self._recording.last_cycle
        duration = self.options.duration
        return NEVER if duration is None else self.machine.time.cycle(round(duration * NANO))

    def _ended(self, reason: Reason) -> Outcome | None:
        if self.console.seen:
            return Outcome(0)
        if reason in (Reason.FAULT, Reason.LOCKUP):
            self.crash.report(reason)
        if reason is Reason.LOCKUP:
            return Outcome(1, "the firmware faulted in its fault handler: the core is locked up")
        if self.machine.exited is not None:
            return self._exited(self.machine.exited)
        if self._interrupted is not None and reason is not Reason.FAULT:  # a fault may share its cycle with a boundary
            return Outcome(self._interrupted)
        if self.observers.loops and self._recording is None:  # a replay goes on to its end, to compare it
            return Outcome(5, "the firmware goes round a loop without making progress")
        if self.options.on_fault == "stop" and self.crash.handler_only_loops():
            return Outcome(1, "the firmware faulted and its handler only loops")
        if self.machine.clock.now >= self._end_cycle():
            if self.options.until is not None:
                return Outcome(3, f"the console did not show {self.options.until!r} within {self.options.duration:g} s")
            return Outcome(0)
        return None

    def _exchange(self, wait: int) -> bool:
        """One exchange with the host sockets, for which to wait at most so many ns; whether there was anything."""
        anything = self.bridge.poll_sockets(self.machine.time.now_ns, wait / NANO)
        self._forward()
        return anything

    def _on_timers(self) -> None:
        now = self.machine.time.now_ns
        timer = self.bridge.poll_at()
        if timer is not None and timer <= now:
            self.bridge.on_timer(now)
            self._forward()
        self.observers.on_timer()

    # Sleep

    def _idle(self) -> bool:
        """The CPU sleeps or loops idly beyond the time that may pass at once: let more pass, and listen. True: dead."""
        timer = self.bridge.poll_at()
        until = self._end_cycle()
        if timer is not None:
            until = min(until, self.machine.time.cycle(timer))
        if self._waits():
            until = self._paid = self._wait(until)
        elif min(until, self.machine.cpu.wake_at) >= NEVER:
            return self._wait_for_peer()
        else:
            self._exchange(0)
        if self._reason is Reason.IDLE:
            self.machine.skip_idle(until)
        else:
            self.machine.sleep(until)
        return False

    def _wait_for_peer(self) -> bool:
        """Only a host peer can wake the CPU: time stands still until one speaks. True if none can."""
        if not (self.options.ports and self.bridge.all_listening):
            return True
        self._exchange(STEP_NS)
        return False

    def _waits(self) -> bool:
        """Whether idle follows the wall clock by now."""
        return self._paced and (self.bridge.all_listening or self.machine.time.now_ns > LISTEN_PATIENCE_NS)

    def _wait(self, until: int) -> int:
        """Wait for the wall clock to reach cycle `until`, at most a step; the cycle to go on from."""
        now = self.machine.time.now_ns
        step = min(self.machine.time.at(until) - now, STEP_NS) if until < NEVER else STEP_NS
        wait = self._pacer.ahead(now + step)
        if self._exchange(max(0, wait)):
            step = max(0, step - max(0, self._pacer.ahead(now + step)))
        return min(until, self.machine.time.cycle(now + step))

    def _dead(self) -> Outcome:
        return self._without_text("the firmware sleeps for ever") or Outcome(
            0, "the firmware sleeps with nothing left to wake it"
        )

    def _exited(self, good: bool) -> Outcome:
        if not good:
            return Outcome(1, "the firmware ended with an error (semihosting)")
        return self._without_text("the firmware ended") or Outcome(0, "the firmware ended (semihosting)")

    def _without_text(self, end: str) -> Outcome | None:
        """The outcome of an end that came before the text to wait for, if there is one."""
        if self.options.until is None:
            return None
        return Outcome(3, f"{end}, and the console did not show {self.options.until!r}")

    def _show_status(self) -> None:
        wall = time.monotonic()
        if self._status is None or wall < self._status_due:
            return
        self._status_due = wall + STATUS_EVERY
        elapsed = max(wall - self._started, 1e-6)
        virtual = self.machine.time.now_ns / NANO
        self._status(Status(virtual, elapsed, self.machine.clock.now / 168e6 / elapsed, self.bridge.connections))
