# SPDX-License-Identifier: GPL-2.0-or-later
"""The doctor's rules, by concern. A rule is a pure function of a case; texts are written where they are used."""
