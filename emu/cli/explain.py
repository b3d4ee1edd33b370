# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu explain`: the TLS connections of a capture."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("capture", type=Path, metavar="CAPTURE")
@click.option("--cert", type=Path, metavar="FILE", help="The device's certificate, for captures that do not show it.")
@click.option("--key", type=Path, metavar="FILE", help="The device's private key, to compare with who signed.")
@click.option("--ca", type=Path, metavar="FILE", help="The CA that clients trust.")
@click.option("--config", type=Path, metavar="CONFIG.H", help="The device's mbedTLS configuration.")
@click.option("--keylog", type=Path, metavar="FILE", help="Secrets of the connections, to verify Finished with.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def explain(
    capture: Path, cert: Path | None, key: Path | None, ca: Path | None, config: Path | None,
    keylog: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Say what happened to the TLS connections in CAPTURE (pcap or pcapng, of a board or a run) and what is wrong."""
    from stm32emu.capture_file import Known, explain_capture
    from stm32emu.netbridge.tls.explainer import Report

    def say(report: Report) -> None:
        if not as_json:
            click.echo(report.text)

    found = explain_capture(capture, Known(cert, key, ca, config, keylog), say)
    if as_json:
        click.echo(json.dumps(found, indent=2))
