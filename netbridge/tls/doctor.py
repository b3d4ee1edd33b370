# SPDX-License-Identifier: GPL-2.0-or-later
"""The doctor: which of the rules applies to a case. The first one does, and no other."""

from __future__ import annotations

from stm32emu.netbridge.tls.rules import arithmetic, certificates, health, judgements, limits, offers, randomness, stops
from stm32emu.netbridge.tls.verdict import Case, Rule, Verdict

RULES: tuple[Rule, ...] = (
    # what the device computes, over all connections
    arithmetic.sporadic_arithmetic,
    arithmetic.corrupt_arithmetic,
    randomness.stuck_generator,
    randomness.repeats,
    randomness.repeats_across_runs,
    randomness.biased,
    arithmetic.wrong_key,
    arithmetic.wrong_finished,
    limits.ignored_fragment_limit,
    limits.record_too_long,
    offers.not_offered,
    certificates.no_certificate,
    # where the last connection that failed ended
    stops.no_tls,
    judgements.unusable_certificate,
    offers.nothing_in_common,
    certificates.refused_certificate,
    stops.crashed,
    stops.device_is_silent,
    stops.client_flight,
    limits.long_data,
    limits.integers_too_short,
    limits.split_hello,
    limits.long_client_record,
    limits.chain_too_long,
    arithmetic.secret_differs,
    stops.internal_error,
    stops.device_gives_up,
    stops.any_alert,
    stops.client_left,
    stops.client_is_silent,
    health.misread_scheme,
    health.nothing_wrong,
)


def diagnose(case: Case) -> Verdict:
    """The verdict over all connections of a case, of which there is at least one."""
    for rule in RULES:
        verdict = rule(case)
        if verdict:
            return verdict
    return health.too_little(case)
