/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DWT, ARMv7-M ARM C1.8: CYCCNT counts virtual cycles; comparators watch instructions and data, and raise DebugMonitor
 * when DEMCR.MON_EN. While one does, the slow exact mode of _core_exact.c is on. */
#include "_core.h"

#define CYCCNTENA 1u
#define COMPARATORS 4
#define CYCMATCH (1u << 7)
#define DATAVMATCH (1u << 8)
#define MATCHED (1u << 24)
#define DWT 0xE0001000u
#define FUNCTION_BITS 0x000FFFBFu
enum { CTRL = 0, CYCCNT = 1, COMP0 = 8, MASK0 = 9, FUNCTION0 = 10 }; /* word offsets; a comparator has four words */
enum { ON_INSTRUCTION = 4, ON_LOAD, ON_STORE, ON_ACCESS };

static bool counts(const Core *c) { return (c->scs.demcr & DEMCR_TRCENA) && (c->scs.dwt_ctrl & CYCCNTENA); }

/* While stopped the count is kept in dwt[CYCCNT]; while running it is the time since cyccnt_base. */
static uint32_t count(const Core *c)
{
    return counts(c) ? (uint32_t)(c->cycles - c->scs.cyccnt_base) : c->scs.dwt[CYCCNT];
}

static void set_count(Core *c, uint32_t value)
{
    c->scs.dwt[CYCCNT] = value;
    c->scs.cyccnt_base = c->cycles - value;
}

/* The event a comparator raises, 0 for none or one that is not modelled. */
static uint32_t event_of(const Core *c, int n)
{
    uint32_t function = c->scs.dwt[FUNCTION0 + 4 * n], event = function & 15;
    return event >= ON_INSTRUCTION && event <= ON_ACCESS && !(function & (CYCMATCH | DATAVMATCH)) ? event : 0;
}

/* Whether any instruction can raise an event, C1.5.1: without MON_EN, and no debugger, watchpoints are ignored. */
bool dwt_watches(const Core *c)
{
    bool any = false;
    for (int n = 0; n < COMPARATORS; n++)
        any = any || event_of(c, n);
    return any && (c->scs.demcr & DEMCR_TRCENA) && (c->scs.demcr & DEMCR_MON_EN);
}

/* Does a comparator's range, COMP without its MASK low bits, meet `length` bytes from `address` on? */
static bool meets(const Core *c, int n, uint32_t address, uint32_t length)
{
    uint32_t mask = (1u << (c->scs.dwt[MASK0 + 4 * n] & 31)) - 1, base = c->scs.dwt[COMP0 + 4 * n] & ~mask;
    return address - base <= mask || base - address < length;
}

/* `access` is NULL for an instruction that has none. The event is pended if it can be taken, or lost, C1.5.1. */
void dwt_instruction(Core *c, uint32_t pc, const Access *access)
{
    for (int n = 0; n < COMPARATORS; n++) {
        uint32_t event = event_of(c, n);
        bool kind = access != NULL && (event == ON_ACCESS || event == (access->store ? ON_STORE : ON_LOAD));
        bool match = event == ON_INSTRUCTION ? meets(c, n, pc, 1) : kind && meets(c, n, access->address, access->length);
        if (!match)
            continue;
        c->scs.dwt[FUNCTION0 + 4 * n] |= MATCHED;
        if (debug_event(c))
            c->scs.dfsr |= DFSR_DWTTRAP;
    }
}

uint32_t dwt_read(Core *c, uint32_t word)
{
    if (word == CTRL)
        return c->scs.dwt_ctrl;
    if (word == CYCCNT)
        return count(c);
    uint32_t value = c->scs.dwt[word];
    if (word >= FUNCTION0 && word % 4 == FUNCTION0 % 4)
        c->scs.dwt[word] &= ~MATCHED; /* cleared by reading */
    return value;
}

void dwt_write(Core *c, uint32_t word, uint32_t value)
{
    uint32_t now = count(c);
    if (word == CTRL) {
        c->scs.dwt_ctrl = (c->scs.dwt_ctrl & 0xF0000000u) | (value & 0x0FFFFFFFu);
        set_count(c, now);
    } else if (word == CYCCNT)
        set_count(c, value);
    else if (word >= FUNCTION0 && word % 4 == FUNCTION0 % 4) {
        c->scs.dwt[word] = value & FUNCTION_BITS;
        if ((value & 15) && !event_of(c, (int)(word - FUNCTION0) / 4))
            core_meet_limit(c, DWT + 4 * word, "DWT_FUNCTION");
    } else
        c->scs.dwt[word] = value;
    exact_follow(c);
}

/* DEMCR, C1.6.5: TRCENA switches DWT and ITM, MON_PEND pends DebugMonitor whether MON_EN is set or not. */
void demcr_write(Core *c, uint32_t value)
{
    uint32_t now = count(c);
    c->scs.demcr = value & 0x010D0FF1u;
    set_count(c, now);
    if (value & DEMCR_MON_PEND)
        nvic_pend(c, EXC_DEBUGMON);
    else
        nvic_unpend(c, EXC_DEBUGMON);
    exact_follow(c);
}

uint32_t demcr_read(const Core *c)
{
    return c->scs.demcr | (nvic_bit(c->nvic.pending, EXC_DEBUGMON) ? DEMCR_MON_PEND : 0);
}

/* A debug event, C1.5.1: pends DebugMonitor where it is enabled and above the current priority. */
bool debug_event(Core *c)
{
    bool taken = (c->scs.demcr & DEMCR_MON_EN) &&
                 nvic_group(c, c->nvic.priority[EXC_DEBUGMON]) < nvic_execution_priority(c);
    if (taken)
        nvic_pend(c, EXC_DEBUGMON);
    return taken;
}
