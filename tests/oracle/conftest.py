# SPDX-License-Identifier: GPL-2.0-or-later
"""Shows the coverage of the SVD files at the end of the tests' output."""

from __future__ import annotations

import pytest

from svd import COVERAGE


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = terminalreporter.config.stash.get(COVERAGE, [])
    if lines:
        terminalreporter.section("registers and fields of ST's SVD files")
        terminalreporter.write("\n".join((*lines, "")))
