# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu replay`: a recorded run again."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from stm32emu.cli.run import parameter
from stm32emu.options import OPTIONS


def _replay(recording: str, elf: str | None, **words: Any) -> int:
    """Rerun a RECORDING that `stm32emu run --record` wrote, without network and wall clock, and say whether it ends in
    the same state. FIRMWARE.ELF is needed only when the file is no longer where it was."""
    from stm32emu.cli.play import play
    from stm32emu.replay import Replay

    return play(partial(Replay, Path(recording), Path(elf) if elf else None, words))


replay = click.Command(
    "replay",
    callback=_replay,
    params=[
        click.Argument(["recording"], metavar="RECORDING"),
        click.Argument(["elf"], metavar="[FIRMWARE.ELF]", required=False),
        *(parameter(option) for option in OPTIONS if option.observer),
    ],
    help=_replay.__doc__,
)
