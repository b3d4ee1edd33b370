/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The slow exact mode: a hook before every instruction. It is on only while CCR.UNALIGN_TRP is set or an MPU region has
 * a boundary within a page of 1 KB, for what Unicorn cannot tell otherwise. */
#include "_core.h"

bool exact_needed(const Core *c) { return (c->scs.ccr & CCR_UNALIGN_TRP) || c->mpu_fine; }

/* Make the access that comes next miss the TLB: the fill hook then refuses it, exactly at this instruction. */
static void refuse_next(Core *c) { c->api.ctl(c->uc, UC_CTL_TLB_FLUSH); }

void exact_instruction(uc_engine *uc, uint64_t address, uint32_t size, void *user)
{
    (void)uc, (void)size;
    Core *c = user;
    Access a;
    if (!thumb_access(c, (uint32_t)address, &a))
        return;
    bool privileged = !core_unprivileged(c);
    int wanted = a.store ? UC_PROT_WRITE : UC_PROT_READ;
    if ((c->scs.ccr & CCR_UNALIGN_TRP) && (a.address & (a.unit - 1))) { /* B3.2.8 */
        c->traps.status = CFSR_UNALIGNED;
        refuse_next(c);
    } else if (c->mpu_on && mpu_first_denied(c, a.address, a.address + a.length, wanted, privileged) < a.address + a.length)
        refuse_next(c);
}
