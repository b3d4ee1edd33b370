# SPDX-License-Identifier: GPL-2.0-or-later
"""Models of the STM32F4's peripherals, one file per block of RM0090, and the vocabulary they are written in."""
