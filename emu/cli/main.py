# SPDX-License-Identifier: GPL-2.0-or-later
"""The `stm32emu` command: its sub-commands, and what a user sees of an error."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

import click

from stm32emu.cli.atlas import atlas
from stm32emu.cli.chips import chips
from stm32emu.cli.compare import compare
from stm32emu.cli.doctor import doctor
from stm32emu.cli.explain import explain
from stm32emu.cli.faults import faults
from stm32emu.cli.info import info
from stm32emu.cli.peripherals import peripherals
from stm32emu.cli.replay import replay
from stm32emu.cli.run import run
from stm32emu.cli.serve import serve
from stm32emu.errors import InternalError, StmError, UserError
from stm32emu.options import EXIT_CODES

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
OUTPUT_CLOSED = 141  # 128 + SIGPIPE
EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:<4} {text}" for code, text in EXIT_CODES.items())


def _version_of(distribution: str) -> str:
    """From the package's metadata: Unicorn's library reports 2.1.0 for several later versions."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "(not installed)"


def _print_version(context: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    if asked:
        click.echo(f"stm32emu {_version_of('stm32emu')}, Unicorn {_version_of('unicorn')}")
        context.exit()


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Print the version."
)
def cli() -> None:
    """Run unmodified STM32F4 firmware and put its network ports on this machine."""


def _accept_debug(command: click.Command) -> None:
    """Let a command have --debug, which `_say` looks for, unless it has it already."""
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        _accept_debug(each)
    if not any("--debug" in parameter.opts for parameter in command.params):
        command.params.append(
            click.Option(["--debug"], is_flag=True, expose_value=False, help="Show a traceback with every error.")
        )


for command in (run, replay, explain, atlas, info, chips, faults, peripherals, doctor, serve, compare):
    cli.add_command(command)
    _accept_debug(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with one of EXIT_CODES; every error is one sentence on stderr."""
    _open_closed_outputs()
    code = _run(list(sys.argv[1:] if arguments is None else arguments))
    if arguments is None:
        # The process is ours: end it at once. Python's tidying up takes longer than Ctrl-C may.
        with suppress(OSError):  # nobody can be told
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _open_closed_outputs() -> None:
    """Let what a shell has closed (>&-) lead nowhere, so that no file of ours gets its number."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        continue
    os.close(descriptor)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def _run(words: list[str]) -> int:
    # Not cli.main(): it has opinions of its own on Ctrl-C, closed pipes and exit codes.
    try:
        with cli.make_context("stm32emu", words or ["--help"]) as context:
            code: int | None = cli.invoke(context)
            sys.stdout.flush()
            return code or 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output is gone; leave without Python's complaint about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OUTPUT_CLOSED
    except click.ClickException as error:
        return _say(UserError(f"{_clause(error.format_message())}; `stm32emu --help` says what there is"), words)
    except StmError as error:
        return _say(error, words)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) and error.filename is None
        return _say(UserError(f"the output cannot be written ({error.strerror})") if full else _defect(error), words)
    except Exception as error:
        return _say(_defect(error), words)


def _say(error: StmError, words: list[str]) -> int:
    with suppress(OSError):  # with stderr full or gone, the exit code has to do
        if "--debug" in words:
            traceback.print_exception(error)
        click.echo(f"stm32emu: {error.sentence}", err=True)
    return error.exit_code


def _clause(message: str) -> str:
    """A sentence of click's as the beginning of one of ours."""
    return message[:1].lower() + message[1:].rstrip(".")


def _defect(error: Exception) -> InternalError:
    """An exception that nothing foresaw, as a request for a report."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    defect = InternalError(
        f"internal error ({type(error).__name__}: {error}{place}); this is a defect of stm32emu, not of the firmware: "
        "please report it with the output of the same command plus --debug"
    )
    defect.__cause__ = error
    return defect
