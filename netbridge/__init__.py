# SPDX-License-Identifier: GPL-2.0-or-later
"""The wire: codecs, the user-mode host, the bridge to host sockets, captures. Knows neither the chip nor the machine."""
