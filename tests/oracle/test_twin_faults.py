# SPDX-License-Identifier: GPL-2.0-or-later
"""What seven clients do about each scripted fault of the TLS server, as measured; docs/twin.md has the same table."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from stm32emu.netbridge.tls.ecdsa import parse_signature
from stm32emu.netbridge.tls.messages import EcdheKeyExchange, ServerHello
from stm32emu.netbridge.tls.observer import Observer
from stm32emu.netbridge.tls.server import Server
from stm32emu.netbridge.tls.transcript import Moment, Side
from stm32emu.netbridge.tls.twin.drbg import SeededSource
from stm32emu.netbridge.tls.twin.faults import FAULTS, FaultError, IgnoredLimit, parse_fault
from stm32emu.netbridge.tls.twin.policy import Policy
from twin_clients import CLIENTS, Visit
from twin_flights import NOW, Client, make_server
from twin_server import Authority, Twin, identity_of, make_site, serving

# A number is the alert that the client sends, "page" that it notices nothing, "close" that it closes without a word,
# "server 20" the alert that it is sent, "closed" and "waits" what it makes of a server that says no more.
COLUMNS = ("openssl", "gnutls", "curl", "ssl_client2", "python", "tlslite", "nss")
REACTIONS: dict[str, tuple[str, ...]] = {
    "point-off-curve": ("47", "47", "47", "close", "47", "47", "47"),
    "bad-signature": ("51",) * 7,
    "corrupt-arithmetic": ("47", "51", "47", "51", "47", "51", "51"),
    "wrong-key": ("51",) * 7,
    "unknown-curve": ("47", "47", "47", "47", "47", "47", "40"),
    "unknown-hash": ("47", "40", "47", "47", "47", "47", "47"),
    "unoffered-suite": ("47", "40", "47", "80", "47", "47", "47"),
    "unasked-extension": ("page", "page", "page", "page", "page", "page", "110"),
    "wrong-version": ("70", "70", "47", "47", "70", "70", "70"),
    "no-certificate": ("50", "50", "50", "50", "50", "47", "42"),
    "oversized-record": ("22", "22", "22", "close", "22", "22", "22"),
    "ignored-limit": ("22", "page", "page", "page", "page", "page", "page"),
    "truncated-flight": ("closed",) * 7,
    "stall": ("waits",) * 7,
    "repeat-random": ("page",) * 7,
    "wrong-secret": ("server 20",) * 7,
    "bad-finished": ("51",) * 7,
    "bad-record-mac": ("20",) * 7,
}
WORDS = {"served": "page", "closed": "closed", "closed by the client": "close", "dropped: the server had": "waits"}


@pytest.fixture(scope="module")
def twin(authority: Authority) -> Iterator[Twin]:
    leaf = authority.issue("localhost", ec.generate_private_key(ec.SECP256R1()))
    with serving(make_site([identity_of(leaf, authority.root)], Policy(groups=(23,)))) as running:
        yield running


def reaction(line: str) -> str:
    """In the words of REACTIONS."""
    said = line.split("  ", 1)[1]
    alert = re.match(r"(\d+) \w+: (sent by the peer)?", said)
    if alert:
        return alert[1] if alert[2] else f"server {alert[1]}"
    return next(word for start, word in reversed(WORDS.items()) if said.startswith(start))


def visited(twin: Twin, name: str, visit: Visit) -> str:
    """The client's reaction, once the server has nobody left."""
    more = {"openssl": ("-maxfraglen", "512"), "ssl_client2": ("max_frag_len=512",)}.get(name, ())
    limited = more if isinstance(twin.site.conduct, IgnoredLimit) else ()
    with suppress(OSError):  # Python's ssl says it so
        CLIENTS[name](visit, *limited)
    due = time.monotonic() + 20
    while twin.listener.open and time.monotonic() < due:
        time.sleep(0.01)
    return reaction(twin.lines[-1])


def test_the_table_is_complete() -> None:
    assert list(REACTIONS) == [fault.name for fault in FAULTS]
    assert tuple(CLIENTS) == COLUMNS
    text = (Path(__file__).resolve().parents[2] / "docs" / "twin.md").read_text()
    for fault in FAULTS:
        assert f"| `{fault.usage}` | {fault.help} |" in text
        assert f"| {fault.name} | {' | '.join(REACTIONS[fault.name])} |" in text


@pytest.mark.parametrize("fault", [name for name in REACTIONS if name != "stall"])
def test_clients_react(fault: str, twin: Twin, authority: Authority) -> None:
    seen = []
    for name in COLUMNS:
        twin.site.conduct = parse_fault(fault)
        seen.append(visited(twin, name, Visit(twin.port, authority.root.crt)))
    assert tuple(seen) == REACTIONS[fault]


def test_clients_wait_for_a_server_that_stalls(authority: Authority) -> None:
    """All at once, each with a server of its own, whose patience is long enough for a hello to be said."""
    leaf = authority.issue("localhost", ec.generate_private_key(ec.SECP256R1()))

    def stalled(name: str) -> str:
        with serving(make_site([identity_of(leaf)], conduct=parse_fault("stall=1")), patience=5) as twin:
            return visited(twin, name, Visit(twin.port, authority.root.crt))

    with ThreadPoolExecutor(len(COLUMNS)) as visitors:
        assert tuple(visitors.map(stalled, COLUMNS)) == REACTIONS["stall"]


def exchange(server: Server) -> tuple[bytes, bytes, int]:
    """Server random, point, and r of the signature."""
    observer = Observer()
    hello = Client().flight(b"")
    observer.receive(Side.CLIENT, hello, Moment(0))
    server.receive(hello)
    observer.receive(Side.SERVER, server.take_output(), Moment(0))
    chosen, sent = observer.transcript.message(ServerHello), observer.transcript.message(EcdheKeyExchange)
    assert chosen is not None
    assert sent is not None
    signature = parse_signature(sent.signature or b"")
    assert signature is not None
    return chosen.random, sent.point, signature.r


def test_repeat_random_repeats_everything_random() -> None:
    conduct, policy = parse_fault("repeat-random"), Policy(groups=(23,), suites=(0xC02B,))
    first = make_server(policy, conduct)
    assert exchange(first) == exchange(Server(first._site, SeededSource(b"another"), NOW))
    good = make_server(policy)
    assert exchange(good) != exchange(Server(good._site, SeededSource(b"another"), NOW))


BAD_FAULTS = {
    "": "there is no fault ''; there are point-off-curve, ",
    "no-such": "there is no fault 'no-such'; there are point-off-curve, ",
    "wrong-key=1": "the fault wrong-key takes no number",
    "stall=": "stall[=MESSAGES] needs a number from 0 to 20, not ''",
    "stall=21": "stall[=MESSAGES] needs a number from 0 to 20, not '21'",
    "unknown-curve=0x10000": "unknown-curve[=CODE] needs a number from 0 to 65535, not '0x10000'",
    "truncated-flight=two": "truncated-flight[=MESSAGES] needs a number from 0 to 20, not 'two'",
}


@pytest.mark.parametrize("word", BAD_FAULTS)
def test_faults_that_there_are_not(word: str) -> None:
    with pytest.raises(FaultError, match="^" + re.escape(BAD_FAULTS[word])):
        parse_fault(word)
