# SPDX-License-Identifier: GPL-2.0-or-later
"""Record protection (RFC 5246 section 6.2.3): AES-GCM (RFC 5288), ChaCha20-Poly1305 (RFC 7905), AES-CBC with HMAC, the
MAC inside or outside (RFC 7366).

A protection serves one direction and counts its records. `seal` returns a record's fragment, `open` its plaintext, or
raises BadRecordMacError, which does not tell what was wrong.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from stm32emu.netbridge.tls.names import TLS_1_2
from stm32emu.netbridge.tls.twin import ciphers
from stm32emu.netbridge.tls.twin.alerts import BadRecordMacError
from stm32emu.netbridge.tls.twin.ciphers import Cipher
from stm32emu.netbridge.tls.twin.keys import DirectionKeys

TAG_SIZE = 16
BLOCK_SIZE = 16
Random = Callable[[int], bytes]
"""So many random bytes."""


class Protection(Protocol):
    """One direction's."""

    def seal(self, kind: int, plaintext: bytes) -> bytes:
        """Encrypt a record of a content type."""

    def open(self, kind: int, fragment: bytes) -> bytes:
        """Decrypt one."""


class _Counter:
    """The sequence number, and what is authenticated besides the contents (section 6.2.3.3)."""

    def __init__(self) -> None:
        self._sequence = 0

    def step(self) -> bytes:
        """This record's number, in eight bytes."""
        self._sequence += 1
        return (self._sequence - 1).to_bytes(8, "big")


def _header(sequence: bytes, kind: int, size: int) -> bytes:
    return sequence + bytes((kind,)) + TLS_1_2.to_bytes(2, "big") + size.to_bytes(2, "big")


class GcmProtection:
    """AES-GCM: the nonce is the salt and eight bytes that are sent, here the sequence number, as mbedTLS has it."""

    _EXPLICIT = 8

    def __init__(self, keys: DirectionKeys) -> None:
        self._aead = AESGCM(keys.key)
        self._salt = keys.salt
        self._counter = _Counter()

    def seal(self, kind: int, plaintext: bytes) -> bytes:
        """The explicit nonce, ciphertext, tag."""
        sequence = self._counter.step()
        header = _header(sequence, kind, len(plaintext))
        return sequence + self._aead.encrypt(self._salt + sequence, plaintext, header)

    def open(self, kind: int, fragment: bytes) -> bytes:
        """With whatever nonce was sent."""
        size = len(fragment) - self._EXPLICIT - TAG_SIZE
        if size < 0:
            raise BadRecordMacError(f"{len(fragment)} bytes are no record of AES-GCM")
        nonce, sealed = fragment[: self._EXPLICIT], fragment[self._EXPLICIT :]
        try:
            return self._aead.decrypt(self._salt + nonce, sealed, _header(self._counter.step(), kind, size))
        except InvalidTag as error:
            raise BadRecordMacError("the tag is wrong") from error


class ChachaProtection:
    """ChaCha20-Poly1305: the nonce is the sequence number, exclusive-or the salt; nothing of it is sent."""

    def __init__(self, keys: DirectionKeys) -> None:
        self._aead = ChaCha20Poly1305(keys.key)
        self._salt = int.from_bytes(keys.salt, "big")
        self._counter = _Counter()

    def seal(self, kind: int, plaintext: bytes) -> bytes:
        """Ciphertext, tag."""
        sequence = self._counter.step()
        return self._aead.encrypt(self._nonce(sequence), plaintext, _header(sequence, kind, len(plaintext)))

    def open(self, kind: int, fragment: bytes) -> bytes:
        """The plaintext."""
        if len(fragment) < TAG_SIZE:
            raise BadRecordMacError(f"{len(fragment)} bytes are no record of ChaCha20-Poly1305")
        sequence = self._counter.step()
        try:
            header = _header(sequence, kind, len(fragment) - TAG_SIZE)
            return self._aead.decrypt(self._nonce(sequence), fragment, header)
        except InvalidTag as error:
            raise BadRecordMacError("the tag is wrong") from error

    def _nonce(self, sequence: bytes) -> bytes:
        return (self._salt ^ int.from_bytes(sequence, "big")).to_bytes(12, "big")


