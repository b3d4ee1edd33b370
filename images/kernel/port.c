/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cortex-M4F: context switch, first task, tick, critical sections. Section numbers are the ARMv7-M ARM's, DDI 0403E.
 *
 * A task's context, from pxTopOfStack upwards: r4-r11, EXC_RETURN; s16-s31 if EXC_RETURN[4] is 0; then what exception
 * entry pushed: r0-r3, r12, lr, pc, xPSR, and if EXC_RETURN[4] is 0 s0-s15, FPSCR (B1.5.7). */
#include "kernel.h"

#define portSYST_CSR (*(volatile uint32_t *)0xE000E010) /* B3.3.3 */
#define portSYST_RVR (*(volatile uint32_t *)0xE000E014)
#define portSYST_CVR (*(volatile uint32_t *)0xE000E018)
#define portNVIC_IPR ((volatile uint8_t *)0xE000E400) /* B3.4.9 */
#define portSHPR3 (*(volatile uint32_t *)0xE000ED20) /* B3.2.12 */
#define portCPACR (*(volatile uint32_t *)0xE000ED88) /* B3.2.20 */
#define portFPCCR (*(volatile uint32_t *)0xE000EF34) /* B3.2.21 */

#define portSYST_CSR_ENABLE_TICKINT_CLKSOURCE 7UL
#define portCPACR_CP10_CP11_FULL (0xFUL << 20)
#define portFPCCR_ASPEN_LSPEN (3UL << 30)
#define portXPSR_T (1UL << 24)
#define portEXC_RETURN_THREAD_PSP 0xFFFFFFFDUL /* Without FP state (B1.5.8). */

/* --- Critical sections ---------------------------------------------------------------------------------- */

volatile UBaseType_t uxCriticalNesting;
static UBaseType_t uxMaskBeforeCritical;

void vPortEnterCritical(void)
{
    UBaseType_t uxPrevious = portSET_INTERRUPT_MASK_FROM_ISR();

    configASSERT(xPortIsInsideInterrupt() == 0); /* Handlers have functions of their own, ...FromISR. */
    if (uxCriticalNesting++ == 0) {
        uxMaskBeforeCritical = uxPrevious;
    }
}

void vPortExitCritical(void)
{
    configASSERT(uxCriticalNesting != 0);
    if (--uxCriticalNesting == 0) {
        portCLEAR_INTERRUPT_MASK_FROM_ISR(uxMaskBeforeCritical);
    }
}

/* An interrupt that critical sections do not mask would meet the kernel's lists half changed. */
void vPortAssertMayCallKernel(void)
{
    UBaseType_t uxException = xPortIsInsideInterrupt();

    if (uxException >= 16) {
        configASSERT(portNVIC_IPR[uxException - 16] >= configMAX_SYSCALL_INTERRUPT_PRIORITY);
    }
}

/* --- Tasks start and end -------------------------------------------------------------------------------- */

static void prvTaskReturned(void)
{
    vTaskDelete(NULL);
}

StackType_t *pxPortInitialiseStack(StackType_t *pxTop, TaskFunction_t pxCode, void *pvParameters)
{
    StackType_t *pxFrame = (StackType_t *)((uintptr_t)pxTop & ~(uintptr_t)7) - 17;

    for (int i = 0; i < 17; i++) {
        pxFrame[i] = 0;
    }
    pxFrame[8] = portEXC_RETURN_THREAD_PSP; /* Behind r4-r11. */
    pxFrame[9] = (StackType_t)pvParameters; /* r0 */
    pxFrame[14] = (StackType_t)prvTaskReturned; /* lr */
    pxFrame[15] = (StackType_t)pxCode & ~1UL; /* pc: the frame holds an instruction's address, T is in xPSR. */
    pxFrame[16] = portXPSR_T;
    return pxFrame;
}

