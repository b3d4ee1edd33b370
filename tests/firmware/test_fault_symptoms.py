# SPDX-License-Identifier: GPL-2.0-or-later
"""Injected faults show, to both clients of the report, what mbedTLS servers with these faults show; `row` is the number
that the fault has in the table that these symptoms were measured for."""

from __future__ import annotations

import json
import os
import socket
import struct
from pathlib import Path

import pytest

from hellos import Handshake, server_handshakes
from runs import IMAGES, PATIENCE, free_port, running
from stm32emu.chips import find_chip
from stm32emu.cpu import Reason
from stm32emu.elf import load_firmware
from stm32emu.machine import Machine
from stm32emu.symbols import Symbols
from symptoms import observe
from test_console import stm32emu
from test_tls_clients import page, s_client
from tls_exchange import MemoryClient

SERVER = IMAGES / "tls_server.elf"
RAW = IMAGES / "tls_server-hardware-rng.elf"  # its randomness is the generator's, without a DRBG
CLIENTS = ("openssl", "ssl_client2")
CONNECTIONS = int(os.environ.get("STM32EMU_CONNECTIONS", "2"))
RUNS = int(os.environ.get("STM32EMU_RUNS", "1"))
"""Each with another seed."""
GOOD = {"openssl": "page", "ssl_client2": "page", "server": ""}
NO_CERTIFICATE = {"openssl": (), "ssl_client2": ("crt_file=none", "key_file=none")}
"""Verifying one is optional here and takes 100 000 allocations, any of which may fail without consequence."""
CLOSED = {"openssl": "EOF", "ssl_client2": "-0x7280"}


def faulty(elf: Path, *faults: str, capture: Path | None = None, seed: int = 0) -> list[str]:
    """The words of a run."""
    injected = [word for fault in faults for word in ("--fault", fault)]
    captured = ["--pcap", str(capture)] if capture else []
    return [str(elf), "--port", f"{free_port()}:4433", "--seed", str(seed), *injected, *captured]


def one_random_and_no_key_exchange(*handshakes: Handshake) -> None:
    """Row 2a: the server stops where it needs its ephemeral key."""
    assert {each.random for each in handshakes} in ({bytes(32)}, {b"\xff" * 32})
    assert all(each.messages == ["ServerHello", "Certificate"] for each in handshakes)


def one_key_and_nonce(*handshakes: Handshake) -> None:
    """Row 2b: nobody notices, and the private key follows from two signatures with one nonce."""
    (numbers,) = {(each.random, each.point, each.r) for each in handshakes}
    assert all(numbers)


def different_keys_and_nonces(*handshakes: Handshake) -> None:
    """What the two above would see of a healthy server."""
    for numbers in zip(*((each.random, each.point, each.r) for each in handshakes), strict=True):
        assert len(set(numbers)) == len(handshakes)


def without_upper_bits(*handshakes: Handshake) -> None:
    """Eight words as the generator gave them, each without its upper bits."""
    words = [word for each in handshakes for word in struct.unpack("<8I", each.random)]
    assert 1 << 16 < max(words) < 1 << 20


def no_hello(*handshakes: Handshake) -> None:
    """Row 2c, at once: a server without a random number says nothing."""
    assert handshakes == ()


GENERATOR = {
    "healthy": ((), GOOD, different_keys_and_nonces, "nothing-wrong"),
    "2a all zeros": (("rng=stuck:0",), CLOSED | {"server": "-0x4d00"}, one_random_and_no_key_exchange, "rng-stuck"),
    "2a all ones": (
        ("rng=stuck:0xffffffff",), CLOSED | {"server": "-0x4d00"}, one_random_and_no_key_exchange, "rng-stuck",
    ),
    "2b one word": (("rng=stuck",), GOOD, one_key_and_nonce, "rng-repeats"),
    "2b the same sequence per connection": (("rng=repeat",), GOOD, one_key_and_nonce, "rng-repeats"),
    "a bias": (("rng=bias:12bit",), GOOD, without_upper_bits, "rng-biased"),
    "2c seed error": (("rng=seed-error@100ms",), CLOSED | {"server": "-0x0034"}, no_hello, "no-server-hello"),
    "2c clock error": (("rng=clock-off@100ms",), CLOSED | {"server": "-0x0034"}, no_hello, "no-server-hello"),
}  # fmt: skip
"""Faults, symptoms, what the capture shows, and the run's verdict."""


