# SPDX-License-Identifier: GPL-2.0-or-later
"""Bulk data through the TLS server and back, byte for byte. STM32EMU_BULK: how many bytes; `make bulk` has 16 MB."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import twin_bulk
from stm32emu.netbridge.tls.suites import SUITES
from stm32emu.netbridge.tls.twin.policy import Policy
from tls_exchange import PATIENCE
from twin_clients import Visit
from twin_server import Authority, Twin, identity_of, make_site, serving

SIZE = int(os.environ.get("STM32EMU_BULK", 1 << 19))
TEXT = random.Random(16).randbytes(SIZE)
SAMPLES = (0xC02B, 0xCCA9, 0xC024)  # an AEAD of each kind, and CBC


@pytest.fixture(scope="module")
def twin(authority: Authority) -> Iterator[Twin]:
    """It sends back what it gets."""
    leaf = authority.issue("localhost", ec.generate_private_key(ec.SECP256R1()))
    with serving(make_site([identity_of(leaf)]), echo=True, patience=PATIENCE) as running:
        yield running


@pytest.fixture(params=SAMPLES, ids=lambda code: SUITES[code].openssl)
def visit(request: pytest.FixtureRequest, twin: Twin, authority: Authority) -> Visit:
    """To the server, which has one suite only."""
    twin.site.policy = Policy(suites=(request.param,))
    return Visit(twin.port, authority.root.crt)


@pytest.mark.parametrize("name", twin_bulk.CLIENTS)
def test_what_is_sent_comes_back(name: str, visit: Visit) -> None:
    assert twin_bulk.CLIENTS[name](visit, TEXT) == TEXT


def test_what_ssl_client2_sends_comes_back(visit: Visit) -> None:
    said, heard = twin_bulk.ssl_client2(visit, SIZE)
    assert sum(map(len, said)) >= SIZE
    assert heard == said
