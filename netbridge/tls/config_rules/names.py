# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules about any option: what mbedTLS refuses, does not know, or takes otherwise than it is meant."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from ..config import Option
from ..mbedtls_options import OPTIONS, known
from ..severity import Severity
from .advice import Advice
from .build import Build


def refused_by_mbedtls(build: Build) -> Iterator[Advice]:
    """`#error` of the headers, mbedTLS's own check_config.h above all, if they were found."""
    for place, text in build.config.errors:
        yield Advice(Severity.ERROR, f"{place}: #error {text}", "the compiler stops here", "define what it asks for")


def flag_defined_as_zero(build: Build) -> Iterator[Advice]:
    for name, option in build.config.options.items():
        if name in OPTIONS and OPTIONS[name].flag and build.config.number(name, 1) == 0:
            yield Advice(
                Severity.WARNING,
                f"MBEDTLS_{name} 0 turns it on",
                "mbedTLS asks with defined(), so the value does not count",
                f"remove the line to turn it off, or write #define MBEDTLS_{name} to say that it is on",
                option,
            )


def not_an_option(build: Build) -> Iterator[Advice]:
    for name, option in build.config.options.items():
        if not known(name, build.version) and not _derived(option, build):
            others = ", ".join(OPTIONS[name].versions) if name in OPTIONS else ""
            near = get_close_matches(name, [other for other in OPTIONS if known(other, build.version)], 1, 0.85)
            meant = f": MBEDTLS_{near[0]} is meant?" if near and not others else ""
            yield Advice(
                Severity.WARNING,
                f"MBEDTLS_{name} is no option of mbedTLS {build.version}",
                f"only {others} has it" if others else "no configuration header of 2.16, 2.28, 3.0 or 3.6 lists it",
                f"remove it{meant}" if meant or others else "remove it, unless code of your own uses it",
                option,
            )


def _derived(option: Option, build: Build) -> bool:
    """Whether mbedTLS's own headers define it, from other options."""
    return option.place.file != build.config.path and Path(option.place.file).parent.name in ("mbedtls", "psa")


RULES = (refused_by_mbedtls, flag_defined_as_zero, not_an_option)
