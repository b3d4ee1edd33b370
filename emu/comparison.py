# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the same client against a firmware and against its twin, with an observer in between."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from stm32emu.errors import GuestError, UserError
from stm32emu.netbridge.forward import Forward
from stm32emu.netbridge.tls.difference import Difference, first_difference
from stm32emu.netbridge.tls.doctor import diagnose
from stm32emu.netbridge.tls.evidence import Evidence, chain_of
from stm32emu.netbridge.tls.listener import LOOPBACK, Listener
from stm32emu.netbridge.tls.relay import Relay
from stm32emu.netbridge.tls.transcript import Side, Transcript
from stm32emu.netbridge.tls.twin.site import Site
from stm32emu.netbridge.tls.verdict import Case, Verdict
from stm32emu.options import RunOptions
from stm32emu.session import Session

T = TypeVar("T")
Say = Callable[[str], None]
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
"""What the client finds on its standard input, which then stays open."""
LISTEN_PATIENCE = 120.0
"""Seconds for the firmware to listen."""
QUIET = 5.0
"""Seconds of that before it is said what is waited for."""
SETTLE = 5.0
"""Seconds after the client's end for the server to end the connection, too."""


@dataclass(frozen=True)
class Result:
    """One connection to each, and what came of it. `console` is what the device said meanwhile."""

    device: Evidence
    twin: Evidence
    console: str

    @property
    def difference(self) -> Difference | None:
        """The first one."""
        return first_difference(self.device, self.twin)

    @property
    def verdict(self) -> Verdict:
        """The doctor's, over the device's connection alone."""
        return diagnose(Case([self.device]))


class Client:
    """A command with {address}, {host} and {port} in it. `patience`: seconds until it is stopped."""

    def __init__(self, command: Sequence[str], patience: float) -> None:
        self._command = command
        self._patience = patience

    def visit(self, port: int, give_up: Callable[[], None]) -> None:
        """Run it to its end, or `give_up` and stop it. Raises UserError if it cannot be started."""
        address = f"{LOOPBACK}:{port}"
        words = [_filled(word, {"address": address, "host": LOOPBACK, "port": str(port)}) for word in self._command]
        try:
            process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise UserError(f"the client {words[0]} cannot be started: {error.strerror}") from error
        with process:
            assert process.stdin is not None
            with suppress(BrokenPipeError):  # a client that reads nothing, and has ended
                os.write(process.stdin.fileno(), REQUEST)
            try:
                process.wait(self._patience)
            except subprocess.TimeoutExpired:
                give_up()
                process.kill()


def _filled(word: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word


class Network:
    """An event loop in a thread of its own, for listener and relays."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Have it done there, and wait."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def serve(self, listener: Listener) -> int:
        """Have it listen on a free port, which is returned."""
        server = self.run(listener.start(0))
        return int(server.sockets[0].getsockname()[1])

    def observe(self, client: Client, target: int) -> Transcript:
        """Run the client against a port of this machine: its first connection."""
        relay = Relay(target)
        port = self.run(relay.start())
        try:
            client.visit(port, lambda: self.run(relay.cut()))
            if not relay.observers:
                raise UserError("the client did not connect: does its command say {address}, or {host} and {port}?")
            transcript = relay.observers[0].transcript
            _settle(transcript)
        finally:
            self.run(relay.close())
        if not any(transcript.handshakes(Side.CLIENT)):
            raise UserError("the client began no TLS handshake: is it told to, as by https:// ?")
        return transcript


def _settle(transcript: Transcript) -> None:
    """Wait for both sides' ends, or as long as SETTLE."""
    due = time.monotonic() + SETTLE
    while len(transcript.ends()) < 2 and time.monotonic() < due:
        time.sleep(0.01)


def compare(site: Site, options: RunOptions, port: int, client: Client, log: Say, say: Say) -> Result:
    """Compare a firmware, whose server listens on `port`, with a twin. Raises UserError, GuestError.

    `log` takes the logs of the run and of the twin, `say` what the user should know of meanwhile.
    """
    network = Network()
    at_twin = network.observe(client, network.serve(Listener(site, log)))
    at_device, console = DeviceRun(options, port, log, say).observe(network, client)
    return Result(evidence_of(at_device), evidence_of(at_twin), console)


def evidence_of(transcript: Transcript) -> Evidence:
    """With the certificate that it shows."""
    return Evidence(transcript, chain_of(transcript))


class DeviceRun:
    """One run of the firmware, in the calling thread; the client visits from another, and the run ends when it has."""

    def __init__(self, options: RunOptions, port: int, log: Say, say: Say) -> None:
        self._port = port
        self._say = say
        self._console = bytearray()
        self._before = 0
        options = replace(options, ports=(Forward(0, port),), no_explain=True)
        self._session = Session(options, console=self._console.extend, log=log)
        self._over = threading.Event()

    def observe(self, network: Network, client: Client) -> tuple[Transcript, str]:
        """The connection, and what the console said from its beginning on."""
        with ThreadPoolExecutor(1) as threads:
            visit = threads.submit(self._visit, network, client)
            try:
                outcome = self._session.run()
            finally:
                self._over.set()
            transcript = visit.result()
        if transcript is None:
            why = outcome.reason or f"after {LISTEN_PATIENCE:g} s it still does not; name its port with --port"
            raise GuestError(f"the firmware never listened on port {self._port}: {why}")
        return transcript, self._console[self._before :].decode(errors="replace")

    def _visit(self, network: Network, client: Client) -> Transcript | None:
        """The client's connection, None if the firmware never listens; the run ends with it, whatever happens."""
        try:
            target = self._listening()
            self._before = len(self._console)
            return network.observe(client, target) if target is not None else None
        finally:
            self._session.interrupt(0)

    def _listening(self) -> int | None:
        """The host's port, once the firmware answers; None if it never does."""
        started, told = time.monotonic(), False
        while not self._over.wait(0.02):
            for _address, port in self._session.bridge.addresses:
                return port
            waited = time.monotonic() - started
            if waited >= QUIET and not told:
                self._say(f"waiting for the firmware to listen on port {self._port}, up to {LISTEN_PATIENCE:g} s ...")
                told = True
            if waited >= LISTEN_PATIENCE:
                break
        return None
