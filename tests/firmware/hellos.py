# SPDX-License-Identifier: GPL-2.0-or-later
"""What TLS servers say in the clear, from a capture: the order of their messages and what in them is random."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from scapy.layers.inet import TCP
from scapy.packet import Raw
from scapy.utils import rdpcap

PORT = 4433
HANDSHAKE = 22  # RFC 5246 section 6.2.1
NAMES = {2: "ServerHello", 11: "Certificate", 12: "ServerKeyExchange", 13: "CertificateRequest", 14: "ServerHelloDone"}


@dataclass
class Handshake:
    """A server's side of one connection. `point` is its ephemeral public key, `r` the half of its ECDSA signature that
    depends on the nonce alone."""

    messages: list[str] = field(default_factory=list)
    random: bytes = b""
    point: bytes = b""
    r: bytes = b""

    def read(self, stream: bytes) -> Handshake:
        """From the bytes of the TCP stream, up to the first that are no handshake in the clear."""
        plain = b""
        while stream[:1] == bytes([HANDSHAKE]):
            length = int.from_bytes(stream[3:5], "big")
            plain += stream[5 : 5 + length]
            stream = stream[5 + length :]
        while len(plain) >= 4 and plain[0] in NAMES:
            length = int.from_bytes(plain[1:4], "big")
            self._message(plain[0], plain[4 : 4 + length])
            plain = plain[4 + length :]
        return self

    def _message(self, kind: int, body: bytes) -> None:
        self.messages.append(NAMES[kind])
        if kind == 2:
            self.random = body[2:34]
        elif kind == 12:  # RFC 8422 section 5.4: curve type, curve, point, then hash, signature algorithm, DER
            self.point = body[4 : 4 + body[3]]
            der = body[4 + body[3] + 4 :]
            self.r = der[4 : 4 + der[3]]


def server_handshakes(capture: Path) -> list[Handshake]:
    """The server's side of every connection that it said something on, in order."""
    streams: dict[int, dict[int, bytes]] = {}
    for packet in rdpcap(str(capture)):
        if TCP in packet and packet[TCP].sport == PORT and Raw in packet:
            streams.setdefault(packet[TCP].dport, {})[packet[TCP].seq] = packet[Raw].load
    return [Handshake().read(b"".join(segments.values())) for segments in streams.values()]
