# SPDX-License-Identifier: GPL-2.0-or-later
"""Many handshakes in a row: none fails and nothing leaks. STM32EMU_HANDSHAKES asks for another number."""

from __future__ import annotations

import os

from runs import Run
from test_tls_clients import client, page

HANDSHAKES = int(os.environ.get("STM32EMU_HANDSHAKES", "20"))


def test_handshakes_in_a_row(tls_server: Run) -> None:
    url = f"https://127.0.0.1:{tls_server.port()}/"
    pages = [page(client("curl", "--silent", "--show-error", "--insecure", url)) for _ in range(HANDSHAKES)]
    counts = [int(each["handshakes"]) for each in pages]
    assert counts == list(range(counts[0], counts[0] + HANDSHAKES))
    assert len({each["free heap"] for each in pages}) == 1
