# SPDX-License-Identifier: GPL-2.0-or-later
"""PHYs: clause 22 behaviour, vendors' status registers, and the PHY that fits where the board is unknown."""

from __future__ import annotations

import pytest

from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.eth_phy import MODELS, Link, Phy, make_phy

BMCR, BMSR, ID1, ID2, ANAR, ANLPAR = range(6)
MS = 16_000  # cycles at the reset clock


class Board:
    """A PHY with its clock."""

    def __init__(self, text: str) -> None:
        self.clock = ManualClock()
        self.phy: Phy = make_phy(text, clock=self.clock, tree=ClockTree())

    def after(self, ms: float) -> Board:
        self.clock.advance(int(ms * MS))
        return self


IDENTIFIERS = {
    "lan8742a": 0x0007_C131,
    "lan8720": 0x0007_C0F1,
    "lan8710": 0x0007_C0F1,
    "dp83848": 0x2000_5C90,
    "ksz8081": 0x0022_1560,
    "rtl8201": 0x001C_C816,
}


@pytest.mark.parametrize("name", MODELS)
def test_every_model_identifies_itself_at_its_address_only(name: str) -> None:
    phy = Board(f"{name}@3").phy
    assert phy.read(3, ID1) << 16 | phy.read(3, ID2) == IDENTIFIERS[name]
    assert phy.read(4, ID1) == 0xFFFF


@pytest.mark.parametrize("name", MODELS)
def test_without_an_address_it_is_where_boards_strap_it(name: str) -> None:
    phy = Board(name).phy
    assert phy.address == (1 if name == "dp83848" else 0)


def test_what_firmware_may_write_of_the_vendors_registers() -> None:
    """All ones come back as the datasheets' writable bits: DP83848's MICR and MISR, SMSC's mask, KSZ8081's control."""
    for name, number, expected in (
        ("dp83848", 0x11, 0x0007),
        ("dp83848", 0x12, 0x00FF),
        ("dp83848", 0x17, 0x003F),
        ("dp83848", 0x19, 0xFFE0),
        ("lan8742a", 0x11, 0x2240),
        ("lan8742a", 0x12, 0x00E0),
        ("lan8742a", 0x1E, 0x03FE),
        ("ksz8081", 0x1B, 0xFF00),
        ("ksz8081", 0x1F, 0xFFFF),
    ):
        phy = Board(f"{name}@0").phy
        phy.write(0, number, 0xFFFF)
        assert phy.read(0, number) == expected


def test_autonegotiation_completes_by_itself_after_a_while() -> None:
    board = Board("lan8742a")
    assert board.phy.read(0, BMSR) & 0x24 == 0
    assert board.phy.read(0, ANLPAR) == 0
    board.after(3)
    board.phy.read(0, BMSR)  # the latch
    assert board.phy.read(0, BMSR) == 0x786D
    assert board.phy.read(0, 0x11) == 2  # ENERGYON
    assert board.phy.read(0, ANLPAR) & 0x41E1 == 0x41E1
    assert board.phy.link == Link(100, True)


def test_the_first_status_read_shows_the_link_once_it_was_read_down() -> None:
    board = Board("lan8742a")
    board.phy.read(0, BMSR)
    assert not board.after(1).phy.read(0, BMSR) & 4
    board.after(3)
    assert not board.phy.read(0, BMSR) & 4
    assert board.phy.read(0, BMSR) & 4


def test_link_status_is_latched_low() -> None:
    board = Board("lan8742a").after(3)
    board.phy.read(0, BMSR)
    board.phy.set_link(False)
    board.phy.set_link(True)
    board.after(3)
    assert not board.phy.read(0, BMSR) & 4
    assert board.phy.read(0, BMSR) & 4


def test_no_cable_no_link() -> None:
    board = Board("lan8742a").after(3)
    board.phy.set_link(False)
    board.after(10)
    assert board.phy.link is None
    assert board.phy.read(0, BMSR) & 0x24 == 0


def test_soft_reset_clears_itself_and_starts_anew() -> None:
    board = Board("lan8742a").after(3)
    board.phy.write(0, ANAR, 0x0021)
    board.phy.write(0, BMCR, 0x8000)
    assert board.phy.read(0, BMCR) & 0x8000
    board.phy.write(0, ANAR, 0x0041)  # lost: the PHY is in reset
    assert board.after(0.2).phy.read(0, BMCR) == 0x3100
    assert board.phy.read(0, ANAR) == 0x01E1
    assert board.phy.link is None
    assert board.after(3).phy.link == Link(100, True)


