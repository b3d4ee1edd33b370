# SPDX-License-Identifier: GPL-2.0-or-later
"""How a server behaves where it could misbehave: each method says or does the right thing, `faults` override one."""

from __future__ import annotations

from stm32emu.netbridge.tls.algorithms import Scheme
from stm32emu.netbridge.tls.messages import Certificate, EcdheKeyExchange, ServerHello
from stm32emu.netbridge.tls.twin import signing
from stm32emu.netbridge.tls.twin.protection import Protection, Random
from stm32emu.netbridge.tls.twin.signing import SigningKey


class Conduct:
    """A server without fault.

    Attributes:
        messages: how many handshake messages it says; None for all.
        hangs_up: what comes after those: it closes the connection, or is silent.
    """

    messages: int | None = None
    hangs_up = True

    def source(self, random: Random) -> Random:
        """Where one connection draws its random bytes from."""
        return random

    def hello(self, hello: ServerHello) -> ServerHello:
        """Its ServerHello."""
        return hello

    def record_limit(self, agreed: int) -> int:
        """Bytes of plaintext that it puts into a record, where so many are agreed on."""
        return agreed

    def certificate(self, message: Certificate) -> Certificate:
        """Its Certificate."""
        return message

    def point(self, group: int, point: bytes) -> tuple[int, bytes]:
        """Named curve and point of its ServerKeyExchange, which it then signs."""
        return group, point

    def sign(self, key: SigningKey, scheme: Scheme, data: bytes, random: Random) -> bytes:
        """The signature there."""
        return signing.sign(key, scheme, data)

    def key_exchange(self, message: EcdheKeyExchange) -> EcdheKeyExchange:
        """All of its ServerKeyExchange."""
        return message

    def premaster(self, secret: bytes) -> bytes:
        """The secret that it takes for agreed on."""
        return secret

    def finished(self, verify_data: bytes) -> bytes:
        """Its Finished."""
        return verify_data

    def writing(self, protection: Protection) -> Protection:
        """What encrypts its records."""
        return protection
