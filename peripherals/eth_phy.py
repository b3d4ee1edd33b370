# SPDX-License-Identifier: GPL-2.0-or-later
"""Ethernet PHYs on the MDIO bus: IEEE 802.3 clause 22 registers and what each vendor adds, by table.

The link partner is a 100BASE-TX full-duplex switch port that autonegotiates. Autonegotiation takes NEGOTIATION_MS of
virtual time: long enough for firmware to see it in progress, short enough not to delay every start as the 1.5 s of
silicon would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from stm32emu.peripherals.clock import Clock, ClockTree, Event

NEGOTIATION_MS = 2
RESET_US = 100
NOBODY = 0xFFFF  # MDIO is pulled up: a read that no PHY answers

BMCR, BMSR, PHYID1, PHYID2, ANAR, ANLPAR, ANER = range(7)
RESET, LOOPBACK, SPEED_100, AUTONEGOTIATE, POWER_DOWN, _, RESTART, FULL_DUPLEX = (1 << n for n in range(15, 7, -1))
NEGOTIATED, ABLE, LINKED = 0x0020, 0x7849, 0x0004  # BMSR: 10 and 100 Mbit/s, half and full duplex, autonegotiation
ADVERTISED = 0x01E1  # the same four, and the 802.3 selector
ACKNOWLEDGE = 0x4000


class Link(NamedTuple):
    """A link that is up."""

    mbit: int
    full_duplex: bool


ABILITIES = ((0x100, Link(100, True)), (0x080, Link(100, False)), (0x040, Link(10, True)), (0x020, Link(10, False)))


@dataclass(frozen=True)
class PhyRegister:
    """A vendor's register: `writable` bits keep what is written, `live` gives further bits at each read. The bits of
    `on_up` and `on_down` are set when the link comes and goes, and a read clears them."""

    reset: int = 0
    writable: int = 0
    live: Callable[[Phy], int] = lambda phy: 0
    on_up: int = 0
    on_down: int = 0


@dataclass(frozen=True)
class PhyModel:
    """A kind of PHY: its identifier (registers 2 and 3), strapped address of usual boards, and vendor registers."""

    identifier: int
    address: int = 0
    registers: Mapping[int, PhyRegister] = field(default_factory=dict)


def _smsc_mode(phy: Phy) -> int:
    """Registers 0x1F of SMSC's: autonegotiation done, and the speed indication in bits 4:2."""
    code = {Link(10, False): 1, Link(100, False): 2, Link(10, True): 5, Link(100, True): 6}
    return (0x1000 if phy.negotiated else 0) | (code[phy.link] << 2 if phy.link else 0)


def _dp83848_status(phy: Phy) -> int:
    """PHYSTS: link, 10 Mbit/s, full duplex, autonegotiation complete."""
    link = phy.link
    status = 0x10 if phy.negotiated else 0
    return status | (1 | (link.mbit == 10) << 1 | link.full_duplex << 2 if link else 0)


def _ksz8081_mode(phy: Phy) -> int:
    """PHY control 1: link up, and the operation mode in bits 2:0."""
    code = {Link(10, False): 1, Link(100, False): 2, Link(10, True): 5, Link(100, True): 6}
    return 0x100 | code[phy.link] if phy.link else 0


