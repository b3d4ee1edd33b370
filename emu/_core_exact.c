/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The slow exact mode: a hook before every instruction. It is on only while CCR.UNALIGN_TRP is set, an MPU region has a
 * boundary within a page of 1 KB, or a DWT comparator watches: for what Unicorn cannot tell otherwise. */
#include "_core.h"

static bool needed(const Core *c) { return (c->scs.ccr & CCR_UNALIGN_TRP) || c->mpu_fine || dwt_watches(c); }

/* What needs the mode has changed: at the next natural boundary it begins or ends. */
void exact_follow(Core *c)
{
    if (needed(c) != c->exact) {
        c->traps.restart = c->flush = true;
        core_attend(c);
    }
    c->exact = needed(c);
}

/* Make the access that comes next miss the TLB: the fill hook then refuses it, exactly at this instruction. */
static void refuse_next(Core *c) { c->api.ctl(c->uc, UC_CTL_TLB_FLUSH); }

static void check_access(Core *c, const Access *a)
{
    int wanted = a->store ? UC_PROT_WRITE : UC_PROT_READ;
    uint32_t end = a->address + a->length;
    if ((c->scs.ccr & CCR_UNALIGN_TRP) && (a->address & (a->unit - 1))) { /* B3.2.8 */
        c->traps.status = CFSR_UNALIGNED;
        refuse_next(c);
    } else if (c->mpu_on && mpu_first_denied(c, a->address, end, wanted, !core_unprivileged(c)) < end)
        refuse_next(c);
}

/* Where the IT block ends that starts at `pc`; Unicorn cannot be left inside of one. */
static uint32_t it_end(Core *c, uint32_t pc, int count)
{
    uint16_t op[2];
    for (pc += 2; count > 0 && traps_fetch(c, pc, op); count--)
        pc += (uint32_t)thumb_size(op[0]);
    return pc;
}

void exact_instruction(uc_engine *uc, uint64_t address, uint32_t size, void *user)
{
    (void)uc, (void)size;
    Core *c = user;
    Access a;
    uint32_t pc = (uint32_t)address;
    uint16_t op[2];
    bool inside = pc > c->it_start && pc < c->it_end;
    if (!inside && nvic_bit(c->nvic.pending, EXC_DEBUGMON) && nvic_next(c) == EXC_DEBUGMON) { /* of the instruction before */
        core_synchronous(c, pc);
        exception_enter(c, EXC_DEBUGMON, pc);
        return;
    }
    if (!inside && traps_fetch(c, pc, op) && thumb_it_length(op)) {
        c->it_start = pc;
        c->it_end = it_end(c, pc, thumb_it_length(op));
    }
    bool accesses = thumb_access(c, pc, &a);
    if (accesses)
        check_access(c, &a);
    if (dwt_watches(c))
        dwt_instruction(c, pc, accesses ? &a : NULL);
}
