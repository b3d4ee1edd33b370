/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Priorities and pending state: ARMv7-M ARM B1.5.4 "Exception priorities and preemption" and B3.4 "NVIC". */
#include "_core.h"

#define NO_PRIORITY 256 /* lower than any configurable priority */

void nvic_reset(Nvic *nvic)
{
    uint32_t level[EXC_WORDS];
    memcpy(level, nvic->level, sizeof level);
    memset(nvic, 0, sizeof *nvic);
    memcpy(nvic->level, level, sizeof level);
    nvic->priority[EXC_RESET] = -3;
    nvic->priority[EXC_NMI] = -2;
    nvic->priority[EXC_HARDFAULT] = -1;
    const int always[] = {EXC_NMI, EXC_HARDFAULT, EXC_SVCALL, EXC_DEBUGMON, EXC_PENDSV, EXC_SYSTICK};
    for (size_t n = 0; n < sizeof always / sizeof *always; n++)
        nvic_assign(nvic->enabled, always[n], true);
}

/* The part of a priority that decides preemption: AIRCR.PRIGROUP, B1.5.4 "Priority grouping". */
int nvic_group(const Core *c, int priority)
{
    return priority < 0 ? priority : priority & ~((2 << c->scs.prigroup) - 1) & 0xFF;
}

int nvic_raw_priority(Core *c)
{
    int best = NO_PRIORITY;
    for (int word = 0; word < EXC_WORDS; word++)
        for (uint32_t bits = c->nvic.active[word]; bits; bits &= bits - 1) {
            int group = nvic_group(c, c->nvic.priority[word * 32 + __builtin_ctz(bits)]);
            if (group < best)
                best = group;
        }
    return best;
}

/* Without privilege the masks read as zero, but still count: then they are read from a moment of Handler mode. */
void nvic_read_masks(Core *c, Masks *m)
{
    uint32_t handler = EXC_RESET, thread = 0;
    bool hidden = c->ipsr == 0 && (core_reg(c, UC_REG_CONTROL) & CONTROL_NPRIV);
    int ids[] = {UC_REG_BASEPRI, UC_REG_PRIMASK, UC_REG_FAULTMASK};
    void *values[] = {&m->basepri, &m->primask, &m->faultmask};
    if (hidden)
        core_set_reg(c, UC_REG_IPSR, handler);
    c->api.reg_read_batch(c->uc, ids, values, 3);
    if (hidden)
        core_set_reg(c, UC_REG_IPSR, thread);
    m->basepri &= IMPLEMENTED_PRIORITY;
}

static int with_basepri(const Core *c, const Masks *m, int priority)
{
    int basepri = nvic_group(c, (int)m->basepri);
    return m->basepri && basepri < priority ? basepri : priority;
}

/* ExecutionPriority(), B1.5.4 */
int nvic_execution_priority(Core *c)
{
    Masks m;
    nvic_read_masks(c, &m);
    int priority = with_basepri(c, &m, nvic_raw_priority(c));
    if ((m.primask & 1) && priority > 0)
        priority = 0;
    if ((m.faultmask & 1) && priority > -1)
        priority = -1;
    return priority;
}

/* The pending and enabled exception of highest priority; ties go to the lower number. */
int nvic_best_pending(Core *c)
{
    int best = 0, best_priority = NO_PRIORITY;
    for (int word = 0; word < EXC_WORDS; word++)
        for (uint32_t bits = c->nvic.pending[word] & c->nvic.enabled[word]; bits; bits &= bits - 1) {
            int exception = word * 32 + __builtin_ctz(bits);
            if (c->nvic.priority[exception] < best_priority) {
                best = exception;
                best_priority = c->nvic.priority[exception];
            }
        }
    return best;
}

int nvic_next(Core *c)
{
    int exception = nvic_best_pending(c);
    if (exception == 0)
        return 0;
    return nvic_group(c, c->nvic.priority[exception]) < nvic_execution_priority(c) ? exception : 0;
}

/* WFI wakes for an exception that would preempt if PRIMASK were clear, B1.5.17; BASEPRI still counts. */
bool nvic_wakes(Core *c)
{
    int exception = nvic_best_pending(c);
    if (exception == 0)
        return false;
    Masks m;
    nvic_read_masks(c, &m);
    return nvic_group(c, c->nvic.priority[exception]) < with_basepri(c, &m, nvic_raw_priority(c));
}

void nvic_pend(Core *c, int exception)
{
    if (!nvic_bit(c->nvic.pending, exception) && (c->scs.scr & SCR_SEVONPEND))
        c->event_register = true;
    nvic_assign(c->nvic.pending, exception, true);
    core_attend(c);
}

/* A line that is still high pends again at once: B3.4.1, "level-sensitive interrupts". */
void nvic_unpend(Core *c, int exception)
{
    nvic_assign(c->nvic.pending, exception, nvic_bit(c->nvic.level, exception));
}

void nvic_set_line(Core *c, int irq, bool level)
{
    int exception = EXC_IRQ0 + irq;
    nvic_assign(c->nvic.level, exception, level);
    if (level && !nvic_bit(c->nvic.active, exception))
        nvic_pend(c, exception);
}

void nvic_deactivate(Core *c, int exception)
{
    nvic_assign(c->nvic.active, exception, false);
    if (nvic_bit(c->nvic.level, exception))
        nvic_pend(c, exception);
}

int nvic_active_count(const Nvic *nvic)
{
    int count = 0;
    for (int word = 0; word < EXC_WORDS; word++)
        count += __builtin_popcount(nvic->active[word]);
    return count;
}
