# SPDX-License-Identifier: GPL-2.0-or-later
"""Extensions of hellos (RFC 6066, 7301, 8422, 8446): kept as bytes, read when asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.cursor import Cursor, Malformed, attempt, vector, vectors

T = TypeVar("T")

FRAGMENT_LENGTHS = {1: 512, 2: 1024, 3: 2048, 4: 4096}
"""What max_fragment_length's codes stand for (RFC 6066 section 4)."""


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension: its type and its data."""

    type: int
    data: bytes = b""

    @property
    def name(self) -> str:
        """As in "server_name"."""
        return names.name_of(names.EXTENSIONS, self.type)

    def emit(self) -> bytes:
        """Type, length, data."""
        return self.type.to_bytes(2, "big") + vector(2, self.data)


def parse_extensions(cursor: Cursor) -> tuple[Extension, ...]:
    """The block at the end of a hello; nothing at all is none."""
    if not cursor.left:
        return ()
    inner = cursor.inside(2, "the extensions")
    found = []
    while inner.left:
        found.append(Extension(inner.uint(2, "an extension's type"), inner.vector(2, "an extension")))
    return tuple(found)


def emit_extensions(extensions: Sequence[Extension]) -> bytes:
    """The block; nothing for none."""
    return vector(2, b"".join(extension.emit() for extension in extensions)) if extensions else b""


class Extensions:
    """What the extensions of one hello say. An extension that is absent or cannot be read says None."""

    def __init__(self, extensions: Sequence[Extension], from_client: bool) -> None:
        self._data = {extension.type: extension.data for extension in extensions}
        self._from_client = from_client

    def _read(self, kind: int, parse: Callable[[Cursor], T]) -> T | None:
        if kind not in self._data:
            return None
        parsed = attempt(parse, self._data[kind], "an extension")
        return None if isinstance(parsed, Malformed) else parsed

    def __contains__(self, kind: int) -> bool:
        return kind in self._data

    def malformed(self) -> Malformed | None:
        """What is wrong with the first of a client's extensions that cannot be read."""
        for kind, data in self._data.items():
            parsed = attempt(
                _CLIENTS.get(kind, Cursor.rest), data, f"the extension {names.name_of(names.EXTENSIONS, kind)}"
            )
            if isinstance(parsed, Malformed):
                return parsed
        return None

    @property
    def groups(self) -> tuple[int, ...] | None:
        """The named groups that a client can use."""
        return self._read(names.SUPPORTED_GROUPS, _groups)

    @property
    def schemes(self) -> tuple[int, ...] | None:
        """The signature schemes that a client can verify."""
        return self._read(names.SIGNATURE_ALGORITHMS, _schemes)

    @property
    def versions(self) -> tuple[int, ...] | None:
        """The versions that a client offers, or the one that a server has chosen, since TLS 1.3."""
        if self._from_client:
            return self._read(names.SUPPORTED_VERSIONS, lambda cursor: cursor.uints(1, 2, "versions"))
        return self._read(names.SUPPORTED_VERSIONS, lambda cursor: (cursor.uint(2, "the version"),))

    @property
    def fragment_length(self) -> int | None:
        """Bytes of plaintext that max_fragment_length allows in a record."""
        code = self._read(names.MAX_FRAGMENT_LENGTH, _code)
        return FRAGMENT_LENGTHS.get(code or 0)

    @property
    def point_formats(self) -> tuple[int, ...] | None:
        """The formats of points that a client can read."""
        return self._read(names.EC_POINT_FORMATS, _point_formats)

    @property
    def server_name(self) -> str | None:
        """The host name that a client wants."""
        return self._read(names.SERVER_NAME, _host_name)

    @property
    def protocols(self) -> tuple[str, ...] | None:
        """ALPN's protocols."""
        return self._read(names.ALPN, _protocols)

    @property
    def ticket(self) -> bytes | None:
        """The session ticket, empty from a client that would like one."""
        return self._data.get(names.SESSION_TICKET)

    @property
    def renegotiated_connection(self) -> bytes | None:
        """What renegotiation_info says of the handshake before: nothing in the first."""
        return self._read(names.RENEGOTIATION_INFO, lambda cursor: cursor.vector(1, "renegotiated_connection"))


def _groups(cursor: Cursor) -> tuple[int, ...]:
    return cursor.uints(2, 2, "groups")


def _schemes(cursor: Cursor) -> tuple[int, ...]:
    return cursor.uints(2, 2, "schemes")


def _code(cursor: Cursor) -> int:
    return cursor.uint(1, "the code")


def _point_formats(cursor: Cursor) -> tuple[int, ...]:
    return cursor.uints(1, 1, "point formats")


def _host_name(cursor: Cursor) -> str:
    inner = cursor.inside(2, "the names")
    inner.uint(1, "the name's type")
    name = inner.vector(2, "the name")
    inner.end("the name")
    return name.decode("ascii", errors="replace")


def _protocols(cursor: Cursor) -> tuple[str, ...]:
    return tuple(each.decode("ascii", errors="replace") for each in cursor.vectors(2, 1, "the protocols", "a protocol"))


def _filled(parse: Callable[[Cursor], Sequence[object]]) -> Callable[[Cursor], object]:
    """What may not be empty, and have nothing empty in it."""

    def checked(cursor: Cursor) -> object:
        parsed = parse(cursor)
        if not parsed or (not isinstance(parsed, str) and "" in parsed):
            raise cursor.fail("something is empty that may not be")
        return parsed

    return checked


def _nothing(cursor: Cursor) -> None:
    cursor.end("an extension that is empty")


_CLIENTS: dict[int, Callable[[Cursor], object]] = {
    names.SERVER_NAME: _filled(_host_name),
    names.MAX_FRAGMENT_LENGTH: _code,
    names.SUPPORTED_GROUPS: _filled(_groups),
    names.EC_POINT_FORMATS: _filled(_point_formats),
    names.SIGNATURE_ALGORITHMS: _filled(_schemes),
    names.ALPN: _filled(_protocols),
    names.ENCRYPT_THEN_MAC: _nothing,
    names.EXTENDED_MASTER_SECRET: _nothing,
    names.RENEGOTIATION_INFO: lambda cursor: cursor.vector(1, "renegotiated_connection"),
}
"""How the extensions read that a TLS 1.2 server acts on."""


def emit_protocols(protocols: Sequence[str]) -> bytes:
    """ALPN's data."""
    return vectors(2, 1, (protocol.encode("ascii") for protocol in protocols))
