# SPDX-License-Identifier: GPL-2.0-or-later
"""Explains the TLS connections in a capture of a real device, or of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from stm32emu.certificate_files import certificates_in
from stm32emu.errors import UserError, as_user_errors
from stm32emu.files import read_file
from stm32emu.netbridge.capture import CaptureError, read_capture, read_secrets, transport_of
from stm32emu.netbridge.tls.certificate import Certificate
from stm32emu.netbridge.tls.config import ConfigError, read_config
from stm32emu.netbridge.tls.config_rules import Build
from stm32emu.netbridge.tls.config_rules.abilities import device_of
from stm32emu.netbridge.tls.device import Device
from stm32emu.netbridge.tls.explainer import Explainer, Report
from stm32emu.netbridge.tls.key_log import parse_key_log
from stm32emu.netbridge.tls.private_key import KeyFileError, read_private_key


@dataclass(frozen=True)
class Known:
    """Files of the device: its certificate, private key, the CA that clients trust, mbedTLS's config.h, a key log."""

    cert: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    config: Path | None = None
    keylog: Path | None = None


def explain_capture(path: Path, known: Known, report: Callable[[Report], None]) -> dict[str, Any]:
    """Pass each connection's report on; the last connections and the verdict as data. Raises UserError."""
    configured, roots = _configured(known), certificates_in(known.ca)
    device, chain, keys = replace(configured, roots=roots), certificates_in(known.cert), _keys(known, roots)
    data = read_file(path, "capture")
    secrets = _secrets(known.keylog) if known.keylog else {}
    explainer = Explainer(report, device=lambda: device, keys=lambda: keys, chain=lambda: chain, secrets=secrets)
    now, empty = 0, True
    with as_user_errors(CaptureError, where=str(path)):
        secrets.update(parse_key_log(read_secrets(data)))
        for packet in read_capture(data):
            empty = False
            now = max(now, packet.time)  # interfaces are not always in order
            transport = transport_of(packet)
            if transport is not None:
                explainer.receive(transport, now)
    if empty:
        raise UserError(f"{path}: there is no whole packet in it; it is empty or was cut off, so capture again")
    explainer.end(now)
    if not explainer.evidence:
        raise UserError(f"{path}: there is no TLS connection in it; capture on the interface that the client uses")
    return explainer.to_data()


def _secrets(path: Path) -> dict[bytes, bytes]:
    secrets = parse_key_log(read_file(path, "key log"))
    if not secrets:
        raise UserError(f"{path}: there is no CLIENT_RANDOM line in it; give a key log with TLS 1.2's secrets")
    return secrets


def _configured(known: Known) -> Device:
    with as_user_errors(ConfigError):
        return device_of(Build.of(read_config(known.config))) if known.config else Device()


def _keys(known: Known, roots: tuple[Certificate, ...]) -> dict[str, PublicKeyTypes]:
    """Under which a signature may verify although it should not."""
    keys: dict[str, PublicKeyTypes] = {}
    for authority in roots:
        if authority.public_key:
            keys[f"the key of {authority.label}, {known.ca}"] = authority.public_key
    with as_user_errors(KeyFileError):
        if known.key:
            keys[f"the private key {known.key}"] = read_private_key(known.key).public_key()
    return keys
