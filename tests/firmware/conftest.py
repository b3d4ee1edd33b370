# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests of this folder share: a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runs import IMAGES, Run, free_port, running


@pytest.fixture(scope="session")
def tls_server() -> Iterator[Run]:
    """The healthy TLS server, listening on a free port."""
    with running(str(IMAGES / "tls_server.elf"), "--port", f"{free_port()}:4433") as run:
        run.port()
        yield run
