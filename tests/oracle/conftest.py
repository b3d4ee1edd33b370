# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests of this folder share: an authority for certificates; and the coverage of the SVD files at the end."""

from __future__ import annotations

import pytest

from svd import COVERAGE
from twin_server import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = terminalreporter.config.stash.get(COVERAGE, [])
    if lines:
        terminalreporter.section("registers and fields of ST's SVD files")
        terminalreporter.write("\n".join((*lines, "")))
