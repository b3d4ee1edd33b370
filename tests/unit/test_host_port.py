# SPDX-License-Identifier: GPL-2.0-or-later
"""Host ports that cannot be opened: whose fault it is, what to do, and that nothing stays open."""

from __future__ import annotations

import socket

import pytest

from bridge_files import open_files
from stm32emu.netbridge.bridge import Bridge, BridgeError
from stm32emu.netbridge.forward import Forward


@pytest.mark.parametrize("proto", ["tcp", "udp"])
def test_a_port_in_use_is_said_and_no_other_stays_open(proto: str) -> None:
    kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
    before = open_files()
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if proto == "tcp":
            other.listen()
        port = other.getsockname()[1]
        bridge = Bridge([Forward(0, 1), Forward(0, 2, "udp"), Forward(port, 3, "tcp" if proto == "tcp" else "udp")])
        with pytest.raises(BridgeError, match=rf"{proto.upper()} port {port} on 127.0.0.1 is in use by another"):
            bridge.open()
    assert open_files() == before


def test_an_address_of_another_machine_is_the_users_mistake() -> None:
    with pytest.raises(BridgeError, match=r"this machine has no address '192\.0\.2\.1' to listen on: correct --bind"):
        Bridge([Forward(0, 1)], bind="192.0.2.1").open()
