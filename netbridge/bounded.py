# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading a user's file that may be of any size, or have no end, as /dev/zero."""

from __future__ import annotations

import errno
import os
from pathlib import Path

PIECE = 1 << 20
MOST_BYTES = 16 << 20
"""Of a certificate, a key, a header."""


def read_bounded(path: Path, most: int = MOST_BYTES) -> bytes:
    """The contents of `path`. Raises OSError, EFBIG for a file of more than `most` bytes."""
    pieces: list[bytes] = []
    size = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return b"".join(pieces)
