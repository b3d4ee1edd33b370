# SPDX-License-Identifier: GPL-2.0-or-later
"""Many handshakes in a row under all checks: none fails, nothing leaks, nothing is found. STM32EMU_HANDSHAKES asks for
another number."""

from __future__ import annotations

import json
import os
from pathlib import Path

from runs import IMAGES, free_port, running
from test_tls_clients import client, page

HANDSHAKES = int(os.environ.get("STM32EMU_HANDSHAKES", "20"))


def test_handshakes_in_a_row(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    words = ["--port", f"{free_port()}:4433", "--check", "alloc,heap,stack", "--json", str(found)]
    with running(str(IMAGES / "tls_server.elf"), *words) as run:
        url = f"https://127.0.0.1:{run.port()}/"
        pages = [page(client("curl", "--silent", "--show-error", "--insecure", url)) for _ in range(HANDSHAKES)]
    counts = [int(each["handshakes"]) for each in pages]
    assert counts == list(range(1, HANDSHAKES + 1))
    assert len({each["free heap"] for each in pages}) == 1
    data = json.loads(found.read_text())
    assert data["findings"] == []
    assert data["heap"]["allocated"] < data["heap"]["most"]
    assert {stack["task"] for stack in data["stacks"]} == {None, "tls", "tcpip", "eth_rx", "IDLE"}
