/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two tasks on the process stack, one of them using the FPU, switched by PendSV on behalf of SysTick and of SVC
 * (ARMv7-M B1.5.6 to B1.5.8). */
#include "check.h"
#include "console.h"
#include "stm32f407.h"

#define SWITCHES 10000UL
#define OF_EACH_KIND 1000UL
#define TICK_CYCLES 5000UL
#define STACK_WORDS 256
#define LOWEST_PRIORITY 0xF0
#define XPSR_T BIT(24)
#define EXC_RETURN_THREAD_PSP 0xFFFFFFFDUL
enum { SVCALL = 11, PENDSV = 14, SYSTICK = 15 };

static uint32_t stacks[2][STACK_WORDS] __attribute__((aligned(8)));
__attribute__((used)) static uint32_t *saved_sp[2];
static volatile uint32_t current, switches, by_tick, by_svc, rounds[2];
static volatile bool tasks_run;
__attribute__((used)) static uint32_t main_exc_return;

volatile struct svc_record last_svc;

void SysTick_Handler(void)
{
    by_tick++;
    SCB_ICSR = SCB_ICSR_PENDSVSET;
}

/* Called from PendSV with the stopped task's stack pointer; returns the other's. */
__attribute__((used)) static uint32_t *switch_task(uint32_t *sp)
{
    saved_sp[current] = sp;
    current ^= 1;
    switches++;
    return saved_sp[current];
}

__attribute__((naked)) void PendSV_Handler(void)
{
    __asm volatile(
        "mrs r0, psp\n"
        "tst lr, #0x10\n"
        "it eq\n"
        "vstmdbeq r0!, {s16-s31}\n"
        "stmdb r0!, {r4-r11, lr}\n"
        "bl switch_task\n"
        "ldmia r0!, {r4-r11, lr}\n"
        "tst lr, #0x10\n"
        "it eq\n"
        "vldmiaeq r0!, {s16-s31}\n"
        "msr psp, r0\n"
        "bx lr\n");
}

/* SVC 0: yield within a task; elsewhere note what came, and use the FPU as a careless handler may. */
__attribute__((used)) static void serve_call(uint32_t *frame, uint32_t exc_return, uint32_t number)
{
    if (tasks_run) {
        by_svc++;
        SCB_ICSR = SCB_ICSR_PENDSVSET;
        return;
    }
    last_svc = (struct svc_record){number, exc_return, frame, frame[7]};
    for (volatile float x = 1; x < 4; x = x * 1.5f) {
    }
    __asm volatile(
        "vmov s0, %0\n vmov s1, %0\n vmov s2, %0\n vmov s13, %0\n vmov s14, %0\n vmov s15, %0\n vmsr fpscr, %0"
        :: "r"(0) : "s0", "s1", "s2", "s13", "s14", "s15");
}

/* SVC 1 leaves main's frame on the main stack and starts task 0; SVC 2 drops the caller's frame and goes back to main.
 * The FP instruction there makes a lazily kept frame (FPCCR.LSPACT) final: it must not be taken for main's. */
__attribute__((naked)) void SVC_Handler(void)
{
    __asm volatile(
        "tst lr, #4\n"
        "ite eq\n"
        "mrseq r0, msp\n"
        "mrsne r0, psp\n"
        "mov r1, lr\n"
        "ldr r2, [r0, #24]\n"
        "ldrb r2, [r2, #-2]\n"
        "cmp r2, #1\n"
        "beq 1f\n"
        "cmp r2, #2\n"
        "beq 2f\n"
        "b serve_call\n"
        "1: ldr r3, =main_exc_return\n"
        "str lr, [r3]\n"
        "ldr r0, =saved_sp\n"
        "ldr r0, [r0]\n"
        "ldmia r0!, {r4-r11, lr}\n"
        "msr psp, r0\n"
        "bx lr\n"
        "2: tst lr, #0x10\n"
        "it eq\n"
        "vmoveq s0, s0\n"
        "ldr r3, =main_exc_return\n"
        "ldr lr, [r3]\n"
        "bx lr\n"
        ".ltorg\n");
}

static bool enough(void)
{
    return switches >= SWITCHES && by_tick >= OF_EACH_KIND && by_svc >= OF_EACH_KIND;
}

static void finish(void)
{
    SYST_CSR = 0;
    SCB_ICSR = SCB_ICSR_PENDSVCLR;
    tasks_run = false;
    __asm volatile("svc 2");
}

static void run(uint32_t self, uint32_t (*hold)(uint32_t, uint32_t, bool), const char *what)
{
    while (!enough()) {
        rounds[self]++;
        uint32_t differences = hold(rounds[self] * 0x01234567, 150, rounds[self] % 8 == 0);
        if (differences) {
            check(false, what);
            break;
        }
    }
    finish();
}

static void integer_task(void) { run(0, hold_integers, "a switch changed integer registers"); }
static void float_task(void) { run(1, hold_floats, "a switch changed FP registers"); }

/* The frame that an exception return will take, below it r4-r11 and EXC_RETURN as PendSV keeps them. */
static uint32_t *prepare(uint32_t *stack, void (*entry)(void))
{
    uint32_t *sp = stack + STACK_WORDS;
    *--sp = XPSR_T;
    *--sp = (uint32_t)entry & ~1UL;
    sp -= 6;
    *--sp = EXC_RETURN_THREAD_PSP;
    return sp - 8;
}

void check_switches(void)
{
    saved_sp[0] = prepare(stacks[0], integer_task);
    saved_sp[1] = prepare(stacks[1], float_task);
    SCB_SHPR(PENDSV) = LOWEST_PRIORITY;
    SCB_SHPR(SYSTICK) = LOWEST_PRIORITY;
    tasks_run = true;
    SYST_RVR = TICK_CYCLES - 1;
    SYST_CVR = 0;
    SYST_CSR = SYST_CSR_CLKSOURCE | SYST_CSR_TICKINT | SYST_CSR_ENABLE;
    __asm volatile("svc 1" ::: "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr",
                   "s16", "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "s28", "s29",
                   "s30", "s31", "memory");
    check(enough(), "too few switches");
    check(rounds[0] > OF_EACH_KIND && rounds[1] > OF_EACH_KIND, "one task hardly ran");
    console_printf("switches: at least %lu, at least %lu each by SysTick and SVC\n", SWITCHES, OF_EACH_KIND);
}