class _Cbc:
    """AES-CBC with an explicit IV and TLS's padding, before the question where the MAC goes."""

    def __init__(self, cipher: Cipher, keys: DirectionKeys, random: Random) -> None:
        self._key = AES(keys.key)
        self._mac_key, self._mac_name, self._mac_size = keys.mac, cipher.mac, cipher.mac_size
        self._random = random
        self._counter = _Counter()

    def _mac(self, header: bytes, content: bytes) -> bytes:
        return hmac.digest(self._mac_key, header + content, self._mac_name)

    def _encrypt(self, content: bytes) -> bytes:
        padding = BLOCK_SIZE - 1 - len(content) % BLOCK_SIZE
        iv = self._random(BLOCK_SIZE)
        encryptor = BlockCipher(self._key, CBC(iv)).encryptor()
        return iv + encryptor.update(content + bytes((padding,)) * (padding + 1))

    def _decrypt(self, fragment: bytes, least: int) -> bytes:
        """The content and its padding, which are at least `least` bytes."""
        if len(fragment) % BLOCK_SIZE or len(fragment) < BLOCK_SIZE + least:
            raise BadRecordMacError(f"{len(fragment)} bytes are no record of AES-CBC")
        decryptor = BlockCipher(self._key, CBC(fragment[:BLOCK_SIZE])).decryptor()
        return decryptor.update(fragment[BLOCK_SIZE:])


def _unpad(padded: bytes, least: int) -> tuple[bytes, bool]:
    """The content, of `least` bytes or more, and whether its padding is right; if not, as if it had one byte of it."""
    count = padded[-1] + 1
    fits = count <= len(padded) - least
    count = count if fits else 1
    right = hmac.compare_digest(padded[-count:], bytes((padded[-1],)) * count)
    count = count if right else 1
    return padded[:-count], fits and right


class CbcProtection(_Cbc):
    """MAC, then pad, then encrypt. A MAC is computed and compared whether or not the padding is right (6.2.3.2)."""

    def seal(self, kind: int, plaintext: bytes) -> bytes:
        """The IV, and the encrypted content, MAC and padding."""
        return self._encrypt(plaintext + self._mac(_header(self._counter.step(), kind, len(plaintext)), plaintext))

    def open(self, kind: int, fragment: bytes) -> bytes:
        """The content."""
        content, padded_well = _unpad(self._decrypt(fragment, self._mac_size + 1), self._mac_size)
        plaintext, mac = content[: -self._mac_size], content[-self._mac_size :]
        expected = self._mac(_header(self._counter.step(), kind, len(plaintext)), plaintext)
        if not hmac.compare_digest(mac, expected) or not padded_well:
            raise BadRecordMacError("MAC or padding are wrong")
        return plaintext


class EncryptThenMacProtection(_Cbc):
    """Pad, then encrypt, then MAC what is sent (RFC 7366)."""

    def seal(self, kind: int, plaintext: bytes) -> bytes:
        """The IV, the encrypted content and padding, and the MAC."""
        sealed = self._encrypt(plaintext)
        return sealed + self._mac(_header(self._counter.step(), kind, len(sealed)), sealed)

    def open(self, kind: int, fragment: bytes) -> bytes:
        """The content; nothing is decrypted unless the MAC is right."""
        sealed, mac = fragment[: -self._mac_size], fragment[-self._mac_size :]
        expected = self._mac(_header(self._counter.step(), kind, len(sealed)), sealed)
        if not hmac.compare_digest(mac, expected):
            raise BadRecordMacError("the MAC is wrong")
        content, padded_well = _unpad(self._decrypt(sealed, BLOCK_SIZE), 0)
        if not padded_well:
            raise BadRecordMacError("the padding is wrong")
        return content


def protection(cipher: Cipher, keys: DirectionKeys, encrypt_then_mac: bool, random: Random) -> Protection:
    """One direction's, for a cipher; `encrypt_then_mac` is what was agreed on, and counts for CBC only."""
    if cipher.mode == ciphers.GCM:
        return GcmProtection(keys)
    if cipher.mode == ciphers.CHACHA:
        return ChachaProtection(keys)
    return (EncryptThenMacProtection if encrypt_then_mac else CbcProtection)(cipher, keys, random)
