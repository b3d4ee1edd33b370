# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu compare`: the healthy device negotiates what its twin does, and of every variant the fault is named."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from runs import IMAGES, PATIENCE, ROOT, Run
from stm32emu import comparison
from stm32emu.cli.serve import make_options
from stm32emu.comparison import Client, Network, evidence_of
from stm32emu.errors import GuestError
from stm32emu.netbridge.tls.difference import first_difference, steps
from stm32emu.netbridge.tls.listener import Listener
from stm32emu.options import RunOptions
from stm32emu.twin import make_site
from symptoms import CERTS, HOST, IN_2021

CONFIG = ROOT / "images/tls_server/mbedtls_config.h"
WORDS = {
    "config": CONFIG,
    "mbedtls": None,
    "folders": (),
    "ca": CERTS / "ca.crt",
    "client_auth": "optional",
    "certs": (CERTS / "server5.crt",),
    "keys": (CERTS / "server5.key",),
    "alpn": "",
    "fault": "",
}
TWIN = (
    *("--config", str(CONFIG), "--ca", str(CERTS / "ca.crt")),
    *("--cert", str(CERTS / "server5.crt"), "--key", str(CERTS / "server5.key"), "--client-auth", "optional"),
)
CLIENT_FILES = (f"ca_file={CERTS}/ca.crt", f"crt_file={CERTS}/client.crt", f"key_file={CERTS}/client.key")
SSL_CLIENT2 = (str(HOST / "ssl_client2"), "server_addr={host}", "server_port={port}", "server_name=localhost")
REQUEST = "the file with a request"
NSS = ("tstclnt", "-h", "{host}", "-p", "{port}", "-D", "-o", "-O")  # -O: else a slow server confuses it
OPENSSL = ("openssl", "s_client", "-connect", "{address}")
PYTHON = """
import socket, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as raw, context.wrap_socket(raw) as tls:
    tls.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    while tls.recv(4096):
        pass
"""

