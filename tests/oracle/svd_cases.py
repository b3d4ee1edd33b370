# SPDX-License-Identifier: GPL-2.0-or-later
"""Which class models which SVD peripheral of which device, and where the SVD files are wrong.

To add a block: one `Case` per device (or group of equal devices), and an `Erratum` for each remaining difference that
is the SVD file's fault, with the manual's section. `svd.Case` and `svd.Erratum` say what the arguments mean.
"""

from __future__ import annotations

from svd import Case, Erratum

F40X, F42X, F446, F469 = "STM32F40x", "STM32F429x", "STM32F446x", "STM32F46_79x"

CASES: tuple[Case, ...] = ()

NOT_IN_SVD = {"stub.Stub"}  # classes that model no one block

ERRATA: tuple[Erratum, ...] = ()
