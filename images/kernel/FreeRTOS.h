/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration, base types, the Cortex-M4F port and the heap. Every other header includes this one.
 *
 * An image overrides any configXXX below in a FreeRTOSConfig.h on its include path, or with -D. */
#ifndef FREERTOS_H
#define FREERTOS_H

#include <stddef.h>
#include <stdint.h>

#if __has_include("FreeRTOSConfig.h")
#include "FreeRTOSConfig.h"
#endif

/* --- Configuration ------------------------------------------------------------------------------------- */

#ifndef configCPU_CLOCK_HZ /* HCLK, which clocks SysTick; read once, by vTaskStartScheduler. */
extern uint32_t clock_hclk; /* common/clock.c */
#define configCPU_CLOCK_HZ clock_hclk
#endif
#ifndef configTICK_RATE_HZ
#define configTICK_RATE_HZ 1000
#endif
#ifndef configMAX_PRIORITIES
#define configMAX_PRIORITIES 8
#endif
#ifndef configMINIMAL_STACK_SIZE /* Words; the idle task's stack. */
#define configMINIMAL_STACK_SIZE 128
#endif
#ifndef configMAX_TASK_NAME_LEN
#define configMAX_TASK_NAME_LEN 16
#endif
#ifndef configTOTAL_HEAP_SIZE /* Bytes of ucHeap. */
#define configTOTAL_HEAP_SIZE (32 * 1024)
#endif
#ifndef configAPPLICATION_ALLOCATED_HEAP /* 1: the image defines ucHeap itself, to place it. */
#define configAPPLICATION_ALLOCATED_HEAP 0
#endif
#ifndef configCALLOC_CLEARS /* 0: pvPortCalloc forgets to, as many ports of heap_4 do; for images that show the fault. */
#define configCALLOC_CLEARS 1
#endif
/* Priorities as the NVIC's registers hold them: STM32F4 implements the upper four bits (PM0214 4.3.7). Interrupts
 * more urgent than the system-call priority are never masked and must not call the kernel. */
#ifndef configMAX_SYSCALL_INTERRUPT_PRIORITY
#define configMAX_SYSCALL_INTERRUPT_PRIORITY 0x50
#endif
#define configKERNEL_INTERRUPT_PRIORITY 0xF0

#ifndef configASSERT
void vAssertCalled(const char *pcFile, unsigned long ulLine);
#define configASSERT(x) ((x) ? (void)0 : vAssertCalled(__FILE_NAME__, __LINE__))
#endif

/* --- Types --------------------------------------------------------------------------------------------- */

typedef long BaseType_t;
typedef unsigned long UBaseType_t;
typedef uint32_t StackType_t;
typedef uint32_t TickType_t;
typedef void (*TaskFunction_t)(void *);

#define pdFALSE ((BaseType_t)0)
#define pdTRUE ((BaseType_t)1)
#define pdFAIL pdFALSE
#define pdPASS pdTRUE
#define errQUEUE_EMPTY ((BaseType_t)0)
#define errQUEUE_FULL ((BaseType_t)0)
#define errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY ((BaseType_t)-1)

#define portMAX_DELAY ((TickType_t)0xFFFFFFFF) /* For ever. */
#define portTICK_PERIOD_MS ((TickType_t)(1000 / configTICK_RATE_HZ))
#define pdMS_TO_TICKS(ms) ((TickType_t)((uint64_t)(ms) * configTICK_RATE_HZ / 1000))
#define portBYTE_ALIGNMENT 8

/* --- Port: Cortex-M4F ---------------------------------------------------------------------------------- */

#define portICSR (*(volatile uint32_t *)0xE000ED04) /* Interrupt Control and State (DDI 0403 B3.2.4) */
#define portICSR_PENDSVSET (1UL << 28)

/* Pends the context switch, which happens as soon as BASEPRI lets PendSV in. */
static inline void portYIELD(void)
{
    portICSR = portICSR_PENDSVSET;
    __asm volatile("dsb\n\tisb" ::: "memory");
}

/* Raises BASEPRI to the system-call priority and returns what it was. Nests through the returned value, in tasks and
 * in interrupt handlers alike. BASEPRI_MAX never lowers the mask (DDI 0403 B5.2.3). */
static inline UBaseType_t portSET_INTERRUPT_MASK_FROM_ISR(void)
{
    UBaseType_t uxPrevious;
    __asm volatile("mrs %0, basepri\n\t"
                   "msr basepri_max, %1\n\t"
                   "isb"
                   : "=&r"(uxPrevious)
                   : "r"(configMAX_SYSCALL_INTERRUPT_PRIORITY)
                   : "memory");
    return uxPrevious;
}

/* The barrier makes a PendSV that has become eligible happen here, not some instructions later. */
static inline void portCLEAR_INTERRUPT_MASK_FROM_ISR(UBaseType_t uxPrevious)
{
    __asm volatile("msr basepri, %0\n\tisb" ::"r"(uxPrevious) : "memory");
}

/* Exception number of the running handler, 0 in a task (DDI 0403 B1.4.2). */
static inline UBaseType_t xPortIsInsideInterrupt(void)
{
    UBaseType_t uxIpsr;
    __asm volatile("mrs %0, ipsr" : "=r"(uxIpsr));
    return uxIpsr;
}

void vPortEnterCritical(void);
void vPortExitCritical(void);

#define portENTER_CRITICAL() vPortEnterCritical()
#define portEXIT_CRITICAL() vPortExitCritical()
#define portDISABLE_INTERRUPTS() ((void)portSET_INTERRUPT_MASK_FROM_ISR())
#define portENABLE_INTERRUPTS() portCLEAR_INTERRUPT_MASK_FROM_ISR(0)
#define portYIELD_FROM_ISR(xSwitchRequired) ((xSwitchRequired) ? portYIELD() : (void)0)
#define portEND_SWITCHING_ISR(xSwitchRequired) portYIELD_FROM_ISR(xSwitchRequired)

/* --- Heap (heap.c) ------------------------------------------------------------------------------------- */

/* 8-byte aligned; NULL, after vApplicationMallocFailedHook, when no free block is large enough. Not for handlers. */
void *pvPortMalloc(size_t xSize);
void *pvPortCalloc(size_t xNumber, size_t xSize);
void vPortFree(void *pv);
size_t xPortGetFreeHeapSize(void);
size_t xPortGetMinimumEverFreeHeapSize(void);

#endif
