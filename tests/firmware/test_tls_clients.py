# SPDX-License-Identifier: GPL-2.0-or-later
"""Handshake and page with every client that users have; those that verify run at a clock of 2021."""

from __future__ import annotations

import re
import ssl
import subprocess

import pytest

from runs import PATIENCE, Run
from symptoms import CERTS, HOST, IN_2021, PAGE, REQUEST
from tls_exchange import connect, read_all

SUITES = {"TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384"}


def client(*command: str, send: bytes = REQUEST) -> str:
    """Run a client to its end; what it printed on both streams."""
    done = subprocess.run(command, input=send, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
    return done.stdout.decode(errors="replace")


def s_client(port: int, *options: str, before: tuple[str, ...] = ()) -> str:
    """openssl s_client, whose input stays open until the server closes."""
    command = [*before, "openssl", "s_client", "-ign_eof", "-connect", f"127.0.0.1:{port}", *options]
    return client(*command)


def page(text: str) -> dict[str, str]:
    """The page's fields; fails where there is no page."""
    assert PAGE in text, text
    return dict(re.findall(r"^([\w ]+): (.*?)\r?$", text, re.MULTILINE))


def test_openssl_s_client(tls_server: Run) -> None:
    text = s_client(tls_server.port())
    suite = page(text)["ciphersuite"]
    assert f"Cipher    : {SUITES[suite]}" in text
    assert "Protocol  : TLSv1.2" in text


def test_the_firmware_and_the_client_agree_on_what_was_negotiated(tls_server: Run) -> None:
    tls_server.console = ""
    text = s_client(tls_server.port())
    found = tls_server.wait_for(r"tls: (\S+), (\S+), (\S+), (\S+) with (\S+)", of=lambda: tls_server.console)
    version, suite, curve, key, digest = found.groups()
    assert (version, SUITES[suite]) == ("TLSv1.2", re.findall(r"Cipher    : (\S+)", text)[0])
    assert curve == re.findall(r"Server Temp Key: ECDH, (\w+)", text)[0]
    assert digest == re.findall(r"Peer signing digest: (\S+)", text)[0]
    assert key == re.findall(r"Peer signature type: (\S+)", text)[0]


def test_openssl_verifies_the_chain_in_2021(tls_server: Run) -> None:
    text = s_client(tls_server.port(), "-CAfile", str(CERTS / "ca.crt"), before=IN_2021)
    assert "Verify return code: 0 (ok)" in text
    page(text)


def test_the_threads_openssl_command(tls_server: Run) -> None:
    files = ["-cert", str(CERTS / "client.crt"), "-key", str(CERTS / "client.key"), "-CAfile", str(CERTS / "ca.crt")]
    text = s_client(tls_server.port(), "-crlf", *files, "-debug", before=IN_2021)
    assert "Verify return code: 0 (ok)" in text
    assert "Cipher    : ECDHE-ECDSA-AES256-GCM-SHA384" in text


def test_the_threads_ssl_client2_command(tls_server: Run) -> None:
    files = [f"ca_file={CERTS}/ca.crt", f"key_file={CERTS}/client.key", f"crt_file={CERTS}/client.crt"]
    where = ["server_addr=127.0.0.1", f"server_port={tls_server.port()}", "server_name=localhost"]
    text = client(*IN_2021, str(HOST / "ssl_client2"), *files, "debug_level=5", *where)
    page(text)
    assert re.search(r"Verifying peer X.509 certificate\.\.\..*ok", text)


def test_the_threads_cert_app_complains_about_the_name_only(tls_server: Run) -> None:
    where = ["server_name=127.0.0.1", f"server_port={tls_server.port()}"]
    text = client(*IN_2021, str(HOST / "cert_app"), f"ca_file={CERTS}/ca.crt", "mode=ssl", "permissive=1", *where)
    complaints = re.findall(r"^\s*! (.*)$", text, re.MULTILINE)
    name, consequence = complaints
    assert "Common Name (CN) does not match" in name
    assert consequence == "mbedtls_ssl_handshake returned -9984"  # X509_CERT_VERIFY_FAILED, for the name alone


def test_curl(tls_server: Run) -> None:
    done = client("curl", "--silent", "--show-error", "--insecure", f"https://127.0.0.1:{tls_server.port()}/")
    page(done)


def test_gnutls_cli(tls_server: Run) -> None:
    text = client("gnutls-cli", "--insecure", "--port", str(tls_server.port()), "127.0.0.1")
    assert "Handshake was completed" in text
    page(text)


def test_python_ssl(tls_server: Run) -> None:
    with connect(tls_server.port(), ssl.TLSVersion.MAXIMUM_SUPPORTED) as tls:
        tls.sendall(REQUEST[:7])
        tls.sendall(REQUEST[7:])
        received = read_all(tls).decode()
    assert page(received)["ciphersuite"] in SUITES


@pytest.mark.parametrize("count", [4])
def test_clients_at_once(tls_server: Run, count: int) -> None:
    command = ["curl", "--silent", "--show-error", "--insecure", f"https://127.0.0.1:{tls_server.port()}/"]
    clients = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(count)]
    for each in clients:
        page(each.communicate(timeout=PATIENCE)[0].decode())
