/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults, ARMv7-M ARM B1.5.14 and B1.5.15: which exception one becomes, lockup, and what a report needs to know of it. */
#include "_core.h"

void exception_lockup(Core *c)
{
    c->reason = RUN_LOCKUP;
    c->stop = true;
    core_attend(c);
    core_leave(c); /* or Unicorn would fetch the same undefined instruction for ever */
}

/* Escalation, B1.5.14: a fault that is disabled or cannot preempt becomes a HardFault; at HardFault's priority, lockup.
 * `status` bits go to CFSR (or DFSR/HFSR by the caller); an `address` goes to the fault's address register. */
void exception_pend_fault(Core *c, int fault, uint32_t status, uint32_t address)
{
    c->scs.cfsr |= status;
    if (status & CFSR_MMARVALID)
        c->scs.mmfar = address;
    if (status & CFSR_BFARVALID)
        c->scs.bfar = address;
    int current = nvic_execution_priority(c);
    if (fault != EXC_HARDFAULT && nvic_bit(c->nvic.enabled, fault) && nvic_group(c, c->nvic.priority[fault]) < current) {
        nvic_pend(c, fault);
        return;
    }
    if (current <= -1) {
        exception_lockup(c);
        return;
    }
    if (fault != EXC_HARDFAULT)
        c->scs.hfsr |= HFSR_FORCED;
    nvic_pend(c, EXC_HARDFAULT);
}

/* A fault while an open FP frame is closed counts as it would have when it was opened, which FPCCR tells, B1.5.7. */
static void pend_lazily(Core *c, int fault)
{
    bool protection = fault == EXC_MEMMANAGE;
    c->scs.cfsr |= protection ? CFSR_MLSPERR : CFSR_LSPERR;
    if (c->scs.fpccr & (protection ? FPCCR_MMRDY : FPCCR_BFRDY))
        nvic_pend(c, fault);
    else if (c->scs.fpccr & FPCCR_HFRDY) {
        c->scs.hfsr |= HFSR_FORCED;
        nvic_pend(c, EXC_HARDFAULT);
    } else
        exception_lockup(c);
}

/* Take the fault that was pended, if it can be, and keep what a report needs. True: it was taken, or the core is locked up. */
static bool take_pended(Core *c, int fault, uint32_t return_address)
{
    c->fault.cfsr = c->scs.cfsr;
    c->fault.hfsr = c->scs.hfsr;
    c->fault.mmfar = c->scs.mmfar;
    c->fault.bfar = c->scs.bfar;
    c->fault.exception = (uint32_t)fault;
    if (c->stop && c->reason == RUN_LOCKUP) {
        c->fault_seen = true;
        return true;
    }
    int exception = nvic_next(c);
    if (exception == 0)
        return false;
    exception_enter(c, exception, return_address);
    c->fault.exception = c->ipsr;
    c->fault.exc_return = core_reg(c, UC_REG_LR);
    if (fault == EXC_SVCALL)
        return true;
    c->fault_seen = c->stop = true;
    core_attend(c);
    if (c->reason != RUN_LOCKUP)
        c->reason = RUN_FAULT;
    return true;
}

void exception_fault(Core *c, int fault, uint32_t status, uint32_t address, uint32_t return_address)
{
    core_snapshot(c, &c->fault);
    c->fault.r[15] = return_address;
    exception_pend_fault(c, fault, status, address);
    take_pended(c, fault, return_address);
}

bool exception_lazy_fault(Core *c, int fault, uint32_t return_address)
{
    core_snapshot(c, &c->fault);
    c->fault.r[15] = return_address;
    pend_lazily(c, fault);
    return take_pended(c, fault, return_address);
}

void core_snapshot(Core *c, Snapshot *s)
{
    int ids[16 + 4];
    void *values[16 + 4];
    uint32_t *rest[] = {&s->xpsr, &s->msp, &s->psp, &s->control};
    const int rest_ids[] = {UC_REG_XPSR, UC_REG_MSP, UC_REG_PSP, UC_REG_CONTROL};
    Masks masks;
    memset(s, 0, sizeof *s);
    for (int n = 0; n < 16; n++) {
        ids[n] = n < 13 ? UC_REG_R0 + n : n == 13 ? UC_REG_SP : n == 14 ? UC_REG_LR : UC_REG_PC;
        values[n] = &s->r[n];
    }
    for (int n = 0; n < 4; n++) {
        ids[16 + n] = rest_ids[n];
        values[16 + n] = rest[n];
    }
    c->api.reg_read_batch(c->uc, ids, values, 20);
    nvic_read_masks(c, &masks);
    s->primask = masks.primask;
    s->basepri = masks.basepri;
    s->faultmask = masks.faultmask;
    s->xpsr = (s->xpsr & ~XPSR_IPSR) | c->ipsr;
    if (c->watching)
        s->r[15] = c->block;
    if (c->ipsr == 0 && (s->control & CONTROL_NPRIV)) /* banked SPs read as zero when unprivileged */
        *(s->control & CONTROL_SPSEL ? &s->psp : &s->msp) = s->r[13];
    s->cycle = c->cycles;
}
