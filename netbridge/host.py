# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine at the other end of the guest's cable, without IO: frames in, frames out, virtual nanoseconds passed in.

It is the gateway and every other machine of the guest's network at once, answers ARP and pings for all of them, leases
an address by DHCP, and opens connections to the guest. Nothing lies behind it: whatever the guest asks of the world
is refused (RST, ICMP unreachable), so that firmware sees a quick error in place of a time-out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from ipaddress import IPv4Address
from random import Random

from stm32emu.netbridge.dhcp_server import DhcpServer
from stm32emu.netbridge.neighbour import Neighbour, host_beside, is_unicast
from stm32emu.netbridge.ports import EphemeralPorts
from stm32emu.netbridge.prober import Prober
from stm32emu.netbridge.reassembly import Reassembler
from stm32emu.netbridge.tcp import Tcp, reset_for
from stm32emu.netbridge.wire import dhcp, icmp
from stm32emu.netbridge.wire.arp import ArpPacket
from stm32emu.netbridge.wire.dhcp import DhcpMessage
from stm32emu.netbridge.wire.errors import WireError
from stm32emu.netbridge.wire.ethernet import (
    BROADCAST,
    ETHERTYPE_ARP,
    ETHERTYPE_IPV4,
    MIN_FRAME,
    NO_MAC,
    EthernetFrame,
    Mac,
)
from stm32emu.netbridge.wire.icmp import IcmpMessage
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Packet
from stm32emu.netbridge.wire.tcp import RST, TcpSegment
from stm32emu.netbridge.wire.udp import UdpDatagram

OUR_MAC = Mac(bytes.fromhex("025354324d01"))
DEFAULT_LEASE = IPv4Address("10.0.2.15")
_EVERYBODY = IPv4Address("255.255.255.255")
MAX_TCPS = 4096
"""Connections remembered, those in TIME-WAIT included: a quarter of the ephemeral ports."""
_COMPLAINTS = 5

_Endpoints = tuple[IPv4Address, int, IPv4Address, int]
"""Our address and port, the guest's address and port."""


class UdpFlow:
    """One of our UDP ports in talk with one of the guest's. `inbox` holds what came, oldest first, newest dropped."""

    INBOX = 64

    def __init__(self, local: int, remote: int) -> None:
        self.local = local
        self.remote = remote
        self.inbox: deque[bytes] = deque()
        self.refused = False


