/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupt handlers that leave a trace. */
#include "irqs.h"

#include <string.h>

#include "check.h"

static struct {
    void (*during)(void);
    uint32_t exc_return;
} handlers[4];

static char trace[32];
static volatile unsigned length;

static void note(char letter)
{
    if (length < sizeof trace - 1) {
        trace[length++] = letter;
    }
}

static void handle(unsigned irq, char letter, uint32_t exc_return)
{
    handlers[irq].exc_return = exc_return;
    note(letter);
    if (handlers[irq].during) {
        handlers[irq].during();
    }
    note(letter - 'A' + 'a');
}

#define EXC_RETURN ((uint32_t)__builtin_return_address(0))
void WWDG_IRQHandler(void) { handle(LOW, 'L', EXC_RETURN); }
void PVD_IRQHandler(void) { handle(MIDDLE, 'M', EXC_RETURN); }
void TAMP_STAMP_IRQHandler(void) { handle(NEXT, 'N', EXC_RETURN); }
void RTC_WKUP_IRQHandler(void) { handle(HIGH, 'H', EXC_RETURN); }

void irqs_reset(void)
{
    nvic_enable(LOW, PRIORITY_LOW);
    nvic_enable(MIDDLE, PRIORITY_MIDDLE);
    nvic_enable(NEXT, PRIORITY_MIDDLE);
    nvic_enable(HIGH, PRIORITY_HIGH);
    memset(handlers, 0, sizeof handlers);
    memset(trace, 0, sizeof trace);
    length = 0;
}

void irqs_during(unsigned irq, void (*action)(void)) { handlers[irq].during = action; }
uint32_t irqs_exc_return(unsigned irq) { return handlers[irq].exc_return; }

/* The barriers make the interrupt come before the next instruction (ARMv7-M B3.4.1 leaves that open otherwise). */
static void settle(void)
{
    data_barrier();
    instruction_barrier();
}

void irqs_pend(unsigned irq)
{
    NVIC_STIR = irq;
    settle();
}

void irqs_pend_by_ispr(unsigned irq)
{
    NVIC_ISPR(irq) = NVIC_BIT(irq);
    settle();
}

void irqs_expect(const char *expected, const char *what)
{
    check(strcmp(trace, expected) == 0, what);
    memset(trace, 0, sizeof trace);
    length = 0;
}
