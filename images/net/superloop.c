/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lwIP in one loop, without a kernel (NO_SYS): interrupts only wake the loop up. */
#include "superloop.h"

#include "clock.h"
#include "console.h"
#include "eth.h"
#include "interface.h"
#include "lwip/init.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"
#include "rng.h"
#include "stm32f407.h"

#define LINK_CHECK_MS 250

static volatile uint32_t now_ms;
static volatile bool frames_waiting;

void SysTick_Handler(void) { now_ms++; }

void eth_frames_arrived(void) { frames_waiting = true; }

u32_t sys_now(void) { return now_ms; }

u32_t lwip_rand(void)
{
    uint32_t word;
    return rng_word(&word) ? word : now_ms * 2654435761u;
}

static void check_link(void *unused)
{
    (void)unused;
    interface_check_link();
    sys_timeout(LINK_CHECK_MS, check_link, NULL);
}

void superloop_start(const char *banner)
{
    bool crystal = clock_start();
    console_start();
    console_printf("%s\n", banner);
    console_printf("clock: %lu MHz%s\n", (unsigned long)clock_hclk / 1000000,
                   crystal ? "" : ", the crystal or PLL did not start");
    rng_start();
    clock_start_tick();
    lwip_init();
    while (!interface_start(ethernet_input)) {
        wait_for_interrupt();
    }
    check_link(NULL);
}

void superloop_poll(void)
{
    frames_waiting = false;
    interface_input();
    sys_check_timeouts();
}

/* With interrupts masked a frame cannot slip in between the look and the sleep; WFI wakes up all the same
 * (ARMv7-M B1.5.19). */
void superloop_sleep(void)
{
    disable_interrupts();
    if (!frames_waiting) {
        wait_for_interrupt();
    }
    enable_interrupts();
}