@pytest.mark.parametrize(
    ("control", "link"),
    [(0x2100, Link(100, True)), (0x2000, Link(100, False)), (0x0100, Link(10, True)), (0, Link(10, False))],
)
def test_forced_modes(control: int, link: Link) -> None:
    board = Board("lan8742a").after(3)
    board.phy.write(0, BMCR, control)
    assert board.phy.link is None
    board.after(3)
    assert board.phy.link == link
    assert board.phy.read(0, BMSR) & 0x20 == 0


def test_writing_the_enable_bit_again_does_not_renegotiate_but_restart_does() -> None:
    board = Board("lan8742a").after(3)
    board.phy.write(0, BMCR, 0x1000)
    assert board.phy.link
    board.phy.write(0, BMCR, 0x1200)
    assert board.phy.link is None
    assert board.phy.read(0, BMCR) == 0x1000
    assert board.after(3).phy.link


def test_a_restart_takes_the_full_time_again() -> None:
    board = Board("lan8742a").after(1.5)
    board.phy.write(0, BMCR, 0x1200)
    assert board.after(1.5).phy.link is None
    assert board.after(0.6).phy.link


def test_only_what_is_advertised_is_negotiated() -> None:
    board = Board("lan8742a")
    board.phy.write(0, ANAR, 0x0061)
    board.phy.write(0, BMCR, 0x1200)
    assert board.after(3).phy.link == Link(10, True)
    board.phy.write(0, ANAR, 0x0001)
    board.phy.write(0, BMCR, 0x1200)
    assert board.after(3).phy.link is None


def test_power_down_drops_the_link_and_loopback_is_seen() -> None:
    board = Board("lan8742a").after(3)
    board.phy.write(0, BMCR, 0x3900)
    assert board.after(3).phy.link is None
    board.phy.write(0, BMCR, 0x7100)
    assert board.phy.loopback


@pytest.mark.parametrize(
    ("control", "smsc", "dp", "ksz"),
    [(0x3100, 0x1058, 0x15, 0x106), (0x2000, 0x48, 1, 0x102), (0x0100, 0x54, 7, 0x105), (0, 0x44, 3, 0x101)],
)
def test_vendor_status_registers_tell_speed_and_duplex(control: int, smsc: int, dp: int, ksz: int) -> None:
    boards = {name: Board(f"{name}@0") for name in ("lan8742a", "dp83848", "ksz8081")}
    for board in boards.values():
        board.phy.write(0, BMCR, control)
        board.after(5)
    assert boards["lan8742a"].phy.read(0, 0x1F) == smsc
    assert boards["dp83848"].phy.read(0, 0x10) == dp
    assert boards["ksz8081"].phy.read(0, 0x1E) == ksz


@pytest.mark.parametrize(
    ("name", "number", "up", "down"), [("lan8742a", 0x1D, 0xC0, 0x10), ("dp83848", 0x12, 0x2400, 0x2000)]
)
def test_interrupt_flags_are_cleared_by_the_read(name: str, number: int, up: int, down: int) -> None:
    board = Board(f"{name}@0").after(3)
    assert board.phy.read(0, number) == up
    assert board.phy.read(0, number) == 0
    board.phy.set_link(False)
    assert board.phy.read(0, number) == down


@pytest.mark.parametrize("address", [0, 1, 7])
def test_auto_is_where_it_is_first_read(address: int) -> None:
    phy = Board("auto").phy
    phy.write(address, BMCR, 0x2100)  # drivers reset first, and read later
    assert phy.read(address, BMCR) == 0x2100
    assert phy.read((address + 1) % 32, BMCR) == 0xFFFF
    assert phy.read(address, 0x12) & 0x1F == address
    assert phy.read(address, 0x19) & 0x1F == address


def test_auto_satisfies_a_scan_for_smsc_and_one_for_dp83848() -> None:
    for number in (0x12, 0x19):
        phy = Board("auto").phy
        assert next(address for address in range(32) if phy.read(address, number) & 0x1F == address) == 0


def test_auto_answers_in_both_vendors_ways() -> None:
    phy = Board("auto").after(3).phy
    assert phy.read(1, 0x10) & 0x17 == 0x15
    assert phy.read(1, 0x1F) & 0x101C == 0x1018
    assert (phy.read(1, ID1), phy.read(1, ID2)) == (0x0007, 0xC131)
    phy.write(1, 0x12, phy.read(1, 0x12) | 0x20)  # a DP83848 driver that enables its link interrupt
    assert phy.read(1, 0x12) & 0x1F == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("lan9999", "unknown PHY 'lan9999': choose auto or one of lan8742a, "),
        ("lan8742a@32", "'32' is not a PHY address: write lan8742a@0 up to lan8742a@31"),
        ("dp83848@x", "'x' is not a PHY address"),
    ],
)
def test_bad_names_get_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Board(text)
