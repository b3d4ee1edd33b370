/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults: which exception comes, what the status registers say, and that the program can go on (ARMv7-M B1.5.14). */
#include "check.h"
#include "console.h"
#include "stm32f407.h"

enum { HARD_FAULT = 3, MEM_MANAGE = 4, BUS_FAULT = 5, USAGE_FAULT = 6 };
enum recovery { SKIP, RETURN, CONTINUE, ENABLE_FPU }; /* past the instruction; to the caller; as stacked */

#define CFSR_IACCVIOL BIT(0)
#define CFSR_IBUSERR BIT(8)
#define CFSR_PRECISERR_BFARVALID (BIT(9) | BIT(15))
#define CFSR_UNDEFINSTR BIT(16)
#define CFSR_INVSTATE BIT(17)
#define CFSR_NOCP BIT(19)
#define CFSR_UNALIGNED BIT(24)
#define CFSR_DIVBYZERO BIT(25)
#define XPSR_T BIT(24)
#define NOWHERE 0x2FFF0000UL /* reserved in the SRAM region: a bus fault */

static volatile struct {
    uint32_t exception, cfsr, hfsr, bfar, count;
} seen;
static volatile enum recovery recovery;

static uint32_t instruction_size(uint32_t pc)
{
    return *(const uint16_t *)pc >> 11 >= 0x1D ? 4 : 2; /* ARMv7-M A5.1 */
}

static void recover(uint32_t *frame)
{
    if (recovery == SKIP) {
        frame[6] += instruction_size(frame[6]);
    } else if (recovery == RETURN) {
        frame[6] = frame[5] & ~1UL;
        frame[7] |= XPSR_T;
    }
}

__attribute__((used)) static void take_fault(uint32_t *frame)
{
    if (recovery == ENABLE_FPU) {
        SCB_CPACR |= SCB_CPACR_CP10_CP11_FULL;
        data_barrier();
        instruction_barrier();
    }
    seen.exception = SCB_ICSR & SCB_ICSR_VECTACTIVE;
    seen.cfsr = SCB_CFSR;
    seen.hfsr = SCB_HFSR;
    seen.bfar = SCB_BFAR;
    seen.count++;
    SCB_CFSR = seen.cfsr;
    SCB_HFSR = seen.hfsr;
    console_printf("  exception %lu: CFSR %08lx HFSR %08lx", (unsigned long)seen.exception, (unsigned long)seen.cfsr,
                   (unsigned long)seen.hfsr);
    if (seen.cfsr & BIT(15)) {
        console_printf(" BFAR %08lx", (unsigned long)seen.bfar);
    }
    console_printf("\n");
    recover(frame);
}

#define FAULT_HANDLER(name) \
    __attribute__((naked)) void name(void) \
    { \
        __asm volatile("tst lr, #4\n ite eq\n mrseq r0, msp\n mrsne r0, psp\n b take_fault"); \
    }

FAULT_HANDLER(HardFault_Handler)
FAULT_HANDLER(MemManage_Handler)
FAULT_HANDLER(BusFault_Handler)
FAULT_HANDLER(UsageFault_Handler)

/* --- ways to fail; none is inlined, so that RETURN finds its way through LR -------------------------------------- */

#define PROVOKE __attribute__((noinline)) static void

PROVOKE undefined(void) { __asm volatile("udf #0"); }
PROVOKE undefined_wide(void) { __asm volatile("udf.w #0"); }
PROVOKE bad_load(void) { __asm volatile("ldr r0, [%0]" :: "r"(NOWHERE) : "r0"); }
PROVOKE divide_by_zero(void) { __asm volatile("udiv r0, %0, %1" :: "r"(7), "r"(0) : "r0"); }
PROVOKE unaligned_multiple(void) { __asm volatile("ldm %0, {r0, r1}" :: "r"(0x20000002UL) : "r0", "r1"); }
PROVOKE jump_nowhere(void) { __asm volatile("bx %0" :: "r"(NOWHERE | 1)); }
PROVOKE jump_to_device(void) { __asm volatile("bx %0" :: "r"(0x40000001UL)); }
PROVOKE jump_to_arm(void) { __asm volatile("bx %0" :: "r"(0x08000100UL)); }
PROVOKE call_while_masked(void) { __asm volatile("cpsid i\n svc 5\n cpsie i" ::: "memory"); }

