# SPDX-License-Identifier: GPL-2.0-or-later
"""Which host a certificate is for, against `openssl x509 -checkhost` and `-checkip`."""

from __future__ import annotations

import subprocess

import pytest

from authorities import Issued, Maker
from stm32emu.netbridge.tls.certificate import parse_certificate
from stm32emu.netbridge.tls.host_names import common_name_is_for, is_address, is_for, names_of

HOSTS = (
    "device.example", "DEVICE.example", "a.device.example", "b.a.device.example", "example", "device",
    "a.example", "192.168.0.254", "192.168.0.25", "fe80::1",
)  # fmt: skip
CERTIFICATES = {
    "a name": ("x", ("device.example",)),
    "a name in capitals": ("x", ("Device.Example",)),
    "two names": ("x", ("a.example", "device.example")),
    "a wildcard": ("x", ("*.device.example",)),
    "a wildcard of all": ("x", ("*.example",)),
    "a wildcard inside": ("x", ("a.*.example",)),
    "a wildcard alone": ("x", ("*",)),
    "an address": ("x", ("192.168.0.254",)),
    "an address of IPv6": ("x", ("fe80::1",)),
    "an address and a common name": ("device.example", ("192.168.0.254",)),
    "a name and another common name": ("a.example", ("device.example",)),
    "a common name": ("device.example", ()),
    "a wildcard as a common name": ("*.device.example", ()),
    "an address as a common name": ("192.168.0.254", ()),
}


def certificate(what: str) -> Issued:
    common, names = CERTIFICATES[what]
    maker = Maker(common)
    return (maker.names(*names) if names else maker).made()


def openssl_says(issued: Issued, host: str) -> bool:
    check = ["-checkip" if is_address(host) else "-checkhost", host]
    command = ["openssl", "x509", "-noout", *check]
    said = subprocess.run(command, input=issued.pem, capture_output=True, text=True, check=True).stdout
    return "does match" in said


@pytest.mark.parametrize("what", CERTIFICATES)
def test_the_same_hosts(what: str) -> None:
    issued = certificate(what)
    ours = parse_certificate(issued.der)
    agreed = {host: is_for(ours, host) or common_name_is_for(ours, host) for host in HOSTS}
    assert agreed == {host: openssl_says(issued, host) for host in HOSTS}


def test_a_dot_at_the_end_is_the_root() -> None:
    """A host may be asked for as an absolute name (RFC 1034 section 3.1)."""
    assert is_for(parse_certificate(certificate("a name").der), "device.example.")


def test_a_wildcard_is_no_empty_label() -> None:
    """OpenSSL takes a host with a dot in front for a question about a whole domain."""
    assert not is_for(parse_certificate(certificate("a wildcard").der), ".device.example")


def test_all_names() -> None:
    assert names_of(parse_certificate(certificate("two names").der)) == ["a.example", "device.example"]
    assert names_of(parse_certificate(certificate("a common name").der)) == ["device.example"]
    unreadable = Maker("device.example").extension("2.5.29.17", b"\x30\x02\x82\x05").made()
    assert names_of(parse_certificate(unreadable.der)) == ["device.example"]