def verdict(summary: Path) -> str:
    """The run's, from its JSON."""
    return str(json.loads(summary.read_text())["tls"]["verdict"]["id"])


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("row", GENERATOR)
def test_a_bad_generator_on_first_and_later_connections(row: str, client: str, tmp_path: Path) -> None:
    faults, expected, check, said = GENERATOR[row]
    capture, summary = tmp_path / "run.pcapng", tmp_path / "run.json"
    with running(*faulty(RAW, *faults, capture=capture), "--json", str(summary)) as run:
        for fault in faults:
            run.wait_for(f"fault {fault} begins", of=lambda: run.log)
        seen = [observe(run, client, NO_CERTIFICATE[client]) for _connection in range(CONNECTIONS)]
    assert seen == [(expected[client], expected["server"])] * CONNECTIONS
    check(*server_handshakes(capture))
    assert verdict(summary) == said


@pytest.mark.parametrize("fault", ["rng=seed-error", "rng=clock-off"])
def test_2e_a_server_that_cannot_seed_its_drbg_never_listens(fault: str) -> None:
    code, console, log = stm32emu(str(SERVER), "--fault", fault, "--duration", "2s")
    assert code == 0
    assert b"tls: ctr_drbg_seed: -0x0034" in console
    assert b"listening" not in console
    assert f"fault {fault} begins at 0.000 s" in log


def test_a_generator_that_recovers() -> None:
    """The driver's recovery is the manual's (RM0090 24.3.2): connections are good again once the fault has ended."""
    with running(*faulty(RAW, "rng=seed-error@100ms..300ms")) as run:
        run.wait_for("rng=seed-error@100ms..300ms ends", of=lambda: run.log)
        run.port()
        first, second = (observe(run, "openssl") for _connection in range(2))
    assert first in [("EOF", "-0x0034"), ("page", "")], "the flag may still be there once"
    assert second == ("page", "")


def test_2c_an_error_during_the_computation_leaves_no_key_exchange(tmp_path: Path) -> None:
    """The client is there before the server listens, so the handshake begins at once and lasts beyond the fault."""
    capture = tmp_path / "2c.pcapng"
    with running(*faulty(RAW, "rng=seed-error@600ms", capture=capture)) as run:
        assert observe(run, "openssl") == ("EOF", "-0x0034")
    (handshake,) = server_handshakes(capture)
    assert handshake.messages == ["ServerHello", "Certificate"]


def server_random(seed: int, *faults: str, elf: Path = SERVER) -> bytes:
    """Of the first connection after a start."""
    with (
        running(*faulty(elf, *faults, seed=seed)) as run,
        socket.create_connection(("127.0.0.1", run.port()), PATIENCE) as connection,
    ):
        connection.sendall(MemoryClient().flight())
        return Handshake().read(connection.recv(4096)).random


def test_2d_constant_entropy_behind_a_drbg_repeats_across_starts_only() -> None:
    """Two boards, or one board that starts twice: other noise (--seed), but one constant word of entropy."""
    first, second = (server_random(seed, "rng=stuck:0x5eed5eed") for seed in (1, 2))
    assert first == second != b""
    assert len({first, server_random(1), server_random(2)}) == 3


