/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IRQS_H
#define IRQS_H

#include <stdbool.h>
#include <stdint.h>

#include "stm32f407.h"

/* Four interrupts that nothing on the board raises, pended by software. Each handler writes its letter, does `during`,
 * and writes its letter in lower case. */
enum { LOW = WWDG_IRQ, MIDDLE = PVD_IRQ, NEXT = TAMP_STAMP_IRQ, HIGH = RTC_WKUP_IRQ };
#define PRIORITY_LOW 0xC0
#define PRIORITY_MIDDLE 0x80 /* MIDDLE and NEXT */
#define PRIORITY_HIGH 0x40

/* Enable all four at their priorities with nothing to do, and forget the trace. */
void irqs_reset(void);

/* What handler `irq` does between its letters. */
void irqs_during(unsigned irq, void (*action)(void));

void irqs_pend(unsigned irq);         /* through STIR */
void irqs_pend_by_ispr(unsigned irq);

/* The letters so far; then an empty trace. Checks that they are `expected`. */
void irqs_expect(const char *expected, const char *what);

/* LR on the handler's last entry. */
uint32_t irqs_exc_return(unsigned irq);

#endif
