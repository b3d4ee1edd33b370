# SPDX-License-Identifier: GPL-2.0-or-later
"""What a suite needs of mbedTLS's configuration, and the rule about suites that nobody can negotiate."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..severity import Severity
from .advice import Advice, Device

NEEDED = (
    (r"AES_(128|256)", ("AES_C",)),
    (r"CAMELLIA", ("CAMELLIA_C",)),
    (r"ARIA", ("ARIA_C",)),
    (r"3DES", ("DES_C",)),
    (r"RC4", ("ARC4_C",)),
    (r"NULL", ("CIPHER_NULL_CIPHER",)),
    (r"_GCM", ("GCM_C",)),
    (r"_CCM", ("CCM_C",)),
    (r"_CBC", ("CIPHER_MODE_CBC",)),
    (r"CHACHA20", ("CHACHAPOLY_C",)),
    (r"SHA384$", ("SHA512_C", "SHA384_C")),
    (r"SHA256$", ("SHA256_C",)),
    (r"SHA$", ("SHA1_C",)),
    (r"MD5$", ("MD5_C",)),
)
"""Part of a suite's name -> the options of which it needs one."""


def missing_for(suite: str, device: Device) -> list[str]:
    """The options that a suite (TLS_..., RFC name) would need and that are not defined, without MBEDTLS_."""
    exchange = re.match(r"TLS_(\w+?)_WITH_", suite)
    groups: list[tuple[str, ...]] = [(f"KEY_EXCHANGE_{exchange[1]}_ENABLED",)] if exchange else []
    groups += [options for pattern, options in NEEDED if re.search(pattern, suite)]
    return [options[0] for options in groups if not any(option in device.config for option in options)]


def suites_that_cannot_be(device: Device) -> Iterator[Advice]:
    option = device.config.options.get("SSL_CIPHERSUITES")
    if option is None:
        return
    suites = device.config.words("SSL_CIPHERSUITES")
    missing = {suite: missing_for(suite, device) for suite in suites}
    if all(missing.values()):
        what = "none of MBEDTLS_SSL_CIPHERSUITES can be negotiated"
        why = "; ".join(f"{suite} needs {_names(options)}" for suite, options in missing.items())
        yield Advice(
            Severity.ERROR, what, f"every handshake ends with alert 40: {why}", "define what they need", option
        )
        return
    for suite, options in missing.items():
        if options:
            what = f"{suite} is listed and can never be negotiated"
            yield Advice(Severity.WARNING, what, f"it needs {_names(options)}", "define it, or drop the suite", option)


def _names(options: list[str]) -> str:
    return " and ".join(f"MBEDTLS_{option}" for option in options)


RULES = (suites_that_cannot_be,)
