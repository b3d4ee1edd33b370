/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens unless the image defines its own. */
#include "task.h"

/* The arguments are for the debugger. */
__attribute__((weak)) void vAssertCalled(const char *pcFile, unsigned long ulLine)
{
    (void)pcFile;
    (void)ulLine;
    __asm volatile("cpsid i" ::: "memory");
    for (;;) {
    }
}

__attribute__((weak)) void vApplicationStackOverflowHook(TaskHandle_t xTask, char *pcTaskName)
{
    (void)xTask;
    (void)pcTaskName;
    configASSERT(!"stack overflow");
}

__attribute__((weak)) void vApplicationMallocFailedHook(void)
{
}

__attribute__((weak)) void vApplicationIdleHook(void)
{
}
