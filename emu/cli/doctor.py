# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu doctor`: what is wrong, and with what."""

from __future__ import annotations

import click

from stm32emu.cli.doctor_certs import doctor_certs
from stm32emu.cli.doctor_config import doctor_config
from stm32emu.cli.doctor_flash import doctor_flash


@click.group(invoke_without_command=True)
@click.option("--self", "itself", is_flag=True, help="Test that the installed Unicorn does what stm32emu relies on.")
@click.pass_context
def doctor(context: click.Context, itself: bool) -> None:
    """Examine what a device is made of, or with --self what a run depends on. Ends with 0 when all is well, 1 when
    something in a file is wrong, 2 when a file or the installed Unicorn cannot be used."""
    if not itself:
        if context.invoked_subcommand is None:
            click.echo(context.get_help())
        return
    from stm32emu.cpu import unicorn_version
    from stm32emu.selftest import self_test

    for what in self_test():
        click.echo(f"ok: {what}")
    click.echo(f"Unicorn {unicorn_version()} does what stm32emu relies on.")


for command in (doctor_certs, doctor_config, doctor_flash):
    doctor.add_command(command)