PROVOKE float_without_fpu(void)
{
    uint32_t control;
    __asm volatile("mrs %0, control" : "=r"(control));
    __asm volatile("msr control, %0\n isb" :: "r"(control & ~BIT(2)));
    SCB_CPACR &= ~SCB_CPACR_CP10_CP11_FULL;
    data_barrier();
    instruction_barrier();
    __asm volatile("vmov s0, %0" :: "r"(1) : "s0");
}

struct fault {
    const char *what;
    void (*provoke)(void);
    enum recovery recovery;
    uint32_t exception, cfsr, hfsr;
};

static void expect(const struct fault *fault)
{
    uint32_t before = seen.count;
    recovery = fault->recovery;
    console_printf("%s\n", fault->what);
    fault->provoke();
    check(seen.count == before + 1, "not one fault");
    check(seen.exception == fault->exception, "another exception than expected");
    check(seen.cfsr == fault->cfsr, "another CFSR than expected");
    check(seen.hfsr == fault->hfsr, "another HFSR than expected");
}

static const struct fault enabled[] = {
    {"undefined instruction", undefined, SKIP, USAGE_FAULT, CFSR_UNDEFINSTR, 0},
    {"undefined 32-bit instruction", undefined_wide, SKIP, USAGE_FAULT, CFSR_UNDEFINSTR, 0},
    {"load from nowhere", bad_load, SKIP, BUS_FAULT, CFSR_PRECISERR_BFARVALID, 0},
    {"jump to nowhere", jump_nowhere, RETURN, BUS_FAULT, CFSR_IBUSERR, 0},
    {"jump into device memory", jump_to_device, RETURN, MEM_MANAGE, CFSR_IACCVIOL, 0},
    {"jump to ARM state", jump_to_arm, RETURN, USAGE_FAULT, CFSR_INVSTATE, 0},
    {"SVC while masked", call_while_masked, CONTINUE, HARD_FAULT, 0, SCB_HFSR_FORCED},
};

/* What a core traps only when told to, or in the middle of straight-line code: their own verdict, since an emulator may
 * do all else right and not these. */
static const struct fault trapped[] = {
    {"division by zero", divide_by_zero, SKIP, USAGE_FAULT, CFSR_DIVBYZERO, 0},
    {"unaligned LDM", unaligned_multiple, SKIP, USAGE_FAULT, CFSR_UNALIGNED, 0},
    {"FP instruction without FPU", float_without_fpu, ENABLE_FPU, USAGE_FAULT, CFSR_NOCP, 0},
};

static const struct fault escalated[] = {
    {"undefined instruction, escalated", undefined, SKIP, HARD_FAULT, CFSR_UNDEFINSTR, SCB_HFSR_FORCED},
    {"load from nowhere, escalated", bad_load, SKIP, HARD_FAULT, CFSR_PRECISERR_BFARVALID, SCB_HFSR_FORCED},
};

void check_faults(void)
{
    SCB_SHCSR |= SCB_SHCSR_USGFAULTENA | SCB_SHCSR_BUSFAULTENA | SCB_SHCSR_MEMFAULTENA;
    for (unsigned i = 0; i < sizeof enabled / sizeof enabled[0]; i++) {
        expect(&enabled[i]);
    }
    SCB_SHCSR &= ~(SCB_SHCSR_USGFAULTENA | SCB_SHCSR_BUSFAULTENA | SCB_SHCSR_MEMFAULTENA);
    for (unsigned i = 0; i < sizeof escalated / sizeof escalated[0]; i++) {
        expect(&escalated[i]);
    }
    check(seen.bfar == NOWHERE, "BFAR is not the address of the load");
    console_printf("faults: %lu taken and survived\n", (unsigned long)seen.count);
}

void check_traps(void)
{
    SCB_SHCSR |= SCB_SHCSR_USGFAULTENA;
    SCB_CCR |= SCB_CCR_DIV_0_TRP;
    for (unsigned i = 0; i < sizeof trapped / sizeof trapped[0]; i++) {
        expect(&trapped[i]);
    }
    SCB_CCR &= ~SCB_CCR_DIV_0_TRP;
}
