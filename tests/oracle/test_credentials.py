# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates and keys that are found inside a firmware, and what it may present of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from authorities import Issued, finished, intermediate, leaf, root
from stm32emu.credentials import Credentials, credentials_in_file

ROOT = root().made()
MIDDLE = intermediate(ROOT).made()
LEAF = finished(leaf(MIDDLE)).made()
OLD = finished(leaf(MIDDLE).valid(2020, 2025)).made()

PROGRAM = """
void Reset_Handler(void) { for (;;) ; }
__attribute__((section(".isr_vector"), used)) static void (*const vectors[2])(void) = {
    (void (*)(void))0x20020000, Reset_Handler,
};
"""


def pem_of(*parts: Issued) -> bytes:
    return "".join(part.pem for part in parts).encode() + b"\0"


def key_of(part: Issued) -> bytes:
    return part.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def held(compile_firmware: Callable[..., Path], name: str, **objects: bytes) -> Credentials:
    """What is found in a firmware with these objects."""
    lines = [
        f'__attribute__((section(".isr_vector"), used)) const unsigned char {each}[] = {{{", ".join(map(str, data))}}};'
        for each, data in objects.items()
    ]
    return credentials_in_file(compile_firmware(name, PROGRAM + "\n".join(lines)))


def presented(credentials: Credentials) -> list[tuple[list[bytes], str]]:
    return [([each.der for each in one.chain], one.place) for one in credentials.presented]


def test_a_chain_in_pem_with_its_key(compile_firmware: Callable[..., Path]) -> None:
    found = held(compile_firmware, "chain", chain=pem_of(LEAF, MIDDLE), key=key_of(LEAF))
    assert presented(found) == [([LEAF.der, MIDDLE.der], "key")]
    assert found.roots == []


def test_single_certificates_in_der_and_their_root(compile_firmware: Callable[..., Path]) -> None:
    parts = {"root": ROOT.der, "middle": MIDDLE.der, "leaf": LEAF.der, "key": key_of(LEAF)}
    found = held(compile_firmware, "single", **parts)
    assert presented(found) == [([LEAF.der, MIDDLE.der], "key")]
    assert [each.der for each in found.roots] == [ROOT.der]


def test_two_certificates_for_one_key(compile_firmware: Callable[..., Path]) -> None:
    found = held(compile_firmware, "renewed", old=OLD.der, new=LEAF.der, again=LEAF.der, key=key_of(LEAF))
    assert presented(found) == [([OLD.der], "key"), ([LEAF.der], "key")]


def test_a_key_without_its_certificate(compile_firmware: Callable[..., Path]) -> None:
    """It is judged with the leaf, which shows that it is another's."""
    found = held(compile_firmware, "stranger", own=pem_of(LEAF, MIDDLE), key=key_of(ROOT))
    assert presented(found) == [([LEAF.der, MIDDLE.der], "key")]


def test_certificates_without_any_key(compile_firmware: Callable[..., Path]) -> None:
    found = held(compile_firmware, "keyless", chain=pem_of(LEAF, MIDDLE, ROOT))
    assert presented(found) == [([LEAF.der, MIDDLE.der], "")]
    assert presented(held(compile_firmware, "client", root=ROOT.der)) == [([ROOT.der], "")]
