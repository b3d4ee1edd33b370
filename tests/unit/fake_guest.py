# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest small enough to trust: ARP, TCP by passive opens of our own `Tcp`, UDP echo. And a world for it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from stm32emu.netbridge.bridge import Bridge
from stm32emu.netbridge.tcp import Tcp, reset_for
from stm32emu.netbridge.wire import arp
from stm32emu.netbridge.wire.arp import ArpPacket
from stm32emu.netbridge.wire.ethernet import BROADCAST, ETHERTYPE_ARP, ETHERTYPE_IPV4, NO_MAC, EthernetFrame, Mac
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Packet
from stm32emu.netbridge.wire.tcp import RST, TcpSegment
from stm32emu.netbridge.wire.udp import UdpDatagram

MS = 1_000_000
GUEST_IP = IPv4Address("192.168.0.254")
GUEST_MAC = Mac(bytes.fromhex("0080e1000000"))

App = Callable[[Tcp], None]
"""Called after anything happened to one of its connections."""


def echo(tcp: Tcp) -> None:
    """Send back what comes, finish when the peer has."""
    with tcp.peek() as ready:
        count = tcp.send(bytes(ready[: tcp.send_room]))
    tcp.consume(count)
    if tcp.peer_finished and not tcp.readable:
        tcp.shutdown()


class FakeGuest:
    """Listens on `apps`; keeps every connection ever accepted in `accepted`, every TCP segment seen in `segments`."""

    def __init__(self, *, ip: IPv4Address = GUEST_IP, mac: Mac = GUEST_MAC, buffer: int = 5840) -> None:
        self.ip = ip
        self.mac = mac
        self.apps: dict[int, App] = {}
        self.udp: dict[int, Callable[[bytes], bytes]] = {}
        self.accepted: list[Tcp] = []
        self.segments: list[TcpSegment] = []
        self.datagrams: list[UdpDatagram] = []
        self.arps: list[ArpPacket] = []
        self.packets: list[Ipv4Packet] = []
        self.output: list[bytes] = []
        self.host_mac: Mac | None = None
        self.host_ip: IPv4Address | None = None
        self._buffer = buffer
        self._tcps: dict[tuple[int, int], tuple[Tcp, App]] = {}
        self._iss = 0xFFFFFF00

    def announce(self) -> None:
        """Gratuitous ARP, as lwIP sends it when its interface comes up."""
        self.arp(arp.REQUEST, self.ip, NO_MAC, self.ip)

    def arp(self, operation: int, sender: IPv4Address, mac: Mac, target: IPv4Address) -> None:
        """Any ARP packet, broadcast."""
        packet = ArpPacket(operation, self.mac, sender, mac, target)
        self.frame(BROADCAST, ETHERTYPE_ARP, packet.emit())

    def frame(self, dst: Mac, ethertype: int, payload: bytes) -> None:
        """Any frame."""
        self.output.append(EthernetFrame(dst, self.mac, ethertype, payload).emit().ljust(60, b"\0"))

    def packet(self, protocol: int, payload: bytes, dst: IPv4Address, mac: Mac | None = None) -> None:
        """Any packet, to the host's MAC unless given another."""
        target = mac or self.host_mac
        assert target
        self.frame(target, ETHERTYPE_IPV4, Ipv4Packet(self.ip, dst, protocol, payload).emit())

    def receive(self, frame: bytes, now: int) -> None:
        """A frame from the host."""
        ethernet = EthernetFrame.parse(frame)
        self.host_mac = ethernet.src
        if ethernet.ethertype == ETHERTYPE_ARP:
            packet = ArpPacket.parse(ethernet.payload)
            self.arps.append(packet)
            if packet.operation == arp.REQUEST and packet.target_ip == self.ip:
                reply = ArpPacket(arp.REPLY, self.mac, self.ip, packet.sender_mac, packet.sender_ip)
                self.frame(packet.sender_mac, ETHERTYPE_ARP, reply.emit())
        elif ethernet.ethertype == ETHERTYPE_IPV4:
            self._receive_packet(Ipv4Packet.parse(ethernet.payload), now)

    def _receive_packet(self, packet: Ipv4Packet, now: int) -> None:
        self.host_ip = packet.src
        self.packets.append(packet)
        if packet.protocol == PROTOCOL_TCP:
            self._receive_tcp(TcpSegment.parse(packet.payload, packet.src, packet.dst), now)
        elif packet.protocol == PROTOCOL_UDP and not packet.is_fragment:
            datagram = UdpDatagram.parse(packet.payload, packet.src, packet.dst)
            self.datagrams.append(datagram)
            if datagram.dst_port in self.udp:
                answer = self.udp[datagram.dst_port](datagram.payload)
                self.send_udp(datagram.dst_port, datagram.src_port, answer)

    def send_udp(self, src: int, dst: int, payload: bytes) -> None:
        """A datagram to the host."""
        assert self.host_ip
        self.packet(PROTOCOL_UDP, UdpDatagram(src, dst, payload).emit(self.ip, self.host_ip), self.host_ip)

    def _receive_tcp(self, segment: TcpSegment, now: int) -> None:
        self.segments.append(segment)
        key = (segment.src_port, segment.dst_port)
        if key not in self._tcps:
            if segment.dst_port not in self.apps:
                if not segment.flags & RST:
                    self.send_tcp(reset_for(segment))
                return
            tcp = Tcp(segment.dst_port, segment.src_port, iss=self._iss, buffer=self._buffer)
            tcp.listen()
            self._tcps[key] = (tcp, self.apps[segment.dst_port])
        tcp, _ = self._tcps[key]
        tcp.receive(segment, now)
        if tcp.established and tcp not in self.accepted:
            self.accepted.append(tcp)

    def send_tcp(self, segment: TcpSegment) -> None:
        """Any segment to the host."""
        assert self.host_ip
        self.packet(PROTOCOL_TCP, segment.emit(self.ip, self.host_ip), self.host_ip)

    def take_output(self, now: int) -> list[bytes]:
        """Run the applications; frames for the host."""
        for key, (tcp, app) in list(self._tcps.items()):
            if tcp.established:
                app(tcp)
            tcp.on_timer(now)
            for segment in tcp.take_output(now):
                self.send_tcp(segment)
            if tcp.closed:
                del self._tcps[key]
        output, self.output = self.output, []
        return output

    def poll_at(self) -> int | None:
        """When a connection wants its timer."""
        times = [tcp.poll_at() for tcp, _ in self._tcps.values()]
        return min((time for time in times if time is not None), default=None)


class World:
    """A bridge, a guest, the cable between them and virtual time."""

    def __init__(self, bridge: Bridge, guest: FakeGuest) -> None:
        self.bridge = bridge
        self.guest = guest
        self.now = 0

    def exchange(self) -> None:
        """Carry frames until both ends are quiet."""
        while True:
            self.bridge.on_timer(self.now)
            to_guest = self.bridge.take_output(self.now)
            for frame in to_guest:
                self.guest.receive(frame, self.now)
            to_host = self.guest.take_output(self.now)
            for frame in to_host:
                self.bridge.receive(frame, self.now)
            if not to_guest and not to_host:
                return

    def step(self, ms: int = 1) -> None:
        """One turn of a run loop: sockets, frames, and `ms` of virtual time."""
        self.bridge.poll_sockets(self.now, 0.001)
        self.exchange()
        self.now += ms * MS

    def run_until(self, condition: Callable[[], object], *, ms: int = 1, turns: int = 5000) -> None:
        """Turn until `condition` holds."""
        for _ in range(turns):
            if condition():
                return
            self.step(ms)
        raise AssertionError("it did not come true")
