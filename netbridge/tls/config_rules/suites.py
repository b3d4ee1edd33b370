# SPDX-License-Identifier: GPL-2.0-or-later
"""The rule about suites that nobody can negotiate."""

from __future__ import annotations

from collections.abc import Iterator

from ..severity import Severity
from .abilities import missing_for_suite
from .advice import Advice
from .build import Build


def suites_that_cannot_be(build: Build) -> Iterator[Advice]:
    option = build.config.options.get("SSL_CIPHERSUITES")
    if option is None:
        return
    suites = build.config.words("SSL_CIPHERSUITES")
    missing = {suite: missing_for_suite(suite, build) for suite in suites}
    if all(missing.values()):
        what = "none of MBEDTLS_SSL_CIPHERSUITES can be negotiated"
        why = "; ".join(f"{suite} needs {' and '.join(needs)}" for suite, needs in missing.items())
        yield Advice(
            Severity.ERROR, what, f"every handshake ends with alert 40: {why}", "define what they need", option
        )
        return
    for suite, needs in missing.items():
        if needs:
            what = f"{suite} is listed and can never be negotiated"
            yield Advice(
                Severity.WARNING, what, f"it needs {' and '.join(needs)}", "define it, or drop the suite", option
            )


RULES = (suites_that_cannot_be,)
