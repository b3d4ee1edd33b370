/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SysTick, ARMv7-M ARM B3.3. It never ticks: the counter is computed from the cycle of its next 1 -> 0 transition. */
#include "_core.h"

enum { CTRL_ENABLE = 1, CTRL_TICKINT = 2, CTRL_CLKSOURCE = 4 };
#define CALIB 0x4000493Eu /* PM0214 4.5.4: 18750 ticks of HCLK/8 at 150 MHz, SKEW */

static int64_t divider(const SysTick *s) { return s->ctrl & CTRL_CLKSOURCE ? 1 : 8; }

static bool counts(const SysTick *s) { return (s->ctrl & CTRL_ENABLE) && (s->load || s->stopped_value); }

void systick_reset(SysTick *s) { memset(s, 0, sizeof *s); }

/* Bring flags and pending state up to the present. */
void systick_sync(Core *c)
{
    SysTick *s = &c->systick;
    while (counts(s) && c->cycles >= s->zero_at) {
        s->countflag = true;
        if (s->ctrl & CTRL_TICKINT)
            nvic_pend(c, EXC_SYSTICK);
        s->stopped_value = 0;
        int64_t period = ((int64_t)s->load + 1) * divider(s);
        s->zero_at += period;
        if (s->load && !(s->ctrl & CTRL_TICKINT) && c->cycles >= s->zero_at) /* nobody looked for many periods */
            s->zero_at += (c->cycles - s->zero_at) / period * period;
    }
}

int64_t systick_due(const Core *c)
{
    const SysTick *s = &c->systick;
    return counts(s) && (s->ctrl & CTRL_TICKINT) ? s->zero_at : INT64_MAX;
}

static uint32_t value(const Core *c)
{
    const SysTick *s = &c->systick;
    if (!counts(s))
        return s->stopped_value;
    int64_t ticks = (s->zero_at - c->cycles + divider(s) - 1) / divider(s);
    return (uint32_t)(ticks > s->load && !s->stopped_value ? 0 : ticks) & 0xFFFFFF; /* 0 until the reload */
}

/* Start counting down from `from` now; from 0 the first tick is the reload (B3.3.1). */
static void start(Core *c, uint32_t from)
{
    SysTick *s = &c->systick;
    s->stopped_value = from;
    s->zero_at = c->cycles + (from ? (int64_t)from : (int64_t)s->load + 1) * divider(s);
}

uint32_t systick_read(Core *c, uint32_t offset)
{
    SysTick *s = &c->systick;
    systick_sync(c);
    switch (offset) {
    case 0x10: {
        uint32_t ctrl = s->ctrl | (uint32_t)s->countflag << 16;
        s->countflag = false;
        return ctrl;
    }
    case 0x14: return s->load;
    case 0x18: return value(c);
    default: return CALIB;
    }
}

void systick_write(Core *c, uint32_t offset, uint32_t written)
{
    SysTick *s = &c->systick;
    systick_sync(c);
    uint32_t now = value(c);
    if (offset == 0x10) {
        uint32_t old = s->ctrl;
        if ((old ^ written) & (CTRL_ENABLE | CTRL_CLKSOURCE)) {
            s->ctrl = written & 7;
            start(c, now);
        }
        s->ctrl = written & 7;
    } else if (offset == 0x14) {
        bool idle = !counts(s);
        s->load = written & 0xFFFFFF; /* takes effect at the next reload */
        if (idle)
            start(c, s->stopped_value);
    } else if (offset == 0x18) { /* any write clears the counter and COUNTFLAG */
        s->countflag = false;
        start(c, 0);
    }
    core_update_deadline(c);
}
