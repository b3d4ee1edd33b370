# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu replay`: a recorded run again."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click


@click.command()
@click.argument("recording", metavar="RECORDING")
@click.argument("elf", metavar="[FIRMWARE.ELF]", required=False)
@click.option("--pcap", metavar="FILE", help="Write the Ethernet traffic, the same as the run's, to a pcapng file.")
@click.option("--debug", is_flag=True, help="Show a traceback with every error.")
def replay(recording: str, elf: str | None, pcap: str | None, debug: bool) -> int:
    """Rerun a RECORDING that `stm32emu run --record` wrote, without network and wall clock, and say whether it ends in
    the same state. FIRMWARE.ELF is needed only when the file is no longer where it was."""
    from stm32emu.cli.play import play
    from stm32emu.replay import Replay

    return play(partial(Replay, Path(recording), Path(elf) if elf else None, pcap=Path(pcap) if pcap else None))