SMSC = {
    0x11: PhyRegister(writable=0x2240, live=lambda phy: 2 if phy.link else 0),  # mode control/status: ENERGYON
    0x12: PhyRegister(reset=0x00E0, writable=0x00E0, live=lambda phy: phy.address),  # special modes: PHYAD in bits 4:0
    0x1A: PhyRegister(),  # symbol error counter
    0x1B: PhyRegister(writable=0xE800),  # special control/status indications
    0x1D: PhyRegister(on_up=0x00C0, on_down=0x0010),  # interrupt source flags: INT7, INT6; INT4
    0x1E: PhyRegister(writable=0x03FE),  # interrupt mask
    0x1F: PhyRegister(reset=0x0040, live=_smsc_mode),
}
DP83848 = {
    0x10: PhyRegister(live=_dp83848_status),
    0x11: PhyRegister(writable=0x0007),  # MICR
    0x12: PhyRegister(writable=0x00FF, on_up=0x2400, on_down=0x2000),  # MISR: LINK_INT and ANC_INT
    0x14: PhyRegister(),
    0x15: PhyRegister(),
    0x16: PhyRegister(reset=0x0100, writable=0x3FFF),
    0x17: PhyRegister(reset=0x0021, writable=0x003F),  # RBR
    0x18: PhyRegister(writable=0x003F),
    0x19: PhyRegister(reset=0x8020, writable=0xFFE0, live=lambda phy: phy.address),  # PHYCR: PHYADDR in bits 4:0
}
KSZ8081 = {
    0x16: PhyRegister(writable=0xFFFF),
    0x17: PhyRegister(live=lambda phy: phy.address << 13),
    0x1B: PhyRegister(writable=0xFF00, on_up=0x0021, on_down=0x0004),
    0x1E: PhyRegister(live=_ksz8081_mode),
    0x1F: PhyRegister(reset=0x8100, writable=0xFFFF),
}

MODELS = {
    "lan8742a": PhyModel(0x0007_C131, 0, SMSC),
    "lan8720": PhyModel(0x0007_C0F1, 0, SMSC),
    "lan8710": PhyModel(0x0007_C0F1, 0, SMSC),
    "dp83848": PhyModel(0x2000_5C90, 1, DP83848),
    "ksz8081": PhyModel(0x0022_1560, 0, KSZ8081),
    "rtl8201": PhyModel(0x001C_C816, 0, {0x1F: PhyRegister(writable=0x00FF)}),
}
# DP83848's status and control where SMSC's PHYs have nothing that drivers look at
AUTO = PhyModel(0x0007_C131, 0, SMSC | {n: DP83848[n] for n in (0x10, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19)})


