# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs on the guest: tasks of the kernels that we can read."""
