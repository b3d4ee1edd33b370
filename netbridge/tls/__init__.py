# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS as it is on the wire, and as a device is configured for it. Knows neither the chip nor the machine."""