class Phy:
    """One PHY on the MDIO bus; it answers at `address` and leaves every other address to the pull-up.

    Args:
        address: 0 to 31.
        model: a key of MODELS.
        clock, tree: for the time that resets and autonegotiation take.
    """

    def __init__(self, address: int, model: str | PhyModel, *, clock: Clock, tree: ClockTree) -> None:
        self.address: int = address
        self.model = MODELS[model] if isinstance(model, str) else model
        self.link: Link | None = None
        self.negotiated: bool = False
        self._clock = clock
        self._tree = tree
        self._cable = True
        self._pending: Event | None = None
        self._resetting = False
        self._latched_down = True
        self._load_resets()
        self._connect()

    def _load_resets(self) -> None:
        self._words = {number: register.reset for number, register in self.model.registers.items()}
        self._words |= {BMCR: SPEED_100 | AUTONEGOTIATE | FULL_DUPLEX, ANAR: ADVERTISED}

    def answers(self, address: int, reading: bool) -> bool:
        """Whether this PHY takes part in an MDIO frame to `address`."""
        return address == self.address

    @property
    def loopback(self) -> bool:
        """Frames sent come back and do not reach the cable (BMCR bit 14)."""
        return bool(self._words[BMCR] & LOOPBACK)

    def set_link(self, up: bool) -> None:
        """Plug the cable in or pull it out."""
        if up != self._cable:
            self._cable = up
            self._connect()

    def read(self, address: int, number: int) -> int:
        """An MDIO read of register `number` (0 to 31) at `address`."""
        if not self.answers(address, reading=True):
            return NOBODY
        if number == BMSR:
            return self._read_status()
        if number == BMCR and self._resetting:
            return self._words[BMCR] | RESET
        fixed = {PHYID1: self.model.identifier >> 16, PHYID2: self.model.identifier & 0xFFFF}
        partner = {ANLPAR: ACKNOWLEDGE | ADVERTISED, ANER: 0x0001} if self.negotiated else {}
        if number in fixed or number in partner:
            return (fixed | partner)[number]
        value = self._words.get(number, 0)
        register = self.model.registers.get(number)
        if register is None:
            return value
        self._words[number] = value & ~(register.on_up | register.on_down)
        return value | register.live(self)

    def _read_status(self) -> int:
        """BMSR; link status is latched low until read (802.3 section 22.2.4.2.13)."""
        linked = self.link is not None and not self._latched_down
        self._latched_down = self.link is None
        return ABLE | (NEGOTIATED if self.negotiated else 0) | (LINKED if linked else 0)

    def write(self, address: int, number: int, value: int) -> None:
        """An MDIO write."""
        if not self.answers(address, reading=False) or self._resetting:
            return
        if number == BMCR:
            self._control(value)
        elif number == ANAR:
            self._words[ANAR] = value & 0xFFFF
        elif number in self.model.registers:
            writable = self.model.registers[number].writable
            self._words[number] = (self._words[number] & ~writable) | (value & writable)

    def _control(self, value: int) -> None:
        if value & RESET:
            self._load_resets()
            self._resetting = True
            self._clock.after(self._tree.cycles(RESET_US, 1_000_000), self._reset_done)
            self._connect()
            return
        before = self._mode()
        self._words[BMCR] = value & 0x7D00
        if self._mode() != before or (value & RESTART and value & AUTONEGOTIATE):
            self._connect()

    def _reset_done(self) -> None:
        self._resetting = False

    def _mode(self) -> int:
        """What of BMCR decides about the link."""
        control = self._words[BMCR]
        used = POWER_DOWN | AUTONEGOTIATE | (0 if control & AUTONEGOTIATE else SPEED_100 | FULL_DUPLEX)
        return control & used

    def _connect(self) -> None:
        """Drop the link and, with a cable and power, begin to establish it anew."""
        if self._pending is not None:
            self._pending.cancel()
        if self.link is not None:
            self._raise_flags(lambda register: register.on_down)
        self.link, self.negotiated, self._latched_down = None, False, True
        if self._cable and not self._words[BMCR] & POWER_DOWN:
            self._pending = self._clock.after(self._tree.cycles(NEGOTIATION_MS, 1000), self._established)

    def _established(self) -> None:
        control = self._words[BMCR]
        if control & AUTONEGOTIATE:
            common = self._words[ANAR] & ADVERTISED
            self.link = next((link for bit, link in ABILITIES if common & bit), None)
            self.negotiated = self.link is not None
        else:
            self.link = Link(100 if control & SPEED_100 else 10, bool(control & FULL_DUPLEX))
        if self.link is not None:
            self._raise_flags(lambda register: register.on_up)

    def _raise_flags(self, bits: Callable[[PhyRegister], int]) -> None:
        for number, register in self.model.registers.items():
            self._words[number] |= bits(register)


class AutoPhy(Phy):
    """A PHY for firmware whose board is unknown.

    It takes the first address that is read from as its own (writes before that reach it at any address); so it is found
    where a firmware expects it, or at the first address a scan tries. It identifies itself as a LAN8742A and has that
    family's registers, and in addition DP83848's PHYSTS (0x10) and PHYCR (0x19), which carry speed, duplex and address
    for drivers of that chip. Not covered: drivers that insist on another identifier, DP83848's link interrupt flags
    (0x12 is SMSC's special modes register, whose low bits new drivers search for their address), and status
    registers of other vendors. For those name the PHY.
    """

    def __init__(self, *, clock: Clock, tree: ClockTree) -> None:
        self._bound = False
        super().__init__(0, AUTO, clock=clock, tree=tree)

    def answers(self, address: int, reading: bool) -> bool:
        """The first read decides."""
        if reading and not self._bound:
            self._bound, self.address = True, address
        return address == self.address or not self._bound


def make_phy(text: str, *, clock: Clock, tree: ClockTree) -> Phy:
    """A PHY from "auto", "lan8742a" (at its usual address) or "lan8742a@1".

    Raises:
        ValueError: with one sentence for the user.
    """
    if text == "auto":
        return AutoPhy(clock=clock, tree=tree)
    name, at, address = text.lower().partition("@")
    if name not in MODELS:
        raise ValueError(f"unknown PHY '{name}': choose auto or one of {', '.join(MODELS)}")
    if at and not (address.isdecimal() and int(address) < 32):
        raise ValueError(f"'{address}' is not a PHY address: write {name}@0 up to {name}@31")
    return Phy(int(address) if at else MODELS[name].address, name, clock=clock, tree=tree)
