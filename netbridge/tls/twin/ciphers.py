# SPDX-License-Identifier: GPL-2.0-or-later
"""The ciphers that the TLS server can use: what the second half of a suite's name stands for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from stm32emu.netbridge.tls.suites import SUITES

GCM, CHACHA, CBC = "AES-GCM", "ChaCha20-Poly1305", "AES-CBC"
_SALT_SIZES = {GCM: 4, CHACHA: 12, CBC: 0}
"""Bytes of nonce that come from the key block (RFC 5288 section 3, RFC 7905 section 2)."""


@dataclass(frozen=True, slots=True)
class Cipher:
    """`mac` is the hash of CBC's HMAC, "" for AEADs; `prf_hash` that of the PRF. Both are hashlib's names."""

    mode: str
    key_size: int
    mac: str
    prf_hash: str

    @property
    def mac_size(self) -> int:
        """Bytes of a MAC, and of its key."""
        return hashlib.new(self.mac).digest_size if self.mac else 0

    @property
    def salt_size(self) -> int:
        """Bytes of nonce that both sides derive."""
        return _SALT_SIZES[self.mode]


_CIPHERS = {
    "AES_128_GCM_SHA256": Cipher(GCM, 16, "", "sha256"),
    "AES_256_GCM_SHA384": Cipher(GCM, 32, "", "sha384"),
    "CHACHA20_POLY1305_SHA256": Cipher(CHACHA, 32, "", "sha256"),
    "AES_128_CBC_SHA256": Cipher(CBC, 16, "sha256", "sha256"),
    "AES_256_CBC_SHA384": Cipher(CBC, 32, "sha384", "sha384"),
    "AES_128_CBC_SHA": Cipher(CBC, 16, "sha1", "sha256"),
    "AES_256_CBC_SHA": Cipher(CBC, 32, "sha1", "sha256"),
}

CIPHERS = {
    code: _CIPHERS[suite.cipher]
    for code, suite in SUITES.items()
    if suite.exchange in ("ECDHE_ECDSA", "ECDHE_RSA") and suite.cipher in _CIPHERS
}
"""By the codes of the suites that the server has; those with SHA-1 only for devices that are configured for them."""
