# SPDX-License-Identifier: GPL-2.0-or-later
"""What `make bench` measures. Never part of the tests: figures belong to a machine and a moment."""
