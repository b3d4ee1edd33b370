# SPDX-License-Identifier: GPL-2.0-or-later
"""Is a Finished right, once the master secret is known: decrypted, and compared with what RFC 5246 7.4.9 asks for."""

from __future__ import annotations

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.handshake import RawMessage
from stm32emu.netbridge.tls.messages import ClientHello, ServerHello
from stm32emu.netbridge.tls.transcript import Side, Transcript
from stm32emu.netbridge.tls.twin.alerts import TlsError
from stm32emu.netbridge.tls.twin.ciphers import CIPHERS
from stm32emu.netbridge.tls.twin.keys import key_block, verify_data
from stm32emu.netbridge.tls.twin.protection import protection

SENDERS = {Side.CLIENT: "client", Side.SERVER: "server"}


def check_finished(transcript: Transcript, master: bytes) -> dict[Side, bool]:
    """By who sent it; empty where the suite is not one that can be decrypted here, or something was not captured.

    Once one is wrong the other's hash is not known, so the first that is wrong is the last.
    """
    hello, server = transcript.message(ClientHello), transcript.message(ServerHello)
    cipher = CIPHERS.get(server.suite) if server else None
    if hello is None or server is None or cipher is None or transcript.gaps or transcript.midway:
        return {}
    keys = key_block(cipher, master, hello.random, server.random)
    readers = {
        side: protection(cipher, each, names.ENCRYPT_THEN_MAC in server.says, lambda size: bytes(size))
        for side, each in zip((Side.CLIENT, Side.SERVER), keys, strict=True)
    }
    said, found = b"", dict[Side, bool]()
    for part in transcript.hashed:
        if isinstance(part, bytes):
            said += part
            continue
        expected = RawMessage(names.FINISHED, verify_data(cipher.prf_hash, master, SENDERS[part.sender], said)).emit()
        try:
            found[part.sender] = readers[part.sender].open(names.HANDSHAKE, part.fragment) == expected
        except TlsError:
            found[part.sender] = False
        if not found[part.sender]:
            break
        said += expected
    return found
