# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu run`: the command line of a session."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import Any

import click

from stm32emu.errors import UserError
from stm32emu.netbridge.forward import Forward
from stm32emu.options import OPTIONS, Option, RunOptions, parse_options

WHY_NOT = {
    errno.EADDRINUSE: "is in use; stop the program that has it or choose another port",
    errno.EACCES: "needs root; choose one from 1024 on",
}


def _parameter(option: Option) -> click.Option:
    """A row of the options table for click, which only splits words: parsing them is ours, so errors are too."""
    names = [option.flag, option.field]
    if not option.metavar:
        return click.Option(names, is_flag=True, help=option.help)
    return click.Option(names, metavar=option.metavar, multiple=option.repeatable, help=option.help)


def _run(elf: str, **words: Any) -> int:
    """Run FIRMWARE.ELF until it is told to end, faults, or Ctrl-C. Its console is stdout; all else goes to stderr."""
    options = parse_options(Path(elf), words)
    check_ports(options)
    # Imported here so that --help and bad options answer at once.
    from stm32emu.cli.terminal import Terminal
    from stm32emu.session import run_session

    terminal = Terminal()
    try:
        outcome = run_session(
            options,
            console=terminal.console,
            log=terminal.log,
            status=terminal.status if terminal.has_status else None,
        )
    finally:
        terminal.close()
    if outcome.reason:
        terminal.log(outcome.reason)
    return outcome.exit_code


run = click.Command(
    "run",
    callback=_run,
    params=[click.Argument(["elf"], metavar="FIRMWARE.ELF"), *map(_parameter, OPTIONS)],
    help=_run.__doc__,
)


def check_ports(options: RunOptions) -> None:
    """Raise UserError unless every host port can be opened, before the firmware boots for nothing."""
    seen: set[tuple[int, str]] = set()
    for forward in options.ports:
        if (forward.host_port, forward.proto) in seen:
            raise UserError(f"--port: {forward.host_port}/{forward.proto} is given twice; forward it to one guest port")
        seen.add((forward.host_port, forward.proto))
        _check_port(options.bind, forward)


def _check_port(bind: str, forward: Forward) -> None:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    kind = socket.SOCK_DGRAM if forward.proto == "udp" else socket.SOCK_STREAM
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # only listeners count, not closing connections
        try:
            probe.bind((bind, forward.host_port))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise UserError(f"--bind: {bind} is not an address of this machine; 0.0.0.0 means all") from None
            why = WHY_NOT.get(error.errno or 0, f"cannot be opened ({(error.strerror or str(error)).lower()})")
            raise UserError(f"--port: {bind} port {forward.host_port}/{forward.proto} {why}") from None
