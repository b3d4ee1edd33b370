# SPDX-License-Identifier: GPL-2.0-or-later
"""mbedTLS's config.h, as the compiler sees it: which options are defined, as what, and where.

A real preprocessor reads it, since such files have conditions, includes and macros that use other macros. Headers of
mbedTLS need not be at hand: a missing include is left out, and remembered. Nothing is executed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pcpp import Action, OutputDirective, Preprocessor

from stm32emu.netbridge.bounded import read_bounded

PREFIX = "MBEDTLS_"
TARGET = ("__GNUC__ 12", "__arm__ 1", "__ARM_ARCH 7", "CHAR_BIT 8")
"""What the compiler for the device and its <limits.h> define, as far as mbedTLS's headers ask."""
LISTED = re.compile(r"^[ \t]*(?://[ \t]*)?#[ \t]*define[ \t]+MBEDTLS_(\w+)", re.M)
VERSION_NUMBER = re.compile(r"#define\s+MBEDTLS_VERSION_NUMBER\s+0x([0-9A-Fa-f]{2})([0-9A-Fa-f]{2})[0-9A-Fa-f]{4}")
MOST_EXPANDED = 1_000_000
"""Tokens in all; mbedTLS's own headers come to a few thousand."""


class ConfigError(Exception):
    """A config.h that cannot be used; says in one sentence why."""


@dataclass(frozen=True)
class Place:
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.line}"


@dataclass(frozen=True)
class Option:
    """One macro, as the last `#define` in effect has it: its name without MBEDTLS_, and its text."""

    name: str
    text: str
    place: Place


@dataclass(frozen=True)
class Config:
    """What a config.h defines.

    `options`: by name without MBEDTLS_. `numbers`: those that are integer constant expressions, evaluated. `errors`:
    the texts of the `#error`s reached. `missing`: the includes that were not found. `listed`: all options that its text
    defines or has in comments, as mbedTLS's own does. `version`: of the mbedTLS that it lies in or that the folders for
    includes have, such as "2.28"; "" if there is none.
    """

    path: str
    options: Mapping[str, Option]
    numbers: Mapping[str, int]
    errors: tuple[tuple[Place, str], ...] = ()
    missing: tuple[str, ...] = ()
    listed: frozenset[str] = frozenset()
    version: str = ""

    def __contains__(self, name: str) -> bool:
        return name in self.options

    def number(self, name: str, default: int) -> int:
        """The value of an option; `default` if it is not defined, or no number."""
        return self.numbers.get(name, default)

    def words(self, name: str) -> tuple[str, ...]:
        """The comma-separated entries of an option that is a list, such as SSL_CIPHERSUITES; without MBEDTLS_."""
        text = self.options[name].text if name in self.options else ""
        return tuple(word.strip().removeprefix(PREFIX) for word in text.split(",") if word.strip())