@pytest.mark.parametrize(
    ("faults", "said"), [(("rng=stuck:0x5eed5eed",), "rng-repeats-across-runs"), ((), "nothing-wrong")]
)
def test_2d_is_seen_by_who_remembers(faults: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """The first connection of each of several starts."""
    for seed in range(1 + RUNS):
        summary = tmp_path / "run.json"
        words = ("--remember", str(tmp_path / "numbers"), "--json", str(summary))
        with running(*faulty(SERVER, *faults, seed=seed), *words) as run:
            page(s_client(run.port()))
        assert verdict(summary) == (said if seed else "nothing-wrong")


@pytest.fixture(scope="module")
def boot_allocations() -> int:
    """How often the server calls mbedtls_calloc before the first connection."""
    machine = Machine(load_firmware(SERVER), find_chip("f407"))
    calls: list[int] = []
    calloc = Symbols.from_elf(SERVER).address("mbedtls_calloc")
    assert calloc is not None
    machine.cpu.watch(calloc, calls.append)
    end = 100_000_000
    while machine.clock.now < end:
        if machine.run(end) is Reason.SLEEP:
            machine.sleep(end)
    return len(calls)


ALLOCATIONS = {
    "set-up": (1, CLOSED | {"server": "-0x7f00"}, "no-server-hello"),
    "ClientHello": (6, {"openssl": "80 received", "ssl_client2": "-0x7780", "server": "-0x7f00"}, "internal-error"),
    "the next one": (7, CLOSED | {"server": "-0x0010"}, "no-key-exchange"),
    "ServerKeyExchange": (1000, CLOSED | {"server": "-0x0010"}, "no-key-exchange"),
    "ClientKeyExchange": (75_000, CLOSED | {"server": "-0x7d00"}, "no-shared-secret"),
}
"""Which allocation of the first connection fails, and the verdict; one alone makes the server send an alert."""


@pytest.mark.parametrize("seed", range(RUNS))
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("stage", ALLOCATIONS)
def test_6_an_allocation_that_fails(stage: str, client: str, seed: int, boot_allocations: int, tmp_path: Path) -> None:
    number, expected, said = ALLOCATIONS[stage]
    summary = tmp_path / "run.json"
    fault = f"alloc=fail:{boot_allocations + number}"
    with running(*faulty(SERVER, fault, seed=seed), "--json", str(summary)) as run:
        assert observe(run, client, NO_CERTIFICATE[client]) == (expected[client], expected["server"])
        assert "mbedtls_calloc returns NULL to " in run.log
        if stage == "ServerKeyExchange":
            assert observe(run, client, NO_CERTIFICATE[client]) == ("page", ""), "one failure leaves nothing behind"
    assert verdict(summary) == said


def test_a_check_sees_an_injected_failure_as_one_of_the_allocators(boot_allocations: int) -> None:
    with running(*faulty(SERVER, f"alloc=fail:{boot_allocations + 7}"), "--check", "alloc") as run:
        observe(run, "openssl")
        run.wait_for("alloc: mbedtls_calloc had no memory: NULL for ", of=lambda: run.log)


def test_a_pulled_cable_is_seen_and_survived() -> None:
    with running(*faulty(SERVER, "eth=link-down@300ms..600ms")) as run:
        run.wait_for("link down", of=lambda: run.console)
        run.wait_for("link down[^!]*link up", of=lambda: run.console)
        page(s_client(run.port()))
    assert "fault eth=link-down@300ms..600ms ends at 0.600 s" in run.log


def test_a_handshake_over_a_bad_cable() -> None:
    faults = ("eth=loss:2%", "eth=reorder:5%", "eth=corrupt:2%", "eth=delay:2ms")
    with running(*faulty(SERVER, *faults)) as run:
        assert observe(run, "openssl") == ("page", "")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--fault", "rng=stuk"], "--fault: rng has no fault 'stuk'"),
        (["--fault", "eth=loss:5%", "--chip", "f405"], "--fault eth=loss:5%: STM32F405 has no Ethernet"),
        (["--fault", "mem=flip:0x1ffff000.0@1s"], "--fault mem=flip:0x1ffff000.0@1s: STM32F407 has no memory"),
        (["--fault", "alloc=fail:my_malloc.1"], "--fault alloc=fail:my_malloc.1: tls_server.elf has no function"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(words: list[str], sentence: str) -> None:
    code, console, log = stm32emu(str(SERVER), *words)
    assert (code, console) == (2, b"")
    assert sentence in log.splitlines()[-1]
