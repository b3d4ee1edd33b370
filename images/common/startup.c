/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vector table and reset: what has to happen before main (ARMv7-M B1.5.3, RM0090 12.1.3). */
#include "stm32f407.h"

typedef void (*vector)(void);

extern uint32_t _data_load[], _data_start[], _data_end[], _bss_start[], _bss_end[], _stack_top[];
int main(void);

/* An interrupt or fault nobody handles ends here, where a debugger finds it. */
void Default_Handler(void)
{
    for (;;) {
    }
}

#define WEAK_HANDLER(name) void name(void) __attribute__((weak, alias("Default_Handler")))

WEAK_HANDLER(NMI_Handler);
WEAK_HANDLER(HardFault_Handler);
WEAK_HANDLER(MemManage_Handler);
WEAK_HANDLER(BusFault_Handler);
WEAK_HANDLER(UsageFault_Handler);
WEAK_HANDLER(SVC_Handler);
WEAK_HANDLER(DebugMon_Handler);
WEAK_HANDLER(PendSV_Handler);
WEAK_HANDLER(SysTick_Handler);
WEAK_HANDLER(WWDG_IRQHandler);
WEAK_HANDLER(PVD_IRQHandler);
WEAK_HANDLER(TAMP_STAMP_IRQHandler);
WEAK_HANDLER(RTC_WKUP_IRQHandler);
WEAK_HANDLER(USART2_IRQHandler);
WEAK_HANDLER(ETH_IRQHandler);

void Reset_Handler(void)
{
    SCB_CPACR |= SCB_CPACR_CP10_CP11_FULL;
    data_barrier();
    instruction_barrier();
    const uint32_t *load = _data_load;
    for (uint32_t *word = _data_start; word < _data_end; word++) {
        *word = *load++;
    }
    for (uint32_t *word = _bss_start; word < _bss_end; word++) {
        *word = 0;
    }
    main();
    Default_Handler();
}

__attribute__((section(".vectors"), used)) static const vector vectors[16 + IRQ_COUNT] = {
    [0] = (vector)_stack_top,
    [1] = Reset_Handler,
    [2] = NMI_Handler,
    [3] = HardFault_Handler,
    [4] = MemManage_Handler,
    [5] = BusFault_Handler,
    [6] = UsageFault_Handler,
    [11] = SVC_Handler,
    [12] = DebugMon_Handler,
    [14] = PendSV_Handler,
    [15] = SysTick_Handler,
    [16 ... 16 + IRQ_COUNT - 1] = Default_Handler,
    [16 + WWDG_IRQ] = WWDG_IRQHandler,
    [16 + PVD_IRQ] = PVD_IRQHandler,
    [16 + TAMP_STAMP_IRQ] = TAMP_STAMP_IRQHandler,
    [16 + RTC_WKUP_IRQ] = RTC_WKUP_IRQHandler,
    [16 + USART2_IRQ] = USART2_IRQHandler,
    [16 + ETH_IRQ] = ETH_IRQHandler,
};
