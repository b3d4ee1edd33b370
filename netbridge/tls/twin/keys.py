# SPDX-License-Identifier: GPL-2.0-or-later
"""Secrets of TLS 1.2: the PRF, master secrets, the key block and Finished (RFC 5246 sections 5, 6.3, 7.4.9 and 8.1)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from stm32emu.netbridge.tls.twin.ciphers import Cipher

MASTER_SECRET_SIZE = 48
VERIFY_DATA_SIZE = 12


def prf(hash_name: str, secret: bytes, label: bytes, seed: bytes, size: int) -> bytes:
    """`size` pseudo-random bytes (section 5). `hash_name` is hashlib's: "sha256" or "sha384"."""
    seed = label + seed
    output, chain = b"", seed
    while len(output) < size:
        chain = hmac.digest(secret, chain, hash_name)
        output += hmac.digest(secret, chain + seed, hash_name)
    return output[:size]


def master_secret(hash_name: str, premaster: bytes, client_random: bytes, server_random: bytes) -> bytes:
    """Of the two randoms (section 8.1)."""
    return prf(hash_name, premaster, b"master secret", client_random + server_random, MASTER_SECRET_SIZE)


def extended_master_secret(hash_name: str, premaster: bytes, transcript: bytes) -> bytes:
    """Of all messages up to and with ClientKeyExchange (RFC 7627 section 4)."""
    session_hash = hashlib.new(hash_name, transcript).digest()
    return prf(hash_name, premaster, b"extended master secret", session_hash, MASTER_SECRET_SIZE)


def verify_data(hash_name: str, master: bytes, sender: str, transcript: bytes) -> bytes:
    """A Finished message's body; `sender` is "client" or "server"."""
    digest = hashlib.new(hash_name, transcript).digest()
    return prf(hash_name, master, f"{sender} finished".encode(), digest, VERIFY_DATA_SIZE)


@dataclass(frozen=True, slots=True)
class DirectionKeys:
    """What one side writes with: MAC key (of CBC), cipher key, and the fixed part of the nonce (of AEADs)."""

    mac: bytes
    key: bytes
    salt: bytes


def key_block(
    cipher: Cipher, master: bytes, client_random: bytes, server_random: bytes
) -> tuple[DirectionKeys, DirectionKeys]:
    """The client's keys and the server's (section 6.3)."""
    sizes = [size for size in (cipher.mac_size, cipher.key_size, cipher.salt_size) for _ in range(2)]
    block = prf(cipher.prf_hash, master, b"key expansion", server_random + client_random, sum(sizes))
    parts = []
    for size in sizes:
        parts.append(block[:size])
        block = block[size:]
    return DirectionKeys(*parts[0::2]), DirectionKeys(*parts[1::2])
