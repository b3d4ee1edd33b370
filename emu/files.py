# SPDX-License-Identifier: GPL-2.0-or-later
"""The user's files: read whole, or written as a run goes. What is wrong with one is a sentence, not a traceback."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from stm32emu.errors import UserError
from stm32emu.netbridge.bounded import read_bounded

MOST_BYTES = 1 << 30
"""Of a file that is read whole."""


def read_file(path: Path, what: str) -> bytes:
    """The contents of `path`, which should be `what` ("firmware's ELF file"). Raises UserError."""
    try:
        return read_bounded(path, MOST_BYTES)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file; check the path") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a directory; give the {what} itself") from None
    except PermissionError as error:
        raise UserError(f"{path}: cannot be read ({_reason(error)}); check its permissions") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({_reason(error)}); give the {what} itself") from None


def check_outputs(outputs: Mapping[str, Path], inputs: Iterable[Path]) -> None:
    """Raise UserError if a file would be written over one that is read, or by two options. Devices may have many uses.

    Args:
        outputs: files to write, by option.
        inputs: files that are read.
    """
    taken = {os.path.realpath(path): "is read, too" for path in inputs}
    for flag, path in outputs.items():
        real = os.path.realpath(path)
        if real in taken and (path.is_file() or not path.exists()):
            raise UserError(f"{flag}: {path} {taken[real]}; give it a file of its own")
        taken[real] = f"is also what {flag} writes"


class OutputFile:
    """The file of an option, complete up to the last write however the run ends. Everything raises UserError.

    Args:
        flag: the option, for the sentence.
        path: created, or emptied.
        private: only the user may read it, whatever it was before.
    """

    def __init__(self, flag: str, path: Path, *, private: bool = False) -> None:
        self._flag = flag
        self._path = path
        try:
            self._stream = open(path, "wb", buffering=0, opener=_private if private else None)  # noqa: SIM115
        except (OSError, ValueError) as error:
            raise self._complaint(error) from None

    def write(self, data: bytes) -> None:
        """All of `data`, at once."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._stream.write(rest) :]
        except OSError as error:
            raise self._complaint(error) from None

    @property
    def correctable(self) -> bool:
        """Whether `write_at` can be used; not with a pipe."""
        return self._stream.seekable()

    def write_at(self, offset: int, data: bytes) -> None:
        """All of `data`, in place of what has been written there."""
        try:
            os.pwrite(self._stream.fileno(), data, offset)
        except OSError as error:
            raise self._complaint(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._stream.close()

    def _complaint(self, error: OSError | ValueError) -> UserError:
        return UserError(f"{self._flag}: {self._path} cannot be written ({_reason(error)})")


def _private(path: str, flags: int) -> int:
    """An opener for files that hold secrets. A pipe or device keeps its mode: it is everybody's."""
    descriptor = os.open(path, flags, 0o600)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, 0o600)
    return descriptor


def _reason(error: OSError | ValueError) -> str:
    """The operating system's words; ValueError is Python's for a path with a NUL in it."""
    return (error.strerror or "unknown error").lower() if isinstance(error, OSError) else str(error)
