# SPDX-License-Identifier: GPL-2.0-or-later
"""Conversations with the Python TLS server in memory: OpenSSL's client, and its flights to be said again."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.certificate import parse_certificate
from stm32emu.netbridge.tls.cursor import attempt, uints
from stm32emu.netbridge.tls.extensions import Extension
from stm32emu.netbridge.tls.handshake import RawMessage
from stm32emu.netbridge.tls.messages import ClientHello, ServerHello
from stm32emu.netbridge.tls.records import MAX_PLAINTEXT, Record
from stm32emu.netbridge.tls.server import Closed, Event, Server
from stm32emu.netbridge.tls.twin.conduct import Conduct
from stm32emu.netbridge.tls.twin.drbg import SeededSource
from stm32emu.netbridge.tls.twin.identity import Identity, make_identity
from stm32emu.netbridge.tls.twin.policy import Policy
from stm32emu.netbridge.tls.twin.resumption import TicketSealer
from stm32emu.netbridge.tls.twin.site import Site
from tls_exchange import MemoryClient
from tls_samples import client_context, identity

NOW = 1_700_000_000
GROUPS = Extension(names.SUPPORTED_GROUPS, uints(2, 2, (29, 23)))
SCHEMES = Extension(names.SIGNATURE_ALGORITHMS, uints(2, 2, (0x0403, 0x0401)))
HELLO = ClientHello(names.TLS_1_2, bytes(32), b"", (0xC02B, 0xC02F), b"\0", (GROUPS, SCHEMES))
Prepare = Callable[[ssl.SSLContext], None]


@cache
def identities() -> tuple[Identity, ...]:
    """One with a key on secp256r1, one with an RSA key."""
    made = (identity(ec.generate_private_key(ec.SECP256R1())), identity(rsa.generate_private_key(65537, 2048)))
    return tuple(make_identity([parse_certificate(each.der)], each.key) for each in made)


def make_server(policy: Policy | None = None, conduct: Conduct | None = None, seed: bytes = b"seed") -> Server:
    """One whose every number follows from the seed."""
    source = SeededSource(seed)
    site = Site(identities(), policy or Policy(), TicketSealer(source), conduct or Conduct())
    return Server(site, source, NOW)


class Client(MemoryClient):
    """One that also talks after its handshake."""

    def __init__(self, prepare: Prepare = lambda context: None, session: ssl.SSLSession | None = None) -> None:
        context = client_context()
        prepare(context)
        super().__init__(context, session)

    def say(self, data: bytes) -> bytes:
        """Application data, as records."""
        self.tls.write(data)
        return self._output.read()

    def goodbye(self) -> bytes:
        """Its close_notify."""
        with suppress(ssl.SSLError):
            self.tls.unwrap()
        return self._output.read()

    def hear(self, records: bytes) -> bytes:
        """The application data in some records."""
        self._input.write(records)
        heard = b""
        with suppress(ssl.SSLWantReadError):
            while data := self.tls.read(1 << 16):
                heard += data
        return heard


def converse(server: Server, client: Client) -> list[bytes]:
    """A handshake, and "hello" from the client: the client's flights."""
    flights, data = [], b""
    while (flight := client.flight(data)) and not _closed(server.receive(flight)):
        flights.append(flight)
        data = server.take_output()
    if server.state.name == "OPEN":
        flights.append(client.say(b"hello"))
        server.receive(flights[-1])
    return flights


def _closed(events: list[Event]) -> bool:
    return any(isinstance(event, Closed) for event in events)


def record(kind: int, fragment: bytes, version: int = names.TLS_1_2) -> bytes:
    """In the clear."""
    return Record(kind, version, len(fragment), fragment).emit()


def with_extension(kind: int, data: bytes, hello: ClientHello = HELLO) -> ClientHello:
    """In place of the one it has, if it has one."""
    kept = [extension for extension in hello.extensions if extension.type != kind]
    return replace(hello, extensions=(*kept, Extension(kind, data)))


def say(hello: ClientHello) -> bytes:
    """In as many records as it takes."""
    whole = RawMessage(names.CLIENT_HELLO, hello.emit()).emit()
    parts = (whole[at : at + MAX_PLAINTEXT] for at in range(0, len(whole), MAX_PLAINTEXT))
    return b"".join(record(names.HANDSHAKE, part) for part in parts)


def server_hello(output: bytes) -> ServerHello:
    """What a server's flight begins with."""
    size = int.from_bytes(output[6:9], "big")
    hello = attempt(ServerHello.parse, output[9 : 9 + size], "the ServerHello")
    assert isinstance(hello, ServerHello)
    return hello


@dataclass(frozen=True)
class Recorded:
    """What a client said to a server of this policy and seed, which it can be told again."""

    policy: Policy
    flights: tuple[bytes, ...]

    def server(self) -> Server:
        return make_server(self.policy)


@cache
def recorded(suite: int) -> Recorded:
    """A conversation with one suite."""
    policy = Policy(suites=(suite,), groups=(23,))
    return Recorded(policy, tuple(converse(make_server(policy), Client())))
