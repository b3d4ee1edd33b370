# SPDX-License-Identifier: GPL-2.0-or-later
"""A twin by mbedTLS's own config.h against mbedTLS's own server, ssl_server2: clients negotiate the same with both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from native_server import CERTS, ssl_server2
from stm32emu.comparison import Client, Network, evidence_of
from stm32emu.netbridge.tls.difference import first_difference, steps
from stm32emu.netbridge.tls.listener import Listener
from stm32emu.netbridge.tls.twin.policy import ClientAuth
from stm32emu.twin import TwinOptions, make_site
from tls_exchange import PATIENCE

INCLUDE = Path(__file__).resolve().parents[2] / "images" / "build" / "src" / "mbedtls" / "include"

OPENSSL = ("openssl", "s_client", "-connect", "{address}", "-tls1_2")
CLIENTS: dict[str, Sequence[str]] = {
    "openssl": OPENSSL,
    "with a certificate": (*OPENSSL, "-cert", f"{CERTS}/client.crt", "-key", f"{CERTS}/client.key"),
    "SHA-512": (*OPENSSL, "-sigalgs", "ECDSA+SHA512:ECDSA+SHA256"),
    "SHA-1 only": (*OPENSSL, "-sigalgs", "ECDSA+SHA1", "-cipher", "ALL:@SECLEVEL=0"),
    "secp521r1": (*OPENSSL, "-groups", "P-256:P-521"),
    "x25519": (*OPENSSL, "-groups", "X25519:P-256"),
    "x448": (*OPENSSL, "-groups", "X448:X25519"),
    "brainpoolP512r1": (*OPENSSL, "-groups", "brainpoolP512r1:P-256"),
    "AES-CBC": (*OPENSSL, "-cipher", "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA"),
    "ChaCha20": (*OPENSSL, "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305"),
    "max_fragment_length": (*OPENSSL, "-maxfraglen", "4096"),
    "no tickets": (*OPENSSL, "-no_ticket"),
    "ALPN": (*OPENSSL, "-alpn", "h2"),
    "no suite in common": (*OPENSSL, "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"),
    "gnutls-cli": ("gnutls-cli", "--insecure", "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2", "-p", "{port}", "{host}"),
    "curl": ("curl", "-sk", "--tls-max", "1.2", "https://{address}/"),
}


@pytest.fixture(scope="module")
def native_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    words = (f"ca_file={CERTS}/ca.crt", "auth_mode=optional", "tickets=1")
    with ssl_server2(tmp_path_factory.mktemp("native"), *words) as port:
        yield port


@pytest.fixture(scope="module")
def network() -> Network:
    return Network()


@pytest.fixture(scope="module")
def twin_port(network: Network) -> int:
    options = TwinOptions(
        certs=(CERTS / "server5.crt",),
        keys=(CERTS / "server5.key",),
        ca=CERTS / "ca.crt",
        config=INCLUDE / "mbedtls" / "config.h",
        folders=(INCLUDE,),
        client_auth=ClientAuth.OPTIONAL,
    )
    return network.serve(Listener(make_site(options), lambda line: None))


@pytest.mark.parametrize("name", CLIENTS)
def test_they_negotiate_the_same(name: str, network: Network, native_port: int, twin_port: int) -> None:
    client = Client(CLIENTS[name], PATIENCE)
    native, twin = (evidence_of(network.observe(client, port)) for port in (native_port, twin_port))
    assert len(steps(native)) > 1
    assert first_difference(native, twin) is None
