/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What Unicorn interrupts a run for: SVC, BKPT, exception returns, and instructions that it does not know. */
#include "_core.h"

/* BKPT without a debugger, C1.5.1: DebugMonitor, or HardFault where that cannot be. */
static void breakpoint(Core *c, uint32_t pc)
{
    c->scs.dfsr |= DFSR_BKPT;
    if (debug_event(c))
        exception_enter(c, EXC_DEBUGMON, pc);
    else {
        c->scs.hfsr |= HFSR_DEBUGEVT;
        exception_fault(c, EXC_HARDFAULT, 0, 0, pc);
    }
}

/* Code went on at EXC_RETURN or near it. In Thread mode, by a simple branch, and elsewhere on that page it is a branch into
 * an execute-never region. */
static void branched_past_memory(Core *c, uint32_t pc)
{
    uint32_t target = c->block >= EXC_RETURN_BASE ? c->block : pc;
    bool returns = target >= EXC_RETURN_BASE && c->ipsr != 0 && !c->simple_branch;
    core_synchronous(c, target);
    if (returns) /* the lowest bit of EXC_RETURN went to EPSR.T */
        exception_return(c, (target & ~1u) | (core_reg(c, UC_REG_XPSR) >> 24 & 1));
    else
        exception_fault(c, EXC_MEMMANAGE, CFSR_IACCVIOL, 0, target & ~1u);
    c->simple_branch = false;
}

void core_on_interrupt(uc_engine *uc, uint32_t number, void *user)
{
    (void)uc;
    Core *c = user;
    uint32_t pc = core_reg(c, UC_REG_PC);
    c->idle.effects = true;
    if (pc >= EXC_RETURN_PAGE) {
        branched_past_memory(c, number == 2 ? pc - 2 : pc); /* the svc in the page has moved PC on */
        return;
    }
    core_synchronous(c, pc);
    if (number == 2) {
        if (nvic_group(c, c->nvic.priority[EXC_SVCALL]) < nvic_execution_priority(c)) {
            nvic_pend(c, EXC_SVCALL);
            exception_enter(c, nvic_next(c), pc);
        } else { /* it cannot preempt: B1.5.14 escalates */
            exception_fault(c, EXC_HARDFAULT, 0, 0, pc);
            c->scs.hfsr |= HFSR_FORCED;
            c->fault.hfsr = c->scs.hfsr;
        }
    } else if (number == 7) {
        if (!semihosting_call(c, pc))
            breakpoint(c, pc);
    } else if (number == 17)
        exception_fault(c, EXC_USAGEFAULT, CFSR_NOCP, 0, pc);
    else if (number == 4) {
        c->traps.status = 0; /* which may have said so too */
        exception_fault(c, EXC_USAGEFAULT, CFSR_UNALIGNED, 0, pc);
    } else
        exception_fault(c, EXC_USAGEFAULT, CFSR_UNDEFINSTR, 0, pc);
}

/* WFE and YIELD come here with PC past them; undefined instructions and a clear T bit with PC at them. */
bool core_on_invalid(uc_engine *uc, void *user)
{
    (void)uc;
    Core *c = user;
    uint32_t pc = core_reg(c, UC_REG_PC);
    uint16_t before = 0;
    c->idle.effects = true;
    if (pc != c->block && core_load(c, pc - 2, &before, 2) && (before == 0xBF20 || before == 0xBF10)) {
        if (before == 0xBF20)
            return core_wait_for_event(c, pc);
        core_synchronous(c, pc);
        return true;
    }
    core_synchronous(c, pc);
    bool thumb = core_reg(c, UC_REG_XPSR) & XPSR_T;
    exception_fault(c, EXC_USAGEFAULT, thumb ? CFSR_UNDEFINSTR : CFSR_INVSTATE, 0, pc);
    return true;
}
