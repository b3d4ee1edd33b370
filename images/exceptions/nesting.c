/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who interrupts whom, and in which order the rest follows (ARMv7-M B1.5.4). */
#include "check.h"
#include "console.h"
#include "irqs.h"

#define EXC_RETURN_FP_MASK 0x10UL /* clear for an extended frame; which of the two is not the question here */
#define TO_HANDLER 0xFFFFFFF1UL
#define TO_THREAD_MSP 0xFFFFFFF9UL

static void pend_high(void) { irqs_pend(HIGH); }
static void pend_low(void) { irqs_pend_by_ispr(LOW); }
static void pend_middle(void) { irqs_pend(MIDDLE); }
static void pend_next(void) { irqs_pend_by_ispr(NEXT); }

static bool returns_to(unsigned irq, uint32_t where)
{
    return (irqs_exc_return(irq) | EXC_RETURN_FP_MASK) == where;
}

static void check_preemption(void)
{
    irqs_reset();
    irqs_during(LOW, pend_high);
    irqs_pend(LOW);
    irqs_expect("LHhl", "a higher priority does not interrupt a lower one");
    check(returns_to(LOW, TO_THREAD_MSP), "the outer handler's EXC_RETURN is not to thread mode");
    check(returns_to(HIGH, TO_HANDLER), "the inner handler's EXC_RETURN is not to handler mode");
    irqs_during(LOW, pend_middle);
    irqs_during(MIDDLE, pend_high);
    irqs_pend(LOW);
    irqs_expect("LMHhml", "three interrupts do not nest");
}

static void check_tail_chaining(void)
{
    irqs_reset();
    irqs_during(HIGH, pend_low);
    irqs_pend(HIGH);
    irqs_expect("HhLl", "a lower priority does not follow a higher one");
    check(returns_to(LOW, TO_THREAD_MSP), "a tail-chained handler's EXC_RETURN is not to thread mode");
    irqs_reset();
    irqs_during(MIDDLE, pend_next);
    irqs_pend(MIDDLE);
    irqs_expect("MmNn", "equal priorities do not wait for each other");
    irqs_reset();
    irqs_during(NEXT, pend_middle);
    irqs_pend(NEXT);
    irqs_expect("NnMm", "equal priorities do not wait for each other (2)");
}

static void check_order(void)
{
    irqs_reset();
    disable_interrupts();
    irqs_pend(NEXT);
    irqs_pend(LOW);
    irqs_pend(MIDDLE);
    irqs_pend(HIGH);
    enable_interrupts();
    instruction_barrier();
    irqs_expect("HhMmNnLl", "pending interrupts are not taken by priority, then by number");
}

/* Which bits of the priority preempt and which only order (ARMv7-M B1.5.4, AIRCR.PRIGROUP). */
static void check_grouping(void)
{
    irqs_reset();
    NVIC_IPR(NEXT) = PRIORITY_MIDDLE + 0x10;
    irqs_during(NEXT, pend_middle);
    irqs_pend(NEXT);
    irqs_expect("NMmn", "all four bits do not preempt with PRIGROUP 0");
    SCB_AIRCR = SCB_AIRCR_KEY | SCB_AIRCR_PRIGROUP(5);
    irqs_pend(NEXT);
    irqs_expect("NnMm", "the subpriority preempts");
    irqs_reset();
    NVIC_IPR(MIDDLE) = PRIORITY_MIDDLE + 0x10;
    disable_interrupts();
    irqs_pend(MIDDLE);
    irqs_pend(NEXT);
    enable_interrupts();
    instruction_barrier();
    irqs_expect("NnMm", "the subpriority does not order");
    SCB_AIRCR = SCB_AIRCR_KEY | SCB_AIRCR_PRIGROUP(0);
}

static uint32_t ipsr, icsr, active, icsr_nested;

static void look_nested(void) { icsr_nested = SCB_ICSR; }

static void look_around(void)
{
    __asm volatile("mrs %0, ipsr" : "=r"(ipsr));
    icsr = SCB_ICSR;
    active = NVIC_IABR(LOW);
    irqs_pend(HIGH);
}

static void check_views(void)
{
    irqs_reset();
    irqs_during(LOW, look_around);
    irqs_during(HIGH, look_nested);
    irqs_pend(LOW);
    irqs_expect("LHhl", "looking around changed the order");
    check(ipsr == 16 + LOW, "IPSR is not the exception's number");
    check((icsr & SCB_ICSR_VECTACTIVE) == 16 + LOW, "ICSR.VECTACTIVE is not the exception's number");
    check(icsr & SCB_ICSR_RETTOBASE, "ICSR.RETTOBASE is clear in the only active handler");
    check(!(icsr_nested & SCB_ICSR_RETTOBASE), "ICSR.RETTOBASE is set in a nested handler");
    check(active & NVIC_BIT(LOW), "IABR does not show the active interrupt");
    check(!(NVIC_IABR(LOW) & NVIC_BIT(LOW)), "IABR shows an interrupt that has returned");
    check((SCB_ICSR & SCB_ICSR_VECTACTIVE) == 0, "ICSR.VECTACTIVE is not 0 in thread mode");
}

void check_nesting(void)
{
    check_preemption();
    check_tail_chaining();
    check_order();
    check_grouping();
    check_views();
    console_printf("nesting: preemption, tail chaining, order, grouping\n");
}
