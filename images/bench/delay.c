/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A 10 s delay as ST's HAL does it: a tick counted by SysTick, polled through a function that is not inlined. */
#include "bench.h"
#include "clock.h"
#include "stm32f407.h"

#pragma GCC optimize("O0")

#define DELAY_MS 10000

static volatile uint32_t tick;
static volatile uint32_t step = 1;

void SysTick_Handler(void) { tick += step; }

__attribute__((noinline)) static uint32_t get_tick(void) { return tick; }

static void delay(uint32_t milliseconds)
{
    uint32_t start = get_tick();
    uint32_t wait = milliseconds;
    if (wait < 0xFFFFFFFFu) {
        wait += step;
    }
    while ((get_tick() - start) < wait) {
    }
}

uint32_t bench_work(void)
{
    clock_start();
    clock_start_tick();
    delay(DELAY_MS);
    SYST_CSR = 0;
    return tick;
}
