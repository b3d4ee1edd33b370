/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PRIMASK, BASEPRI, FAULTMASK, enable and pending bits, and sleeping (ARMv7-M B1.4.3, B1.5.17 to B1.5.19). */
#include "check.h"
#include "console.h"
#include "irqs.h"

static void set_basepri(uint32_t value) { __asm volatile("msr basepri, %0\n isb" :: "r"(value) : "memory"); }
static void raise_basepri(uint32_t value) { __asm volatile("msr basepri_max, %0\n isb" :: "r"(value) : "memory"); }

static uint32_t read_basepri(void)
{
    uint32_t value;
    __asm volatile("mrs %0, basepri" : "=r"(value));
    return value;
}

static void check_primask(void)
{
    irqs_reset();
    disable_interrupts();
    irqs_pend(HIGH);
    irqs_expect("", "PRIMASK does not mask");
    uint32_t icsr = SCB_ICSR;
    check(NVIC_ISPR(HIGH) & NVIC_BIT(HIGH), "ISPR does not show the pending interrupt");
    check(icsr & SCB_ICSR_ISRPENDING, "ICSR.ISRPENDING does not show it");
    check(SCB_ICSR_VECTPENDING(icsr) == 16 + HIGH, "ICSR.VECTPENDING is not its number");
    wait_for_interrupt(); /* wakes up, and stays masked */
    irqs_expect("", "WFI took an interrupt that PRIMASK masks");
    enable_interrupts();
    instruction_barrier();
    irqs_expect("Hh", "a pending interrupt is not taken when PRIMASK is cleared");
}

static void check_basepri(void)
{
    irqs_reset();
    set_basepri(PRIORITY_MIDDLE);
    check(read_basepri() == PRIORITY_MIDDLE, "BASEPRI does not read back");
    irqs_pend(LOW);
    irqs_pend(MIDDLE);
    irqs_expect("", "BASEPRI does not mask its own level and below");
    irqs_pend(HIGH);
    irqs_expect("Hh", "BASEPRI masks a higher priority");
    raise_basepri(PRIORITY_LOW);
    check(read_basepri() == PRIORITY_MIDDLE, "BASEPRI_MAX lowered the mask");
    raise_basepri(PRIORITY_HIGH);
    check(read_basepri() == PRIORITY_HIGH, "BASEPRI_MAX did not raise the mask");
    set_basepri(PRIORITY_LOW);
    irqs_expect("Mm", "lowering BASEPRI does not release what it masked");
    set_basepri(0);
    irqs_expect("Ll", "BASEPRI 0 does not release the rest");
}

static void check_faultmask(void)
{
    irqs_reset();
    __asm volatile("cpsid f\n isb" ::: "memory");
    irqs_pend(HIGH);
    irqs_expect("", "FAULTMASK does not mask");
    __asm volatile("cpsie f\n isb" ::: "memory");
    irqs_expect("Hh", "a pending interrupt is not taken when FAULTMASK is cleared");
}

static void check_enables(void)
{
    irqs_reset();
    NVIC_ICER(MIDDLE) = NVIC_BIT(MIDDLE);
    irqs_pend(MIDDLE);
    irqs_expect("", "a disabled interrupt is taken");
    NVIC_ISER(MIDDLE) = NVIC_BIT(MIDDLE);
    data_barrier();
    instruction_barrier();
    irqs_expect("Mm", "an interrupt that was pending is not taken when enabled");
    disable_interrupts();
    irqs_pend(MIDDLE);
    NVIC_ICPR(MIDDLE) = NVIC_BIT(MIDDLE);
    enable_interrupts();
    instruction_barrier();
    irqs_expect("", "ICPR does not take back what is pending");
}

void check_masks(void)
{
    check_primask();
    check_basepri();
    check_faultmask();
    check_enables();
    __asm volatile("sev\n wfe" ::: "memory"); /* the event is there already: no sleep */
    console_printf("masks: PRIMASK, BASEPRI, FAULTMASK, ISER, ICPR, WFI\n");
}
