# SPDX-License-Identifier: GPL-2.0-or-later
"""Records that the Python TLS server must not decrypt, and that it refuses all by the same alert (RFC 5246 6.2.3.2)."""

from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from stm32emu.netbridge.tls.names import APPLICATION_DATA, HANDSHAKE
from stm32emu.netbridge.tls.suites import SUITES
from stm32emu.netbridge.tls.twin.alerts import BadRecordMacError
from stm32emu.netbridge.tls.twin.ciphers import CBC as CBC_MODE
from stm32emu.netbridge.tls.twin.ciphers import CIPHERS, Cipher
from stm32emu.netbridge.tls.twin.drbg import SeededSource
from stm32emu.netbridge.tls.twin.keys import DirectionKeys
from stm32emu.netbridge.tls.twin.protection import Protection, protection

TEXT = b"content"
BLOCK = 16


def keys_of(cipher: Cipher) -> DirectionKeys:
    source = SeededSource(b"keys")
    return DirectionKeys(source(cipher.mac_size), source(cipher.key_size), source(cipher.salt_size))


def reader(cipher: Cipher, outside: bool) -> Protection:
    return protection(cipher, keys_of(cipher), outside, SeededSource(b"iv"))


def opens(records: Protection, fragment: bytes, kind: int = APPLICATION_DATA) -> bool:
    try:
        records.open(kind, fragment)
    except BadRecordMacError:
        return False
    return True


def mac(cipher: Cipher, content: bytes, number: int = 0) -> bytes:
    """Of a record of application data."""
    header = number.to_bytes(8, "big") + bytes((APPLICATION_DATA, 3, 3)) + len(content).to_bytes(2, "big")
    return hmac.digest(keys_of(cipher).mac, header + content, cipher.mac)


def encrypt(cipher: Cipher, blocks: bytes) -> bytes:
    iv = bytes(range(BLOCK))
    return iv + BlockCipher(AES(keys_of(cipher).key), CBC(iv)).encryptor().update(blocks)


def padding(content: bytes, more: int = 0) -> bytes:
    """The least that fills the last block, and so many blocks `more`."""
    count = BLOCK - len(content) % BLOCK + BLOCK * more
    return bytes((count - 1,)) * count


def altered(data: bytes, at: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


cbc_ciphers = pytest.mark.parametrize(
    "cipher",
    dict.fromkeys(cipher for cipher in CIPHERS.values() if cipher.mode == CBC_MODE),
    ids=lambda cipher: f"{cipher.key_size}-{cipher.mac}",
)


@cbc_ciphers
@pytest.mark.parametrize("more", [0, 1, 15])
def test_mac_then_encrypt(cipher: Cipher, more: int) -> None:
    """With padding of any length, up to 255 bytes and its length."""
    content = TEXT + mac(cipher, TEXT)
    more = min(more, (255 - len(padding(content))) // BLOCK)
    assert reader(cipher, False).open(APPLICATION_DATA, encrypt(cipher, content + padding(content, more))) == TEXT


@cbc_ciphers
def test_mac_then_encrypt_refuses(cipher: Cipher) -> None:
    """Whether it is the padding, the MAC, the length or the kind, by the same alert."""
    content = TEXT + mac(cipher, TEXT)
    good = content + padding(content)
    blocks = {
        "a MAC with one bit wrong": altered(content, -1) + padding(content),
        "a content with one bit wrong": altered(good, 0),
        "padding with one bit wrong": altered(good, -2),
        "padding one byte too long": good[:-1] + bytes((good[-1] + 1,)),
        "padding longer than the record": good[:-1] + b"\xff",
        "padding that takes the place of the MAC": bytes((BLOCK * 4 - 1,)) * BLOCK * 4,
        "the MAC of the next record": TEXT + mac(cipher, TEXT, 1) + padding(content),
    }
    fragments = {what: encrypt(cipher, plain) for what, plain in blocks.items()}
    whole = encrypt(cipher, good)
    fragments |= {"a byte too few": whole[:-1], "no block": whole[:BLOCK], "nothing": b""}
    assert [what for what, fragment in fragments.items() if opens(reader(cipher, False), fragment)] == []
    assert not opens(reader(cipher, False), whole, HANDSHAKE)


@cbc_ciphers
def test_encrypt_then_mac_refuses(cipher: Cipher) -> None:
    """RFC 7366: the MAC decides, and comes first; padding that is wrong under a right MAC is refused as well."""
    sealed = encrypt(cipher, TEXT + padding(TEXT))
    whole = sealed + mac(cipher, sealed)
    assert reader(cipher, True).open(APPLICATION_DATA, whole) == TEXT
    content = TEXT + mac(cipher, TEXT)
    bad_padding = encrypt(cipher, altered(TEXT + padding(TEXT), -2))
    fragments = {
        "a MAC with one bit wrong": altered(whole, -1),
        "an IV with one bit wrong": altered(whole, 0),
        "the MAC of the next record": sealed + mac(cipher, sealed, 1),
        "no encryption": TEXT + mac(cipher, TEXT),
        "padding with one bit wrong": bad_padding + mac(cipher, bad_padding),
        "MAC, then encrypt": encrypt(cipher, content + padding(content)),
        "a byte too few": whole[:-1],
        "a MAC of nothing": mac(cipher, b""),
        "nothing": b"",
    }
    assert [what for what, fragment in fragments.items() if opens(reader(cipher, True), fragment)] == []


@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("code", CIPHERS, ids=lambda code: SUITES[code].openssl)
def test_records_in_another_order_are_refused(code: int, outside: bool) -> None:
    """Repeated, or left out."""
    cipher = CIPHERS[code]
    writer = reader(cipher, outside)
    first, second = (writer.seal(APPLICATION_DATA, text) for text in (b"first", b"second"))
    again = reader(cipher, outside)
    assert again.open(APPLICATION_DATA, first) == b"first"
    assert not opens(again, first)
    assert not opens(reader(cipher, outside), second)
