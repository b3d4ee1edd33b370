# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest may send anything: nothing raises, nothing grows without bound, and the host goes on serving.

Frames are made from seeds: well-formed ones of every protocol with hostile values in them, then damaged in a few bytes.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from random import Random

import pytest

from stm32emu.netbridge.host import OUR_MAC, Host
from stm32emu.netbridge.neighbour import host_beside
from stm32emu.netbridge.reassembly import MAX_PACKETS
from stm32emu.netbridge.tcp import BUFFER, Tcp
from stm32emu.netbridge.tcp_receive import EARLY
from stm32emu.netbridge.tcp_state import State
from stm32emu.netbridge.wire import dhcp
from stm32emu.netbridge.wire.arp import ArpPacket
from stm32emu.netbridge.wire.dhcp import DhcpMessage
from stm32emu.netbridge.wire.ethernet import BROADCAST, ETHERTYPE_ARP, ETHERTYPE_IPV4, EthernetFrame, Mac
from stm32emu.netbridge.wire.icmp import IcmpMessage
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Packet
from stm32emu.netbridge.wire.tcp import ACK, FIN, RST, SYN, TcpSegment
from stm32emu.netbridge.wire.udp import UdpDatagram

GUEST = IPv4Address("192.168.0.254")
US = host_beside(GUEST)
GUEST_MAC = Mac(bytes.fromhex("0080e1000000"))
PORT = 7
MS = 1_000_000
ADDRESSES = [GUEST, US, *map(IPv4Address, ("192.168.0.9", "8.8.8.8", "0.0.0.0", "255.255.255.255", "224.0.0.1"))]
MACS = [GUEST_MAC, GUEST_MAC, GUEST_MAC, OUR_MAC, BROADCAST, Mac(bytes(6)), Mac(b"\x01\0\x5e\0\0\1"), Mac(b"\2abcde")]
LOG_LINES = 40


