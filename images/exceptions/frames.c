/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What exception entry pushes and what return brings back (ARMv7-M B1.5.6, B1.5.8). */
#include "check.h"
#include "console.h"
#include "stm32f407.h"

#define XPSR_REALIGNED BIT(9)
#define CONTROL_FPCA BIT(2)
#define EXC_RETURN_THREAD_MSP 0xFFFFFFF9UL
#define EXC_RETURN_THREAD_MSP_FP 0xFFFFFFE9UL

static uint32_t read_control(void)
{
    uint32_t control;
    __asm volatile("mrs %0, control" : "=r"(control));
    return control;
}

static void forget_floats(void)
{
    __asm volatile("msr control, %0\n isb" :: "r"(read_control() & ~CONTROL_FPCA) : "memory");
}

static void check_frame_kinds(void)
{
    forget_floats();
    __asm volatile("svc 3" ::: "memory");
    check(last_svc.number == 3, "SVC's number is wrong");
    check(last_svc.exc_return == EXC_RETURN_THREAD_MSP, "EXC_RETURN for a basic frame is wrong");
    check(!(read_control() & CONTROL_FPCA), "a return from a basic frame left FPCA set");
    __asm volatile("vmov s0, %0\n svc 4" :: "r"(0) : "s0", "memory");
    check(last_svc.exc_return == EXC_RETURN_THREAD_MSP_FP, "EXC_RETURN for an extended frame is wrong");
    check(read_control() & CONTROL_FPCA, "a return from an extended frame left FPCA clear");
}

/* An SP that is a multiple of 4 only is padded, xPSR bit 9 says so, and the return takes the padding away. */
static void check_realignment(void)
{
    uint32_t before, after;
    __asm volatile(
        "mov r4, sp\n"
        "sub sp, #4\n"
        "mov %0, sp\n"
        "svc 3\n"
        "mov %1, sp\n"
        "mov sp, r4\n"
        : "=&r"(before), "=&r"(after) :: "r4", "memory");
    bool misaligned = before % 8 == 4;
    check(before == after, "SP is not what it was before the exception");
    check(misaligned, "the stack was not misaligned for the test");
    check((uint32_t)last_svc.frame % 8 == 0, "the frame is not 8-byte aligned");
    check(last_svc.xpsr & XPSR_REALIGNED, "xPSR bit 9 does not record the padding");
}

void check_frames(void)
{
    check_frame_kinds();
    check_realignment();
    check(hold_integers(0x1F, 10, true) == 0, "SVC changed integer registers");
    check(hold_floats(0x2E, 10, true) == 0, "a handler that uses the FPU changed FP registers");
    check(hold_floats(0x3FA00001, 10, true) == 0, "a handler that uses the FPU changed FP registers (2)");
    console_printf("frames: basic, extended, realigned\n");
}
