# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a handshake ends without a word: the last message tells what the device was doing."""

from __future__ import annotations

from stm32emu.netbridge.tls.cursor import Malformed
from stm32emu.netbridge.tls.evidence import Check, Evidence, Stage
from stm32emu.netbridge.tls.names import alert_name
from stm32emu.netbridge.tls.rules.limits import is_garbage
from stm32emu.netbridge.tls.transcript import End, Side
from stm32emu.netbridge.tls.verdict import Case, Verdict, connections

INTERNAL_ERROR = 80
NOT_WIRE = "the wire cannot tell which"
DOING = {
    Stage.NOTHING: "waiting for the ClientHello",
    Stage.CLIENT_HELLO: "setting up the connection",
    Stage.SERVER_HELLO: "sending its Certificate",
    Stage.CERTIFICATE: "computing its ServerKeyExchange",
    Stage.KEY_EXCHANGE: "ending its flight",
    Stage.HELLO_DONE: "reading the client's flight",
    Stage.CLIENT_KEY: "computing the shared secret",
    Stage.CLIENT_FINISHED: "computing the shared secret",
    Stage.COMPLETE: "reading the client's data",
}
MAY_BE = {Stage.CLIENT_FINISHED: "arithmetic or a Finished altered on its way"}
CODES = {
    Stage.CLIENT_HELLO: "-0x7f00 on its console is memory, -0x0034 the RNG",
    Stage.CERTIFICATE: "-0x0010 on its console is memory, -0x0034 and -0x4d00 the RNG, -0x4c80 arithmetic",
    Stage.CLIENT_KEY: "-0x7d00 on its console; --check alloc sees memory",
}


def no_tls(case: Case) -> Verdict | None:
    """Row 10b: plain HTTP and the like."""
    latest = case.latest
    if latest is None or not is_garbage(latest) or latest.transcript.midway:
        return None
    first = next(event.item for event in latest.transcript.events if isinstance(event.item, Malformed))
    return Verdict(
        "not-tls",
        "the client does not speak TLS.",
        (f"on connection {latest.number}: {first.reason}",),
        "it sees the connection close; mbedTLS's server reports -0x7900 or -0x7200",
        "the device: nothing was computed yet",
        "use https:// or another TLS client on this port",
    )


def crashed(case: Case) -> Verdict | None:
    """Row 7 and others, when the run says so."""
    latest = case.latest
    if latest is None or not case.device.crashed or latest.ending != (Side.SERVER, End.CUT):
        return None
    checks = "stm32emu run ... --check stack,heap" if not case.device.checks else "the crash report above"
    return Verdict(
        "crashed",
        f"the device crashed while {DOING[latest.stage]}.",
        (f"on connection {latest.number}: {case.device.crashed}", *case.found),
        "every client sees the connection close or time out",
        "certificates, dates, host name",
        checks,
    )


def device_is_silent(case: Case) -> Verdict | None:
    """Rows 1c, 3c and 7: it hangs."""
    silent = [each for each in case.failed if each.stopped(Side.SERVER) and each.stage > Stage.NOTHING]
    if not silent or case.latest is None or not case.latest.stopped(Side.SERVER):
        return None
    latest = silent[-1]
    return Verdict(
        "device-silent",
        f"the device falls silent while {DOING[latest.stage]}: it hangs, or is that slow.",
        (f"nothing comes after that on {connections(silent)}", *case.found),
        "every client waits until it gives up",
        "certificates, dates, host name",
        "stm32emu run ... --watchdog 20s --check alloc,stack" if not case.found else "the findings above",
    )


def client_is_silent(case: Case) -> Verdict | None:
    """Row 10c: the peer stalls."""
    latest = case.latest
    if latest is None or not latest.stopped(Side.CLIENT):
        return None
    slow = latest.ending is not None and latest.ending[1] is End.SLOW
    return Verdict(
        "client-silent",
        f"the client {'dawdles' if slow else 'falls silent'} in the middle of the handshake.",
        (f"on connection {latest.number}, while the device is {DOING[latest.stage]}",),
        "mbedTLS's server waits, or gives up with -0x6800 if it has a timeout",
        "the device: it is the client's turn",
        "look at the client; give the device a read timeout",
    )


