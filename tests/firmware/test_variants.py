# SPDX-License-Identifier: GPL-2.0-or-later
"""Every faulty variant of the TLS server shows the symptoms that the manifest states, to both clients of the report.
The run explains it with the verdict that is stated there."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from runs import IMAGES, Run, free_port
from symptoms import lifetime, observe

MANIFEST = tomllib.loads((IMAGES.parent / "manifest.toml").read_text())
VARIANTS = {name: image["symptoms"] for name, image in MANIFEST["image"].items() if "symptoms" in image}
CONNECTIONS = int(os.environ.get("STM32EMU_CONNECTIONS", "2"))
SOMETIMES = {"tls_server-bit-flip-200000": "6"}
"""Faults that spare some handshakes, and a --seed with which three connections show both a good and a bad one."""


def connections(image: str, client: str, count: int, summary: Path) -> list[tuple[str, str]]:
    """(client's symptom, server's symptom) of up to `count` connections, none after one that hangs; `summary` is the
    run's JSON."""
    seen: list[tuple[str, str]] = []
    words = ["--port", f"{free_port()}:4433", "--seed", SOMETIMES.get(image, "0"), "--json", str(summary)]
    if "hangs" in str(VARIANTS[image]):
        words += ["--duration", lifetime(count)]
    run = Run(str(IMAGES / f"{image}.elf"), *words)
    try:
        while len(seen) < count and not (seen and seen[-1][1] in ("hangs", "faults")):
            seen.append(observe(run, client, VARIANTS[image].get("options", {}).get(client, [])))
    finally:
        code = run.end()
    assert code == {"hangs": 0, "faults": 1}.get(seen[-1][1], 130), run.log
    return seen


def allowed(symptoms: dict[str, Any], n: int) -> dict[str, list[str]]:
    """What connection number `n` may show, by client and for the server.

    A client that gives up with data unread resets the connection, and the reset may reach the server before it has
    looked at the alert: then it reports -0x0050 for -0x7780.
    """
    chosen = symptoms.get("first", symptoms.get("later")) if n == 0 else symptoms["later"]
    return {**chosen, "server": [*chosen["server"], *(["-0x0050"] if "-0x7780" in chosen["server"] else [])]}


@pytest.mark.parametrize("client", ["openssl", "ssl_client2"])
@pytest.mark.parametrize("image", VARIANTS)
def test_symptoms(image: str, client: str, tmp_path: Path) -> None:
    summary = tmp_path / "run.json"
    seen = connections(image, client, max(CONNECTIONS, 3 if image in SOMETIMES else 0), summary)
    for n, (at_client, at_server) in enumerate(seen):
        expected = allowed(VARIANTS[image], n)
        assert at_client in expected[client], (n, seen)
        assert at_server in expected["server"], (n, seen)
    verdict = json.loads(summary.read_text())["tls"]["verdict"]
    unnoticed = ["nothing-wrong"] if all(at_client == "page" for at_client, _ in seen) else []
    assert verdict["id"] in (*VARIANTS[image]["verdict"], *unnoticed), verdict
    if image in SOMETIMES:
        assert len({at_client == "page" for at_client, _ in seen}) == 2, seen