class Attacker:
    """Makes frames; knows the connections that the host has open, to hit their sequence numbers."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.tcps: list[Tcp] = []

    def frame(self) -> bytes:
        """One frame, rarely quite right."""
        random = self.random
        if random.random() < 0.1:
            return random.randbytes(random.choice((0, 13, 14, 33, 60, 1514)))
        kind, payload = (ETHERTYPE_ARP, self._arp()) if random.random() < 0.1 else (ETHERTYPE_IPV4, self._ipv4())
        frame = EthernetFrame(random.choice((OUR_MAC, OUR_MAC, *MACS)), random.choice(MACS), kind, payload)
        return self._damaged(frame.emit())

    def _damaged(self, frame: bytes) -> bytes:
        bent = bytearray(frame)
        for _ in range(self.random.choice((0, 0, 0, 1, 3))):
            bent[self.random.randrange(len(bent))] = self.random.getrandbits(8)
        return bytes(bent[: self.random.randrange(len(bent))] if self.random.random() < 0.03 else bent)

    def _arp(self) -> bytes:
        random = self.random
        macs, addresses = random.choices(MACS, k=2), random.choices(ADDRESSES, k=2)
        return ArpPacket(random.choice((1, 2)), macs[0], addresses[0], macs[1], addresses[1]).emit()

    def _ipv4(self) -> bytes:
        random = self.random
        src, dst = random.choice((GUEST, GUEST, *ADDRESSES)), random.choice((US, US, *ADDRESSES))
        protocol, payload = random.choice((self._tcp, self._tcp, self._udp, self._icmp, self._unknown))(src, dst)
        fragment = random.random() < 0.3
        return Ipv4Packet(
            src, dst, protocol, payload,
            identification=random.choice((1, 2, random.getrandbits(16))),
            more_fragments=fragment and random.random() < 0.7,
            fragment_offset=random.choice((0, 8, 16, 65528, 8 * random.getrandbits(13))) if fragment else 0,
            options=bytes(random.choice((0, 0, 0, 4, 40))),
        ).emit()  # fmt: skip

    def _tcp(self, src: IPv4Address, dst: IPv4Address) -> tuple[int, bytes]:
        random = self.random
        tcp = random.choice(self.tcps)
        near = random.choice((0, 0, 1, -1, 1460, -70000, 1 << 31, random.getrandbits(32)))
        seq = (tcp._rcv.nxt + near) % (1 << 32)
        ack = (random.choice((tcp._snd.una, tcp._snd.max)) + random.choice((0, 0, 1, -1, random.getrandbits(32)))) % (
            1 << 32
        )
        flags = random.choice((ACK, ACK, ACK, SYN, SYN | ACK, FIN | ACK, RST, RST | ACK, 0, 0xFF))
        ports = random.choice((PORT, PORT, random.getrandbits(16))), random.choice((tcp.local, tcp.local, 80))
        mss = random.choice((None, None, 0, 1, 65535))
        payload = random.randbytes(random.choice((0, 0, 1, 1460)))
        window = random.choice((0, 1, 4000, 65535))
        return PROTOCOL_TCP, TcpSegment(*ports, seq, ack, flags, window, payload, mss).emit(src, dst)

    def _udp(self, src: IPv4Address, dst: IPv4Address) -> tuple[int, bytes]:
        random = self.random
        if random.random() < 0.5:
            return PROTOCOL_UDP, UdpDatagram(68, 67, self._dhcp()).emit(src, dst)
        payload = random.randbytes(random.choice((0, 1, 1400)))
        return PROTOCOL_UDP, UdpDatagram(random.getrandbits(16), random.getrandbits(16), payload).emit(src, dst)

    def _dhcp(self) -> bytes:
        random = self.random
        options = [(dhcp.Option.MESSAGE_TYPE, bytes((random.randrange(10),)))]
        options += [(random.randrange(1, 255), random.randbytes(random.choice((0, 1, 4, 300)))) for _ in range(3)]
        message = DhcpMessage(
            random.choice((1, 2)), random.getrandbits(32), random.choice(MACS), tuple(options),
            client_ip=random.choice(ADDRESSES), relay_ip=random.choice(ADDRESSES), flags=random.getrandbits(16),
        )  # fmt: skip
        return message.emit()[:1400]

    def _icmp(self, src: IPv4Address, dst: IPv4Address) -> tuple[int, bytes]:
        random = self.random
        kind, code = random.choice((0, 3, 8, random.getrandbits(8))), random.choice((0, 2, 3))
        return PROTOCOL_ICMP, IcmpMessage(kind, code, random.randbytes(random.choice((0, 8, 28, 1400)))).emit()

    def _unknown(self, src: IPv4Address, dst: IPv4Address) -> tuple[int, bytes]:
        return self.random.choice((2, 47, 255)), self.random.randbytes(40)


def check_bounds(host: Host, log: list[str]) -> None:
    """Everything that frames of the guest can make grow."""
    assert len(host._reassembler._partials) <= MAX_PACKETS
    assert len(host._tcps) <= 4
    assert len(log) <= LOG_LINES
    for tcp in host._tcps.values():
        assert tcp.readable <= BUFFER
        assert len(tcp._rcv._early) <= EARLY


@pytest.mark.parametrize("seed", range(40))
def test_no_frame_raises_or_makes_anything_grow(seed: int) -> None:
    log: list[str] = []
    attacker, now = Attacker(seed), 0
    host = Host(seed=seed, guest_ip=GUEST if seed % 2 else None, log=log.append)
    host.guest.learn(GUEST_MAC, GUEST)
    host.probe(PORT)
    host.open_udp(PORT)
    for _ in range(1500):
        attacker.tcps = [tcp for tcp in attacker.tcps if not tcp.closed]
        while len(attacker.tcps) < 3 and len(host._tcps) < 4:
            attacker.tcps.append(host.connect(PORT))
            attacker.tcps[-1].send(bytes(attacker.random.choice((0, 100, 20000))))
        attacker.tcps = attacker.tcps or list(host._tcps.values())
        host.receive(attacker.frame(), now)
        now += attacker.random.choice((0, 1, 10, 3000)) * MS
        host.on_timer(now)
        output = host.take_output(now)
        assert len(output) <= 200
        for frame in output:
            EthernetFrame.parse(frame)
        check_bounds(host, log)
    assert answers_a_ping(host, now)


def answers_a_ping(host: Host, now: int) -> bool:
    """The well-behaved guest's own."""
    ping = Ipv4Packet(GUEST, US, PROTOCOL_ICMP, IcmpMessage.echo_request(1, 2, b"still there?").emit())
    host.receive(EthernetFrame(OUR_MAC, GUEST_MAC, ETHERTYPE_IPV4, ping.emit()).emit(), now)
    replies = [frame for frame in host.take_output(now) if b"still there?" in frame]
    return [frame[:6] for frame in replies] == [GUEST_MAC]


def test_one_byte_segments_out_of_order_are_bounded() -> None:
    tcp = Tcp(1000, PORT, iss=0)
    tcp.connect()
    tcp.take_output(0)
    tcp.receive(TcpSegment(PORT, 1000, 0, 1, SYN | ACK, 4000), 0)
    for n in range(3, 20000, 2):
        tcp.receive(TcpSegment(PORT, 1000, n, 1, ACK, 4000, b"x"), 0)
    assert tcp.state is State.ESTABLISHED
    assert len(tcp._rcv._early) == EARLY
    for n in range(1, 20000):
        tcp.receive(TcpSegment(PORT, 1000, n, 1, ACK, 4000, b"y"), 0)
    assert tcp.readable == 19999
