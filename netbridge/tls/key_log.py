# SPDX-License-Identifier: GPL-2.0-or-later
"""Key logs in NSS's format (SSLKEYLOGFILE), as far as TLS 1.2 goes: master secrets by the client's random."""

from __future__ import annotations

import re

LINE = re.compile(rb"^CLIENT_RANDOM ([0-9a-fA-F]{64}) ([0-9a-fA-F]{96})\s*$", re.MULTILINE)


def parse_key_log(text: bytes) -> dict[bytes, bytes]:
    """All secrets in a log; lines of other kinds are for others."""
    return {bytes.fromhex(row[1].decode()): bytes.fromhex(row[2].decode()) for row in LINE.finditer(text)}
