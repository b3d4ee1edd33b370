# SPDX-License-Identifier: GPL-2.0-or-later
"""`python -m stm32emu`."""

from stm32emu.cli.main import main

if __name__ == "__main__":
    main()
