/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions: SysTick and PendSV pended by the program itself every LOOP instructions, so that both machines take as
 * many, whatever they think of time. */
#include "bench.h"
#include "stm32f407.h"

#define LOOP 8400 /* a 20 kHz tick at 168 MHz */
#define ROUNDS 100000

static volatile uint32_t ticks, switches;

void SysTick_Handler(void) { ticks++; }
void PendSV_Handler(void) { switches += ticks; }

/* `instructions` of them, two each time round. */
static void spin(uint32_t instructions)
{
    uint32_t left = instructions / 2;
    __asm volatile("1: subs %0, #1\n\tbne 1b" : "+l"(left) : : "cc");
}

uint32_t bench_work(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        spin(LOOP);
        SCB_ICSR = SCB_ICSR_PENDSTSET | SCB_ICSR_PENDSVSET;
        data_barrier();
        instruction_barrier();
    }
    return switches;
}
