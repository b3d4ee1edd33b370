/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every register a task owns, held through preemption, yields and interrupts, in tasks with and without FP state. */
#include "check.h"

#define CORE_REGISTERS 8 /* r4-r11 */
#define FP_REGISTERS 32
#define SPINS 20000 /* longer than a tick, so that every task is interrupted in the middle */
#define FPSCR_RMODE (3UL << 22)

struct worker {
    uint32_t seed;
    bool uses_fp;
    volatile bool stop, stopped;
    volatile unsigned rounds, errors;
};

static volatile float interrupt_sum;

/* Load the registers, pend the test interrupt, spin, store them again. */
__attribute__((naked)) static void hold_core(const uint32_t *in, uint32_t *out, uint32_t spins, uint32_t pend)
{
    (void)in, (void)out, (void)spins, (void)pend;
    __asm volatile("push {r4-r11}\n\t"
                   "ldmia r0, {r4-r11}\n\t"
                   "movw r0, #0xE200\n\t" /* NVIC_ISPR0 */
                   "movt r0, #0xE000\n\t"
                   "str r3, [r0]\n"
                   "1: subs r2, #1\n\t"
                   "bne 1b\n\t"
                   "stmia r1, {r4-r11}\n\t"
                   "pop {r4-r11}\n\t"
                   "bx lr");
}

__attribute__((naked)) static void hold_fp(const uint32_t *in, uint32_t *out, uint32_t spins, uint32_t pend)
{
    (void)in, (void)out, (void)spins, (void)pend;
    __asm volatile("vpush {s16-s31}\n\t"
                   "vldmia r0, {s0-s31}\n\t"
                   "movw r0, #0xE200\n\t"
                   "movt r0, #0xE000\n\t"
                   "str r3, [r0]\n"
                   "1: subs r2, #1\n\t"
                   "bne 1b\n\t"
                   "vstmia r1, {s0-s31}\n\t"
                   "vpop {s16-s31}\n\t"
                   "bx lr");
}

static void hold_and_compare(struct worker *self)
{
    uint32_t in[FP_REGISTERS], out[FP_REGISTERS];
    unsigned count = self->uses_fp ? FP_REGISTERS : CORE_REGISTERS;
    for (unsigned i = 0; i < count; i++) {
        in[i] = self->seed + 0x01010101 * i + self->rounds;
        out[i] = 0;
    }
    (self->uses_fp ? hold_fp : hold_core)(in, out, SPINS, NVIC_BIT(PVD_IRQ));
    for (unsigned i = 0; i < count; i++) {
        self->errors += in[i] != out[i];
    }
}

static void work(void *argument)
{
    struct worker *self = argument;
    while (!self->stop) {
        hold_and_compare(self);
        self->rounds++;
        taskYIELD();
    }
    self->stopped = true;
    vTaskDelete(NULL);
}

static void use_fp_in_handler(void)
{
    interrupt_sum = interrupt_sum * 0.5f + 3.0f;
}

void test_context_survives_switches(void)
{
    static struct worker workers[] = {
        {.seed = 0x10000000, .uses_fp = true},
        {.seed = 0x20000000, .uses_fp = false},
        {.seed = 0x30000000, .uses_fp = true},
        {.seed = 0x40000000, .uses_fp = false},
    };
    const unsigned count = sizeof workers / sizeof workers[0];
    interrupt_on(use_fp_in_handler, 0x80);
    for (unsigned i = 0; i < count; i++) {
        spawn(work, "worker", &workers[i], 2);
    }
    vTaskDelay(300);
    for (unsigned i = 0; i < count; i++) {
        workers[i].stop = true;
    }
    vTaskDelay(100);
    interrupt_off();
    for (unsigned i = 0; i < count; i++) {
        CHECK(workers[i].stopped);
        CHECK(workers[i].rounds > 5);
        CHECK(workers[i].errors == 0);
    }
    CHECK(interrupt_sum > 5.0f && interrupt_sum <= 6.0f);
}

static void round_in_own_mode(void *argument)
{
    struct worker *self = argument;
    uint32_t mode = self->seed << 22;
    __builtin_arm_set_fpscr(mode);
    while (!self->stop) {
        taskYIELD();
        self->rounds++;
        self->errors += (__builtin_arm_get_fpscr() & FPSCR_RMODE) != mode;
    }
    self->stopped = true;
    vTaskDelete(NULL);
}

/* Some ten thousand switches between two FP tasks, whose lazily saved FPSCR must not be exchanged. */
void test_rounding_mode_belongs_to_its_task(void)
{
    static struct worker up = {.seed = 1}, down = {.seed = 2};
    spawn(round_in_own_mode, "up", &up, 2);
    spawn(round_in_own_mode, "down", &down, 2);
    for (unsigned i = 0; i < 2000 && (up.rounds < 5000 || down.rounds < 5000); i++) {
        vTaskDelay(1);
    }
    up.stop = down.stop = true;
    let_idle_run();
    CHECK(up.stopped && down.stopped);
    CHECK(up.rounds >= 5000 && down.rounds >= 5000);
    CHECK(up.errors == 0 && down.errors == 0);
    CHECK((__builtin_arm_get_fpscr() & FPSCR_RMODE) == 0);
}