def client_left(case: Case) -> Verdict | None:
    """Row 10d: RST or FIN."""
    latest = case.latest
    if latest is None or not latest.left(Side.CLIENT):
        return None
    how = "resets" if latest.ending == (Side.CLIENT, End.RESET) else "closes"
    return Verdict(
        "client-left",
        f"the client {how} the connection in the middle of the handshake.",
        (f"on connection {latest.number}, while the device is {DOING[latest.stage]}; it gives no reason",),
        "mbedTLS's server reports -0x0050 (reset) or -0x7280 (closed)",
        "the device, as far as it came",
        "look at the client's own output",
    )


def client_flight(case: Case) -> Verdict | None:
    """Row 10e: the client's own point is wrong."""
    latest = case.latest
    if latest is None or latest.client_point is not Check.BAD or latest.point is Check.BAD:
        return None
    return Verdict(
        "client-flight-altered",
        "the client's flight is wrong: its point is not on the curve.",
        (f"on connection {latest.number}: the ClientKeyExchange is not on {latest.curve}", "the device's point is"),
        "the device closes the connection; mbedTLS's server reports -0x7d00",
        "the device: its point and signature are right",
        "look at the client, and at what lies between it and the device",
    )


def internal_error(case: Case) -> Verdict | None:
    """Row 6, where the device says so."""
    latest = case.latest
    if latest is None or latest.alert != (Side.SERVER, INTERNAL_ERROR):
        return None
    return Verdict(
        "internal-error",
        f"the device fails while {DOING[latest.stage]} and says so: most likely it has no memory.",
        (f"it sends 80 (internal_error) on connection {latest.number}", *case.found),
        "every client sees alert 80",
        "certificates, dates, host name",
        _check(case),
    )


def device_gives_up(case: Case) -> Verdict | None:
    """Rows 1b, 2c, 3b and 6: it closes the connection where it should have gone on."""
    latest = case.latest
    if latest is None or not latest.left(Side.SERVER):
        return None
    name, missing = _gave_up(latest)
    good = [each for each in case.evidence if each.sound]
    before = (f"{connections(good)} went well",) if good else ()
    memory = any("no memory" in text for text in case.device.findings.values())
    others = MAY_BE.get(latest.stage, "RNG or arithmetic")
    cause = "it has no memory" if memory else f"memory, {others}, and {NOT_WIRE}"
    return Verdict(
        "out-of-memory" if memory else name,
        f"the device gives up while {DOING[latest.stage]}: {cause}.",
        (f"{missing} on connection {latest.number}", *before, *case.found),
        "every client sees the connection close (OpenSSL then sends 50, which is no diagnosis)",
        "dates, host name, the client",
        "give the device's heap more room, or find what does not free" if memory else _check(case, latest.stage),
    )


def _gave_up(evidence: Evidence) -> tuple[str, str]:
    if evidence.stage <= Stage.CLIENT_HELLO:
        return "no-server-hello", "it closes without a ServerHello"
    if evidence.stage <= Stage.CERTIFICATE:
        return "no-key-exchange", "it closes without a ServerKeyExchange"
    if evidence.stage is Stage.COMPLETE:
        return "no-answer", "it closes after the client's data"
    return "no-shared-secret", "it closes after the client's flight, whose point is right"


def _check(case: Case, stage: Stage = Stage.NOTHING) -> str:
    code = CODES.get(Stage.CLIENT_KEY if stage > Stage.CERTIFICATE else stage)
    return "; ".join(["stm32emu run ... --check alloc,heap,stack", *([code] if code else [])])


def any_alert(case: Case) -> Verdict | None:
    """An alert that no other rule knows."""
    latest = case.latest
    if latest is None or latest.alert is None:
        return None
    side, description = latest.alert
    point = "right" if latest.sound else latest.point.value
    return Verdict(
        "alert",
        f"the {side.value} ends the handshake with alert {alert_name(description)}.",
        (f"on connection {latest.number}; the device's point and signature are {point}",),
        "stm32emu atlas lists what makes clients send it",
        "",
        f"stm32emu atlas --{'openssl' if latest.client == 'openssl' else 'mbedtls'} {description}",
    )