void vPortStartScheduler(void)
{
    /* The switch comes last, behind every other handler; the tick never interrupts one that may use the kernel. */
    portSHPR3 |= (configKERNEL_INTERRUPT_PRIORITY << 24) | (configKERNEL_INTERRUPT_PRIORITY << 16);
    portCPACR |= portCPACR_CP10_CP11_FULL;
    portFPCCR |= portFPCCR_ASPEN_LSPEN;
    portSYST_RVR = configCPU_CLOCK_HZ / configTICK_RATE_HZ - 1;
    portSYST_CVR = 0;
    portSYST_CSR = portSYST_CSR_ENABLE_TICKINT_CLKSOURCE;
    /* CONTROL.FPCA is cleared so that SVC pushes no FP frame, whose lazy saving would later write through FPCAR to a
     * stack that is given up here (B1.5.7). SVC is more urgent than BASEPRI, else it would be a HardFault. */
    __asm volatile("dsb\n\t"
                   "isb\n\t"
                   "mov r0, #0\n\t"
                   "msr control, r0\n\t"
                   "isb\n\t"
                   "cpsie i\n\t"
                   "cpsie f\n\t"
                   "svc 0" ::
                       : "r0", "memory");
    __builtin_unreachable();
}

/* --- Handlers ------------------------------------------------------------------------------------------- */

/* Loads the context of pxCurrentTCB and returns to it. A branch, not a call: it ends the handler. */
__attribute__((naked, used)) static void prvResumeCurrentTask(void)
{
    __asm volatile("movw r1, #:lower16:pxCurrentTCB\n\t"
                   "movt r1, #:upper16:pxCurrentTCB\n\t"
                   "ldr r1, [r1]\n\t"
                   "ldr r0, [r1]\n\t"
                   "ldmia r0!, {r4-r11, lr}\n\t"
                   "tst lr, #0x10\n\t"
                   "it eq\n\t"
                   "vldmiaeq r0!, {s16-s31}\n\t"
                   "msr psp, r0\n\t"
                   "mov r0, #0\n\t"
                   "msr basepri, r0\n\t"
                   "bx lr");
}

/* The first task. What main() left on the main stack is given up: handlers start from its top, as after reset, which
 * the vector table's first word holds (VTOR, B3.2.5). */
__attribute__((naked)) void SVC_Handler(void)
{
    __asm volatile("movw r0, #0xED08\n\t"
                   "movt r0, #0xE000\n\t"
                   "ldr r0, [r0]\n\t"
                   "ldr r0, [r0]\n\t"
                   "msr msp, r0\n\t"
                   "b prvResumeCurrentTask");
}

/* The first FP instruction, VSTM, also makes the processor save s0-s15 and FPSCR to the frame if it has put that off
 * (lazy state preservation, B1.5.7). A task that does not use the FPU pays for none of this. r4 outlives the call and
 * needs no saving: the task's own is on its stack by then. */
__attribute__((naked)) void PendSV_Handler(void)
{
    __asm volatile("mrs r0, psp\n\t"
                   "tst lr, #0x10\n\t"
                   "it eq\n\t"
                   "vstmdbeq r0!, {s16-s31}\n\t"
                   "stmdb r0!, {r4-r11, lr}\n\t"
                   "movw r4, #:lower16:pxCurrentTCB\n\t"
                   "movt r4, #:upper16:pxCurrentTCB\n\t"
                   "ldr r1, [r4]\n\t"
                   "str r0, [r1]\n\t"
                   "mov r0, %0\n\t"
                   "msr basepri, r0\n\t"
                   "isb\n\t"
                   "bl vTaskSwitchContext\n\t"
                   "b prvResumeCurrentTask" ::"i"(configMAX_SYSCALL_INTERRUPT_PRIORITY));
}

void SysTick_Handler(void)
{
    UBaseType_t uxSaved = portSET_INTERRUPT_MASK_FROM_ISR();

    if (xTaskIncrementTick()) {
        portICSR = portICSR_PENDSVSET;
    }
    portCLEAR_INTERRUPT_MASK_FROM_ISR(uxSaved);
}
