# SPDX-License-Identifier: GPL-2.0-or-later
"""stm32emu: runs unmodified STM32F4 firmware and puts its network ports on the host."""
