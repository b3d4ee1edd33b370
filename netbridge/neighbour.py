# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is at the other end of the cable: the guest's addresses, learned from what it sends, and ours next to it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from stm32emu.netbridge.wire.arp import REPLY, REQUEST, ArpPacket
from stm32emu.netbridge.wire.ethernet import NO_MAC, Mac

ASK_FIRST = 100_000_000
ASK_MAX = 1_000_000_000
TOLD = 10
"""Changes of address that the user hears of; a firmware that sends from ever new ones is not to fill the terminal."""
_NONE = IPv4Address(0)


def host_beside(guest: IPv4Address) -> IPv4Address:
    """The address we take: the first of the guest's /24, where its gateway most often is, or the second."""
    network = int(guest) & 0xFFFFFF00
    first = IPv4Address(network + 1)
    return IPv4Address(network + 2) if guest == first else first


def is_unicast(address: IPv4Address) -> bool:
    """An address that one machine can have."""
    return not (address.is_multicast or address.is_loopback or int(address) >> 28 == 0xF or int(address) >> 24 == 0)


class Neighbour:
    """The guest as known so far. With `guest_ip` given only the MAC is learned.

    Like any machine on a real network we ask for the guest's address by ARP before the first packet. Firmware relies on
    it: the question teaches the guest our address (RFC 826), and its first answer then does not make it ask for that
    from the depth of its TCP input, where many a stack on an embedded system is short.
    """

    def __init__(self, our_mac: Mac, guest_ip: IPv4Address | None, log: Callable[[str], None]) -> None:
        self.our_mac = our_mac
        self.mac: Mac | None = None
        self.ip = guest_ip
        self._fixed = guest_ip is not None
        self._contradicted = False
        self._told = 0
        self._log = log
        self._introduced = False
        self._ask_at = 0
        self._ask_every = ASK_FIRST

    @property
    def known(self) -> bool:
        """The guest and we know each other's addresses: packets can be sent."""
        return self._introduced

    @property
    def our_ip(self) -> IPv4Address | None:
        """The address we use towards the guest; None while its own is not known."""
        return host_beside(self.ip) if self.ip else None

    def is_local(self, address: IPv4Address) -> bool:
        """In the guest's /24 and not the guest: an address that we answer for."""
        return self.ip is not None and address != self.ip and int(address) >> 8 == int(self.ip) >> 8

    def learn(self, mac: Mac, ip: IPv4Address | None = None) -> None:
        """A frame came from `mac`, and says (unless None) that the guest's address is `ip`."""
        if mac.is_group or mac in (NO_MAC, self.our_mac):
            return
        before = (self.mac, self.ip)
        self.mac = mac
        if ip is not None and is_unicast(ip):
            self._learn_ip(ip)
        if self.ip and before != (self.mac, self.ip) and self._told < TOLD:
            self._told += 1
            self._log(f"guest: {self.ip} is at {self.mac}")

    def _learn_ip(self, ip: IPv4Address) -> None:
        if not self._fixed:
            self._move(ip)
        elif ip != self.ip and not self._contradicted:
            self._contradicted = True
            self._log(f"guest: it uses {ip}, but its address was given as {self.ip}; forwarding to the latter")

    def _move(self, ip: IPv4Address) -> None:
        """The guest has another address, or its first."""
        if ip != self.ip:
            self.ip = ip
            self._introduced = False
            self._ask_at, self._ask_every = 0, ASK_FIRST

    def receive(self, packet: ArpPacket) -> ArpPacket | None:
        """Learn from an ARP packet; the reply to it, if it wants one.

        We answer for every address but the guest's, whatever its subnet: there is nobody else. Probes and
        announcements are never answered, the guest would take that for a conflict (RFC 5227 section 2.1.1).
        """
        self.learn(packet.sender_mac, packet.sender_ip)
        if (packet.sender_ip, packet.target_ip) == (self.ip, self.our_ip):
            self._introduced = True  # by its answer to our question, or by ours to its
        if packet.operation != REQUEST or packet.is_probe or packet.is_announcement or packet.target_ip == self.ip:
            return None
        return ArpPacket(REPLY, self.our_mac, packet.target_ip, packet.sender_mac, packet.sender_ip)

    def poll_at(self) -> int | None:
        """When to ask for the guest's MAC."""
        return None if self.ip is None or self._introduced else self._ask_at

    def on_timer(self, now: int) -> ArpPacket | None:
        """The question to broadcast, when it is time for one."""
        due = self.poll_at()
        if due is None or now < due or self.ip is None:
            return None
        self._ask_at = now + self._ask_every
        self._ask_every = min(2 * self._ask_every, ASK_MAX)
        return ArpPacket(REQUEST, self.our_mac, host_beside(self.ip), NO_MAC, self.ip)
