# SPDX-License-Identifier: GPL-2.0-or-later
"""What the host answers: pings, segments and datagrams to nobody, fragments; and its probes and flows."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from fake_guest import GUEST_IP, GUEST_MAC, MS, FakeGuest, echo
from stm32emu.netbridge.host import OUR_MAC, Host
from stm32emu.netbridge.neighbour import host_beside
from stm32emu.netbridge.ports import FIRST, LAST, EphemeralPorts
from stm32emu.netbridge.tcp_state import State
from stm32emu.netbridge.wire import icmp
from stm32emu.netbridge.wire.ethernet import BROADCAST, ETHERTYPE_IPV4, EthernetFrame, Mac
from stm32emu.netbridge.wire.icmp import IcmpMessage
from stm32emu.netbridge.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Packet
from stm32emu.netbridge.wire.tcp import ACK, RST, SYN, TcpSegment
from stm32emu.netbridge.wire.udp import UdpDatagram

US = host_beside(GUEST_IP)
ELSEWHERE = IPv4Address("8.8.8.8")


class Pair:
    """A host that knows its guest."""

    def __init__(self) -> None:
        self.host = Host(seed=1)
        self.guest = FakeGuest()
        self.guest.announce()
        self.guest.host_mac, self.guest.host_ip = OUR_MAC, US
        self.exchange()
        self.host.on_timer(0)
        self.exchange()

    def exchange(self, now: int = 0) -> list[Ipv4Packet]:
        """Until both are quiet; the packets that the guest got."""
        seen = len(self.guest.packets)
        while True:
            for frame in self.guest.take_output(now):
                self.host.receive(frame, now)
            frames = self.host.take_output(now)
            if not frames:
                return self.guest.packets[seen:]
            for frame in frames:
                self.guest.receive(frame, now)


@pytest.fixture
def pair() -> Pair:
    return Pair()


def ping(pair: Pair, dst: IPv4Address, payload: bytes, mac: Mac = OUR_MAC) -> list[Ipv4Packet]:
    request = IcmpMessage.echo_request(7, 8, payload)
    pair.guest.packet(PROTOCOL_ICMP, request.emit(), dst, mac)
    return pair.exchange()


@pytest.mark.parametrize("dst", [US, IPv4Address("192.168.0.99")])
def test_the_guest_pings_its_neighbours(pair: Pair, dst: IPv4Address) -> None:
    (packet,) = ping(pair, dst, b"payload")
    assert (packet.src, packet.dst) == (dst, GUEST_IP)
    assert IcmpMessage.parse(packet.payload) == IcmpMessage(icmp.ECHO_REPLY, 0, b"payload", 7 << 16 | 8)


def test_the_guest_pings_the_world_in_vain(pair: Pair) -> None:
    (packet,) = ping(pair, ELSEWHERE, b"payload")
    error = IcmpMessage.parse(packet.payload)
    assert (packet.src, error.type, error.code) == (US, icmp.DESTINATION_UNREACHABLE, icmp.NET_UNREACHABLE)
    assert (len(error.payload), error.payload[9]) == (28, PROTOCOL_ICMP)


def test_broadcasts_and_frames_to_others_are_not_answered(pair: Pair) -> None:
    assert ping(pair, IPv4Address("192.168.0.255"), b"", BROADCAST) == []
    assert ping(pair, US, b"", Mac(b"\x02" + bytes(5))) == []


def test_a_fragmented_ping_comes_back_in_fragments(pair: Pair) -> None:
    payload = bytes(range(256)) * 12
    request = Ipv4Packet(GUEST_IP, US, PROTOCOL_ICMP, IcmpMessage.echo_request(1, 2, payload).emit(), 5)
    for piece in reversed(request.fragments()):
        pair.guest.frame(OUR_MAC, ETHERTYPE_IPV4, piece.emit())
    packets = pair.exchange()
    assert [packet.fragment_offset for packet in packets] == [0, 1480, 2960]
    assert IcmpMessage.parse(b"".join(packet.payload for packet in packets)).payload == payload


def test_the_host_pings_the_guest(pair: Pair) -> None:
    heard: list[tuple[int, bytes]] = []
    pair.host.on_echo_reply = lambda message, now: heard.append((message.sequence, message.payload))
    pair.host.ping(1, 2, b"are you there")
    (packet,) = pair.exchange()
    request = IcmpMessage.parse(packet.payload)
    reply = IcmpMessage(icmp.ECHO_REPLY, 0, request.payload, request.rest)
    pair.guest.packet(PROTOCOL_ICMP, reply.emit(), packet.src)
    pair.exchange()
    assert heard == [(2, b"are you there")]


@pytest.mark.parametrize("dst", [US, ELSEWHERE])
def test_the_guests_connections_are_refused(pair: Pair, dst: IPv4Address) -> None:
    syn = TcpSegment(49152, 443, 1000, 0, SYN, 5840, mss=1460)
    pair.guest.packet(PROTOCOL_TCP, syn.emit(GUEST_IP, dst), dst)
    (packet,) = pair.exchange()
    assert packet.src == dst
    assert TcpSegment.parse(packet.payload, dst, GUEST_IP) == TcpSegment(443, 49152, 0, 1001, RST | ACK, 0)


def test_resets_are_not_answered(pair: Pair) -> None:
    pair.guest.packet(PROTOCOL_TCP, TcpSegment(1, 2, 3, 0, RST, 0).emit(GUEST_IP, US), US)
    assert pair.exchange() == []


@pytest.mark.parametrize(("dst", "source"), [(US, US), (ELSEWHERE, US)])
def test_the_guests_datagrams_are_refused(pair: Pair, dst: IPv4Address, source: IPv4Address) -> None:
    """A DNS query for one."""
    pair.guest.packet(PROTOCOL_UDP, UdpDatagram(5000, 53, b"query").emit(GUEST_IP, dst), dst)
    (packet,) = pair.exchange()
    error = IcmpMessage.parse(packet.payload)
    assert (packet.src, error.type, error.code) == (source, icmp.DESTINATION_UNREACHABLE, icmp.PORT_UNREACHABLE)
    assert error.payload[20:24] == bytes((5000 >> 8, 5000 & 255, 0, 53))


def test_unknown_protocols_are_refused(pair: Pair) -> None:
    pair.guest.packet(132, b"sctp", US)
    (packet,) = pair.exchange()
    assert IcmpMessage.parse(packet.payload).code == icmp.PROTOCOL_UNREACHABLE


def test_a_connection_carries_bytes(pair: Pair) -> None:
    pair.guest.apps[7] = echo
    tcp = pair.host.connect(7)
    tcp.send(b"hello")
    pair.exchange()
    with tcp.peek() as ready:
        assert bytes(ready) == b"hello"
    tcp.shutdown()
    pair.exchange()
    assert tcp.state is State.TIME_WAIT


def test_connecting_before_the_guest_is_known_is_a_mistake() -> None:
    with pytest.raises(RuntimeError, match="address is not known"):
        Host().connect(80)


def run(pair: Pair, until_ms: int) -> list[int]:
    """Let timers run; when (in ms) SYNs reached the guest."""
    times = []
    while (due := pair.host.poll_at()) is not None and due <= until_ms * MS:
        pair.host.on_timer(due)
        before = len(pair.guest.segments)
        pair.exchange(due)
        times += [due // MS for segment in pair.guest.segments[before:] if segment.flags & SYN]
    return times


def test_probing_finds_a_listener_and_leaves_no_connection(pair: Pair) -> None:
    prober = pair.host.probe(4433)
    assert run(pair, 2000) == [0, 100, 300, 700, 1500]
    assert not prober.listening
    pair.guest.apps[4433] = echo
    assert run(pair, 5000) == [2500]
    assert prober.listening
    assert [segment.flags for segment in pair.guest.segments[-2:]] == [SYN, RST]
    assert pair.guest.accepted == []
    assert pair.guest.poll_at() is None
    assert run(pair, 100_000) == []


def test_refused_probes_use_new_ports_and_unanswered_ones_repeat(pair: Pair) -> None:
    pair.host.probe(4433)
    run(pair, 800)
    assert len({segment.src_port for segment in pair.guest.segments}) == 4
    pair.guest.segments.clear()
    silent: list[bytes] = []
    for now in (2_000 * MS, 4_000 * MS):
        pair.host.on_timer(now)
        silent += pair.host.take_output(now)
    assert len(silent) == 2
    assert silent[0][34:42] == silent[1][34:42]  # same port, same sequence number
    pair.guest.apps[4433] = echo
    pair.guest.receive(silent[0], 0)
    pair.exchange(4_000 * MS)
    assert pair.host.probe(4433).listening


def test_a_stray_syn_ack_convinces_nobody(pair: Pair) -> None:
    prober = pair.host.probe(4433)
    pair.host.on_timer(0)
    (frame,) = pair.host.take_output(0)
    syn = TcpSegment.parse(Ipv4Packet.parse(EthernetFrame.parse(frame).payload).payload, US, GUEST_IP)
    for port, ack in ((syn.src_port, syn.seq), (syn.src_port ^ 1, syn.seq + 1)):
        pair.guest.send_tcp(TcpSegment(4433, port, 9, ack, SYN | ACK, 100))
    pair.exchange()
    assert not prober.listening


def test_udp_flow_both_ways(pair: Pair) -> None:
    pair.guest.udp[9] = bytes.upper
    flow = pair.host.open_udp(9)
    pair.host.send_udp(flow, b"shout")
    pair.exchange()
    assert list(flow.inbox) == [b"SHOUT"]
    pair.guest.send_udp(10, flow.local, b"another port of the guest is not the one we talk with")
    assert len(pair.exchange()) == 1
    pair.host.close_udp(flow)
    pair.guest.send_udp(9, flow.local, b"too late")
    (refusal,) = pair.exchange()
    assert IcmpMessage.parse(refusal.payload).code == icmp.PORT_UNREACHABLE


def test_udp_inbox_is_bounded(pair: Pair) -> None:
    flow = pair.host.open_udp(9)
    for number in range(flow.INBOX + 5):
        pair.guest.send_udp(9, flow.local, bytes([number]))
    pair.exchange()
    assert (len(flow.inbox), flow.inbox[0]) == (flow.INBOX, b"\0")


def test_the_guests_refusal_of_a_datagram_marks_the_flow(pair: Pair) -> None:
    flow = pair.host.open_udp(9)
    pair.host.send_udp(flow, b"anybody?")
    (packet,) = pair.exchange()
    error = IcmpMessage(icmp.DESTINATION_UNREACHABLE, icmp.PORT_UNREACHABLE, packet.emit()[:28])
    pair.guest.packet(PROTOCOL_ICMP, error.emit(), US)
    pair.exchange()
    assert flow.refused


@pytest.mark.parametrize("size", [0, 1, 19, 20, 21])
def test_refusals_that_quote_too_little_do_no_harm(pair: Pair, size: int) -> None:
    flow = pair.host.open_udp(9)
    pair.host.send_udp(flow, b"anybody?")
    (packet,) = pair.exchange()
    error = IcmpMessage(icmp.DESTINATION_UNREACHABLE, icmp.PORT_UNREACHABLE, packet.emit()[:size])
    pair.guest.packet(PROTOCOL_ICMP, error.emit(), US)
    assert pair.exchange() == []
    assert not flow.refused


def test_a_large_datagram_goes_out_in_fragments(pair: Pair) -> None:
    flow = pair.host.open_udp(9)
    pair.host.send_udp(flow, bytes(3000))
    assert [packet.is_fragment for packet in pair.exchange()] == [True] * 3


def test_ports_come_round_only_after_all_others() -> None:
    class Fixed:
        def randint(self, low: int, high: int) -> int:
            return high - 1

    ports = EphemeralPorts(Fixed())  # type: ignore[arg-type]
    assert [ports.take() for _ in range(3)] == [LAST - 1, LAST, FIRST]
    for port in (LAST - 1, LAST):
        ports.release(port)
    assert [ports.take() for _ in range(LAST - FIRST)][-3:] == [LAST - 2, LAST - 1, LAST]
    ports.release(LAST - 1)
    assert ports.take() == LAST - 1
    with pytest.raises(RuntimeError):
        ports.take()


def test_equal_seeds_give_equal_hosts() -> None:
    frames = []
    for seed in (1, 1, 2):
        host, guest = Host(seed=seed), FakeGuest()
        guest.announce()
        host.receive(guest.take_output(0)[0], 0)
        host.connect(80)
        frames.append(host.take_output(0))
    assert frames[0] == frames[1] != frames[2]


def test_the_guest_mac_may_change(pair: Pair) -> None:
    pair.guest.mac = Mac(GUEST_MAC[:5] + b"\x09")
    pair.guest.announce()
    pair.exchange()
    pair.host.ping(1, 1)
    assert EthernetFrame.parse(pair.host.take_output(0)[0]).dst == pair.guest.mac