class _Reader(Preprocessor):  # type: ignore[misc]  # pcpp has no types
    """A preprocessor that keeps what it is told instead of printing it."""

    def __init__(self, path: Path, folders: Iterable[Path]) -> None:
        super().__init__()
        self._path = path
        self._expanded = 0
        self.complaints: list[str] = []
        self.errors: list[tuple[Place, str]] = []
        self.missing: list[str] = []
        for name in TARGET:
            self.define(name)
        for folder in folders:
            self.add_path(str(folder))

    def on_error(self, file: str, line: int, msg: str) -> None:
        self.complaints.append(f"{Path(file).name}:{line}: {msg}")

    def on_include_not_found(self, is_malformed: bool, is_system_include: bool, curdir: str, includepath: str) -> None:
        self.missing.append(includepath)
        raise OutputDirective(Action.IgnoreAndRemove)

    def on_directive_unknown(self, directive: Any, toks: list[Any], ifpassthru: bool, precedingtoks: list[Any]) -> Any:
        if directive.value == "error":
            self.errors.append((Place(directive.source, directive.lineno), _text(toks).strip('"')))
        return True  # also #warning, #pragma and what compilers add

    def expand_macros(self, tokens: list[Any], expanding_from: Sequence[str] = ()) -> Any:
        """As pcpp does it, but with an end: a few macros that use each other twice make a text of any length."""
        expanded = super().expand_macros(tokens, list(expanding_from))
        self._expanded += len(expanded)
        if self._expanded > MOST_EXPANDED:
            raise ConfigError(f"{self._path} has macros that expand to more than {MOST_EXPANDED} words: mend them")
        return expanded

    def evalexpr(self, tokens: list[Any]) -> Any:
        """As pcpp does it, but for shifts by more than 63, which C leaves undefined and Python calculates."""
        for shift, count in pairwise(t.value for t in self.expand_macros([*map(copy, tokens)]) if t.value.strip()):
            if shift == "<<" and not re.fullmatch(r"[0-5]?\d|6[0-3]", count):
                self.complaints.append(f"a shift by {count}")
                return 0, None
        return super().evalexpr(tokens)

    def number_of(self, text: str) -> int | None:
        """An integer constant expression's value (C11 section 6.6), None for anything else."""
        tokens = self.tokenize(text)
        if not text or any(token.type == self.t_ID for token in self.expand_macros([*map(copy, tokens)])):
            return None
        before = len(self.complaints)
        value = int(self.evalexpr(tokens)[0])
        valid = len(self.complaints) == before
        del self.complaints[before:]
        return value if valid else None


def _text(tokens: Iterable[Any]) -> str:
    return " ".join("".join(token.value for token in tokens).split())


def read_config(path: Path, folders: Sequence[Path] = ()) -> Config:
    """Preprocess a config.h; `folders` are searched for what it includes.

    Raises ConfigError for a file that cannot be read, is no C header, or defines no option of mbedTLS.
    """
    try:
        text = read_bounded(path).decode(errors="replace").replace("\r\n", "\n")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if "\0" in text:  # such as an ELF: its bytes keep a preprocessor busy for minutes
        raise ConfigError(f"{path} is not a C header, but binary: give the config.h that mbedTLS is compiled with")
    reader = _preprocess(path, text, _existing(folders))
    options = _options(reader)
    if not options:
        raise ConfigError(f"{path} defines no MBEDTLS_ option: give the config.h that mbedTLS is compiled with")
    values = {name: reader.number_of(option.text) for name, option in options.items()}
    numbers = {name: value for name, value in values.items() if value is not None}
    listed = frozenset(LISTED.findall(text)) - {"CONFIG_H"}
    version = _version([path.parent, *(inner for folder in folders for inner in (folder, folder / "mbedtls"))])
    return Config(str(path), options, numbers, tuple(reader.errors), tuple(reader.missing), listed, version)


def _version(folders: Iterable[Path]) -> str:
    """By mbedTLS's version.h (2.x) or build_info.h (3.x)."""
    for path in (folder / name for folder in folders for name in ("version.h", "build_info.h")):
        with suppress(OSError):
            found = VERSION_NUMBER.search(read_bounded(path).decode(errors="replace"))
            if found:
                return f"{int(found[1], 16)}.{int(found[2], 16)}"
    return ""


def _existing(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"{folder} is no folder to find includes in; check the path")
        yield folder


def _preprocess(path: Path, text: str, folders: Iterable[Path]) -> _Reader:
    reader = _Reader(path, folders)
    try:
        reader.parse(text, str(path))
        reader.write(io.StringIO())
    except RecursionError as error:
        raise ConfigError(f"{path} includes itself without end") from error
    if reader.complaints:
        raise ConfigError(f"{path} is not a C header that can be preprocessed: {reader.complaints[0].strip()}")
    return reader


def _options(reader: _Reader) -> dict[str, Option]:
    found = {}
    for full, macro in reader.macros.items():
        if full.startswith(PREFIX) and not full.endswith("_H"):  # the include guards
            name = full.removeprefix(PREFIX)
            found[name] = Option(name, _text(macro.value), Place(macro.source, macro.lineno))
    return found
