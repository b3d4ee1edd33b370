/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sleep, ARMv7-M ARM B1.5.17 to B1.5.19: nothing is executed, and time passes from event to event. */
#include "_core.h"

/* The cycle of the next event, with which alone a sleeping CPU may wake. */
int64_t core_wake_at(const Core *c)
{
    int64_t systick = systick_due(c);
    return systick < c->due ? systick : c->due;
}

/* Time passes, and nothing is executed. */
void core_pass(Core *c, int64_t cycle)
{
    if (cycle > c->cycles)
        c->cycles = cycle;
    core_start_anew(c, c->block);
}

/* Let events due by now happen while the CPU sleeps, and say whether one of them wakes it. */
bool core_wake(Core *c)
{
    if (c->cycles >= core_wake_at(c))
        core_run_due(c);
    if (nvic_wakes(c))
        return true;
    bool awake = c->waits_for_event && c->event_register;
    if (awake)
        c->event_register = false;
    return awake;
}

/* Sleep from event to event, as far as time may pass at once. True: awake, though perhaps to stop. */
bool core_sleep_through(Core *c)
{
    c->stop = false;
    while (!core_wake(c)) {
        int64_t event = core_wake_at(c);
        if (c->stop || event > c->idle.until || event >= c->limit)
            return false;
        core_pass(c, event);
    }
    c->reason = RUN_STOPPED;
    return true;
}

/* WFE, B1.5.18. An SEV of the same block counts: the usual "sev; wfe" only clears the event register. */
bool core_wait_for_event(Core *c, uint32_t pc)
{
    bool sev = false;
    for (uint32_t at = c->block; at + 2 < pc;) {
        uint16_t op;
        if (!core_load(c, at, &op, 2))
            break;
        sev = sev || op == 0xBF40;
        at += (uint32_t)thumb_size(op);
    }
    core_synchronous(c, pc);
    if (sev || c->event_register)
        c->event_register = false;
    else {
        c->waits_for_event = true;
        c->reason = RUN_SLEEP;
        c->stop = true;
        core_leave(c);
    }
    core_start_anew(c, pc);
    return true;
}
