# SPDX-License-Identifier: GPL-2.0-or-later
"""What a difference between a device and its twin means: by the message and field where it is."""

from __future__ import annotations

from collections.abc import Mapping

_COMPILED = "the firmware was compiled with another config.h, or a run-time setter changes what that says"

FIELDS: Mapping[tuple[str, str], str] = {
    ("ClientHello", "suites"): "the client did not ask both for the same, so what follows cannot be compared",
    ("ClientHello", "extensions"): "the client did not ask both for the same, so what follows cannot be compared",
    ("ServerHello", "suite"): f"the device has or prefers other suites: {_COMPILED} (mbedtls_ssl_conf_ciphersuites)",
    ("ServerHello", "version"): f"the device speaks another version: {_COMPILED}",
    ("ServerHello", "bytes of its session id"): "one of them resumes sessions by ticket, the other does not",
    ("ServerHello", "extensions"): f"the device agrees to other extensions: {_COMPILED}",
    ("Certificate", "certificates"): "the device sends another chain than the twin was given with --cert",
    ("Certificate", "certificate 1"): "the device has another certificate than the twin: is it the right build?",
    ("ServerKeyExchange", "curve"): f"the device has or prefers other curves: {_COMPILED} (mbedtls_ssl_conf_curves)",
    ("ServerKeyExchange", "signature algorithm"): f"the device has other hashes: {_COMPILED}",
    ("ServerKeyExchange", "point"): "the device computes its key share wrongly: arithmetic, or the memory it works in",
    ("ServerKeyExchange", "signature"): "the device signs wrongly: with another key than its certificate's, or with "
    "arithmetic or memory that are not sound",
    ("CertificateRequest", "signature algorithms"): f"the device has other hashes or kinds of keys: {_COMPILED}",
    ("CertificateRequest", "certificate types"): f"the device has other kinds of keys: {_COMPILED}",
    ("CertificateRequest", "authorities"): "the device trusts others than the twin was given with --ca",
    ("", "form"): "one of them sends what cannot be read",
    ("", "records"): "the device cuts the message into records otherwise: its limits are others, or it has none",
    ("", "bytes of its longest record"): "the message or the limit of its records differ",
    ("", "bytes of its record"): "the encryption of the record differs",
}
"""By message and field; "" stands for any message."""

STEPS: Mapping[str, str] = {
    "close": "the device gave up and said nothing: what its console and stm32emu run --trace mbedtls say comes next",
    "reset": "the device gave up and reset the connection: what its console and stm32emu run --trace mbedtls say comes "
    "next",
    "silence": "the device hangs: stm32emu run --watchdog 20s shows where",
    "CertificateRequest": "the device asks clients for a certificate, and the twin does not: its code says so, not its "
    "config.h; give --client-auth optional or required",
    "": "the device's connection ends earlier",
}
"""By what the device does instead of the twin's message."""

MISSING = "the two part ways here"