CLIENTS: dict[str, Sequence[str]] = {
    "openssl": OPENSSL,
    "openssl, with a certificate": (*OPENSSL, "-cert", str(CERTS / "client.crt"), "-key", str(CERTS / "client.key")),
    "openssl, the other suite": (*OPENSSL, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    "openssl, secp256r1, SHA-512": (*OPENSSL, "-curves", "P-256", "-sigalgs", "ECDSA+SHA512"),
    "openssl, max_fragment_length": (*OPENSSL, "-maxfraglen", "1024"),
    "openssl, nothing in common": (*OPENSSL, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"),
    "ssl_client2": (*IN_2021, *SSL_CLIENT2, *CLIENT_FILES),
    "ssl_client2, which finds the certificate expired": SSL_CLIENT2,
    "curl": ("curl", "-sk", "https://{address}/"),
    "gnutls-cli": ("gnutls-cli", "--insecure", "-p", "{port}", "{host}"),
    "python": (sys.executable, "-c", PYTHON, "{port}"),
    "nss": (*NSS, "-A", REQUEST),
}


def compare(image: str, client: Sequence[str], *words: str) -> tuple[int, str]:
    """Exit code and output of `stm32emu compare`."""
    command = [sys.executable, "-m", "stm32emu", "compare", str(IMAGES / f"{image}.elf"), *(words or TWIN)]
    done = subprocess.run(
        [*command, "--patience", "30", "--", *client], capture_output=True, text=True, timeout=3 * PATIENCE
    )
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("waiting for the firmware")]
    assert not complaints, done.stderr
    return done.returncode, done.stdout


def test_a_firmware_that_never_listens(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for is said, once, and in the end what may be wrong."""
    monkeypatch.setattr(comparison, "QUIET", 0.0)
    monkeypatch.setattr(comparison, "LISTEN_PATIENCE", 0.5)
    said: list[str] = []
    options = RunOptions(IMAGES / "uart_hello.elf")
    device = comparison.DeviceRun(options, 4433, lambda line: None, said.append)
    with pytest.raises(GuestError, match=r"never listened on port 4433: after 0.5 s .* name its port with --port"):
        device.observe(network, Client(OPENSSL, PATIENCE))
    assert said == ["waiting for the firmware to listen on port 4433, up to 0.5 s ..."]


@pytest.fixture(scope="module")
def network() -> Network:
    return Network()


@pytest.fixture(scope="module")
def twin_port(network: Network) -> int:
    """A twin of the device, as `stm32emu compare` makes it."""
    return network.serve(Listener(make_site(make_options(None, **WORDS)), lambda line: None))


@pytest.mark.parametrize("name", CLIENTS)
def test_the_healthy_device_negotiates_what_its_twin_does(
    name: str, network: Network, twin_port: int, tls_server: Run, tmp_path: Path
) -> None:
    request = tmp_path / "request"
    request.write_bytes(b"GET / HTTP/1.0\r\n\r\n")
    client = Client([str(request) if word == REQUEST else word for word in CLIENTS[name]], PATIENCE)
    at_device, at_twin = (evidence_of(network.observe(client, port)) for port in (tls_server.port(), twin_port))
    assert len(steps(at_device)) > 1
    assert first_difference(at_device, at_twin) is None


HEALTHY = ("tls_server", "tls_server-newlib", "tls_server-O2", "tls_server-hardware-rng", "tls_server-leak")
"""The last one in its first connections, too."""


@pytest.mark.parametrize("image", HEALTHY)
def test_the_command_says_so_too(image: str) -> None:
    code, text = compare(image, OPENSSL)
    assert (code, text.splitlines()[-1]) == (0, "no difference"), text


def test_the_firmware_alone_makes_its_twin() -> None:
    """Certificates and key are found in it."""
    config = ("--config", str(CONFIG), "--client-auth", "optional")
    assert compare("tls_server", OPENSSL, *config)[0] == 0


LIMIT = ("-maxfraglen", "512")
VARIANTS: dict[str, tuple[Sequence[str], str]] = {
    "calloc-fresh": ((), "ServerKeyExchange, point"),
    "calloc-dirty": ((), "ServerKeyExchange"),
    "calloc-shared": ((), "ServerKeyExchange"),
    "newlib-calloc": ((), "ServerKeyExchange, point"),
    "O0-calloc-dirty": ((), "ServerKeyExchange"),
    "O2-calloc-dirty": ((), "ServerKeyExchange"),
    "wrong-key": ((), "ServerKeyExchange, signature"),
    "chain": ((), "Certificate"),
    "small-heap": ((), "ServerKeyExchange"),
    "small-stack": ((), "ServerKeyExchange"),
    "bit-flip-2000": ((), "ServerKeyExchange, point"),
    "p521": ((), "ServerKeyExchange, curve"),
    "ignored-limit": (LIMIT, "Certificate, bytes of its longest record"),
    "expired": ((), "Certificate, certificate 1"),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_wrong_with_a_variant_is_named(variant: str) -> None:
    more, title = VARIANTS[variant]
    code, text = compare(f"tls_server-{variant}", (*OPENSSL, *more))
    found = re.search(r"^first difference: (.*)$", text, re.MULTILINE)
    assert found is not None, text
    assert (code, found[1]) == (1, title), text


BAD_WORDS = {
    "which client? write it after --": (),
    "the client no-such-client cannot be started": ("no-such-client", "{port}"),
    "the client did not connect": ("true",),
    "the client began no TLS handshake": ("curl", "-s", "http://{address}/"),
}


def test_an_option_that_there_is_not() -> None:
    command = [sys.executable, "-m", "stm32emu", "compare", "firmware.elf", "--wat", "--", "true"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no such option '--wat'" in done.stderr


@pytest.mark.parametrize("sentence", BAD_WORDS)
def test_bad_commands(sentence: str) -> None:
    command = [sys.executable, "-m", "stm32emu", "compare", str(IMAGES / "tls_server.elf"), *TWIN, "--"]
    done = subprocess.run([*command, *BAD_WORDS[sentence]], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