class Host:
    """See the module. Every method may make output: call `take_output` afterwards.

    Args:
        seed: of initial sequence numbers and port numbers.
        guest_ip: the guest's address; learned from its traffic when None.
        log: gets a line when something about the guest is learned or wrong.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        guest_ip: IPv4Address | None = None,
        mac: Mac = OUR_MAC,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.guest = Neighbour(mac, guest_ip, log)
        self.on_echo_reply: Callable[[IcmpMessage, int], None] = lambda message, now: None
        self.malformed = 0
        lease = guest_ip or DEFAULT_LEASE
        self._dhcp = DhcpServer(lease, host_beside(lease))
        self._random = Random(seed)
        self._ports = EphemeralPorts(self._random)
        self._reassembler = Reassembler()
        self._tcps: dict[_Endpoints, Tcp] = {}
        self._probers: dict[int, Prober] = {}
        self._flows: dict[int, UdpFlow] = {}
        self._identification = self._random.getrandbits(16)
        self._output: list[bytes] = []
        self._log = log

    # The user's side

    def connect(self, guest_port: int) -> Tcp:
        """Open a connection to the guest, whose address must be known."""
        tcp = Tcp(self._ports.take(), guest_port, iss=self._random.getrandbits(32))
        tcp.connect()
        self._tcps[self._our_ip(), tcp.local, self._guest_ip(), guest_port] = tcp
        return tcp

    @property
    def crowded(self) -> bool:
        """So many connections are remembered that no new one should be opened for now."""
        return len(self._tcps) >= MAX_TCPS

    def probe(self, guest_port: int) -> Prober:
        """Find out when the guest listens on a port; starts as soon as its address is known."""
        return self._probers.setdefault(guest_port, Prober(guest_port, self._ports, self._random))

    def open_udp(self, guest_port: int) -> UdpFlow:
        """One of our ports for one of the guest's."""
        flow = UdpFlow(self._ports.take(), guest_port)
        self._flows[flow.local] = flow
        return flow

    def close_udp(self, flow: UdpFlow) -> None:
        """What comes for it from now on is refused."""
        if self._flows.pop(flow.local, None):
            self._ports.release(flow.local)

    def send_udp(self, flow: UdpFlow, payload: bytes) -> None:
        """Send a datagram of up to 65507 bytes to the guest, whose address must be known."""
        src, dst = self._our_ip(), self._guest_ip()
        self._send(PROTOCOL_UDP, UdpDatagram(flow.local, flow.remote, payload).emit(src, dst), src, dst)

    def ping(self, identifier: int, sequence: int, payload: bytes = b"") -> None:
        """Send an echo request; `on_echo_reply` hears of replies."""
        request = IcmpMessage.echo_request(identifier, sequence, payload)
        self._send(PROTOCOL_ICMP, request.emit(), self._our_ip(), self._guest_ip())

    # The wire's side

    def receive(self, frame: bytes, now: int) -> None:
        """A frame from the guest, without FCS."""
        try:
            self._receive_frame(EthernetFrame.parse(frame), now)
        except WireError as error:
            self.malformed += 1
            if self.malformed <= _COMPLAINTS:
                self._log(f"guest: it sent a bad frame: {error}")

    def take_output(self, now: int) -> list[bytes]:
        """Frames for the guest, padded, without FCS."""
        for (our_ip, _, guest_ip, _), tcp in self._tcps.items():
            for segment in tcp.take_output(now):
                self._send_tcp(segment, our_ip, guest_ip)
        for key in [key for key, tcp in self._tcps.items() if tcp.closed]:
            self._ports.release(self._tcps.pop(key).local)
        output, self._output = self._output, []
        return output

    def poll_at(self) -> int | None:
        """When `on_timer` wants to run, in virtual ns; maybe in the past."""
        times = [tcp.poll_at() for tcp in self._tcps.values()] + [self.guest.poll_at()]
        if self.guest.known:
            times += [prober.poll_at() for prober in self._probers.values()]
        return min((time for time in times if time is not None), default=None)

    def on_timer(self, now: int) -> None:
        """Time has come to `now`."""
        for tcp in self._tcps.values():
            tcp.on_timer(now)
        if question := self.guest.on_timer(now):
            self._send_frame(BROADCAST, ETHERTYPE_ARP, question.emit())
        if self.guest.known:
            for prober in self._probers.values():
                if syn := prober.on_timer(now):
                    self._send_tcp(syn, self._our_ip(), self._guest_ip())

    # Frames in

    def _receive_frame(self, frame: EthernetFrame, now: int) -> None:
        ours = frame.dst == self.guest.our_mac
        if frame.src.is_group or frame.src in (NO_MAC, self.guest.our_mac) or not (ours or frame.dst.is_group):
            return
        self.guest.learn(frame.src)
        if frame.ethertype == ETHERTYPE_ARP:
            if reply := self.guest.receive(ArpPacket.parse(frame.payload)):
                self._send_frame(reply.target_mac, ETHERTYPE_ARP, reply.emit())
        elif frame.ethertype == ETHERTYPE_IPV4:
            packet = Ipv4Packet.parse(frame.payload)
            if not self.guest.known:  # afterwards ARP and DHCP say it better: dying connections send from anywhere
                self.guest.learn(frame.src, packet.src)
            if whole := self._reassembler.receive(packet, now):
                self._receive_packet(whole, ours and is_unicast(packet.src) and is_unicast(packet.dst), now)

    def _receive_packet(self, packet: Ipv4Packet, answerable: bool, now: int) -> None:
        if packet.protocol == PROTOCOL_UDP:
            self._receive_udp(packet, answerable)
        elif not answerable:
            return
        elif packet.protocol == PROTOCOL_TCP:
            self._receive_tcp(packet, now)
        elif packet.protocol == PROTOCOL_ICMP:
            self._receive_icmp(packet, now)
        else:
            self._unreachable(packet, icmp.PROTOCOL_UNREACHABLE)

    def _receive_tcp(self, packet: Ipv4Packet, now: int) -> None:
        segment = TcpSegment.parse(packet.payload, packet.src, packet.dst)
        tcp = self._tcps.get((packet.dst, segment.dst_port, packet.src, segment.src_port))
        if tcp and not tcp.closed:
            tcp.receive(segment, now)
            return
        if prober := self._probers.get(segment.src_port):
            prober.receive(segment)
        if not segment.flags & RST:
            self._send_tcp(reset_for(segment), packet.dst, packet.src)

    def _receive_udp(self, packet: Ipv4Packet, answerable: bool) -> None:
        datagram = UdpDatagram.parse(packet.payload, packet.src, packet.dst)
        flow = self._flows.get(datagram.dst_port)
        if datagram.dst_port == dhcp.SERVER_PORT:
            self._receive_dhcp(DhcpMessage.parse(datagram.payload))
        elif flow and flow.remote == datagram.src_port:
            if len(flow.inbox) < flow.INBOX:
                flow.inbox.append(datagram.payload)
        elif answerable:
            self._unreachable(packet, icmp.PORT_UNREACHABLE)

    def _receive_dhcp(self, request: DhcpMessage) -> None:
        reply = self._dhcp.reply(request)
        if reply is None:
            return
        src = self._dhcp.server
        dst, mac = (request.client_ip, request.client_mac) if is_unicast(request.client_ip) else (_EVERYBODY, BROADCAST)
        if reply.message_type == dhcp.MessageType.NAK:
            dst, mac = _EVERYBODY, BROADCAST
        if self._dhcp.leased:
            self.guest.learn(request.client_mac, self._dhcp.address)
        datagram = UdpDatagram(dhcp.SERVER_PORT, dhcp.CLIENT_PORT, reply.emit())
        self._send(PROTOCOL_UDP, datagram.emit(src, dst), src, dst, mac)

    def _receive_icmp(self, packet: Ipv4Packet, now: int) -> None:
        message = IcmpMessage.parse(packet.payload)
        if message.type == icmp.ECHO_REQUEST:
            if self.guest.is_local(packet.dst):
                reply = IcmpMessage(icmp.ECHO_REPLY, 0, message.payload, message.rest)
                self._send(PROTOCOL_ICMP, reply.emit(), packet.dst, packet.src)
            else:
                self._unreachable(packet, icmp.NET_UNREACHABLE)
        elif message.type == icmp.ECHO_REPLY:
            self.on_echo_reply(message, now)
        elif (message.type, message.code) == (icmp.DESTINATION_UNREACHABLE, icmp.PORT_UNREACHABLE):
            self._flow_refused(message.payload)

    def _flow_refused(self, quoted: bytes) -> None:
        """The guest quotes our packet: IP header and the first bytes of UDP, ports first."""
        header = (quoted[0] & 0xF) * 4 if quoted else 0
        if len(quoted) >= header + 2 >= 22 and quoted[9] == PROTOCOL_UDP:
            flow = self._flows.get(int.from_bytes(quoted[header : header + 2], "big"))
            if flow:
                flow.refused = True

    # Frames out

    def _unreachable(self, packet: Ipv4Packet, code: int) -> None:
        """Quote the packet as RFC 792 asks."""
        size = 20 + len(packet.options)
        error = IcmpMessage(icmp.DESTINATION_UNREACHABLE, code, packet.emit()[: size + icmp.QUOTED])
        src = packet.dst if self.guest.is_local(packet.dst) else self._our_ip()
        self._send(PROTOCOL_ICMP, error.emit(), src, packet.src)

    def _send_tcp(self, segment: TcpSegment, src: IPv4Address, dst: IPv4Address) -> None:
        self._send(PROTOCOL_TCP, segment.emit(src, dst), src, dst)

    def _send(self, protocol: int, payload: bytes, src: IPv4Address, dst: IPv4Address, mac: Mac | None = None) -> None:
        self._identification = (self._identification + 1) & 0xFFFF
        packet = Ipv4Packet(src, dst, protocol, payload, self._identification)
        target = mac or self.guest.mac
        if target:
            for fragment in packet.fragments():
                self._send_frame(target, ETHERTYPE_IPV4, fragment.emit())

    def _send_frame(self, dst: Mac, ethertype: int, payload: bytes) -> None:
        frame = EthernetFrame(dst, self.guest.our_mac, ethertype, payload).emit()
        self._output.append(frame.ljust(MIN_FRAME, b"\0"))

    def _our_ip(self) -> IPv4Address:
        return host_beside(self._guest_ip())

    def _guest_ip(self) -> IPv4Address:
        if self.guest.ip is None:
            raise RuntimeError("the guest's address is not known yet")
        return self.guest.ip
