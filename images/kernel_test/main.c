/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's self-test. Prints each test's name, "FAIL: what" for every condition that does not hold, then "PASS" or
 * "FAIL: how many".
 * Runs from the HSI and uses nothing but the core and USART2. */
#include "check.h"

#include "console.h"

#define TEST(name) {#name, test_##name}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    TEST(context_survives_switches),
    TEST(rounding_mode_belongs_to_its_task),
    TEST(higher_priority_runs_at_once),
    TEST(equals_share_time),
    TEST(delays_are_exact),
    TEST(period_is_kept),
    TEST(tick_count_wraps),
    TEST(suspended_task_stands_still),
    TEST(suspended_scheduler_holds_switches_back),
    TEST(priority_can_be_changed),
    TEST(queue_keeps_order),
    TEST(queue_blocks_and_times_out),
    TEST(queue_serves_the_most_urgent_first),
    TEST(queue_follows_changed_priorities),
    TEST(semaphore_counts),
    TEST(mutex_lends_its_waiter_s_priority),
    TEST(mutex_takes_priority_back_after_timeout),
    TEST(recursive_mutex),
    TEST(interrupt_notifies),
    TEST(interrupt_that_does_not_yield),
    TEST(interrupt_feeds_queue_and_semaphore),
    TEST(critical_section_masks_kernel_interrupts),
    TEST(notification_values),
    TEST(heap_merges_neighbours),
    TEST(heap_refuses_politely),
    TEST(deleted_tasks_give_their_memory_back),
    TEST(stack_high_water_mark),
    TEST(stack_overflow_is_noticed),
};

#if configAPPLICATION_ALLOCATED_HEAP
uint8_t ucHeap[configTOTAL_HEAP_SIZE] __attribute__((aligned(portBYTE_ALIGNMENT)));
#endif

static unsigned failures;
static void (*interrupt_handler)(void);

void check(bool holds, const char *test, const char *condition)
{
    if (!holds) {
        failures++;
        console_printf("FAIL: %s: %s\n", test, condition);
    }
}

TaskHandle_t spawn(TaskFunction_t code, const char *name, void *argument, UBaseType_t priority)
{
    TaskHandle_t task = NULL;
    CHECK(xTaskCreate(code, name, 192, argument, priority, &task) == pdPASS);
    return task;
}

void align_to_tick(void)
{
    vTaskDelay(1);
}

void let_idle_run(void)
{
    vTaskDelay(2);
}

void interrupt_on(void (*handler)(void), uint8_t priority)
{
    interrupt_handler = handler;
    nvic_enable(PVD_IRQ, priority);
}

void interrupt_off(void)
{
    NVIC_ICER(PVD_IRQ) = NVIC_BIT(PVD_IRQ);
}

void interrupt_trigger(void)
{
    NVIC_ISPR(PVD_IRQ) = NVIC_BIT(PVD_IRQ);
    data_barrier();
    instruction_barrier();
}

void PVD_IRQHandler(void)
{
    interrupt_handler();
}

void vAssertCalled(const char *file, unsigned long line)
{
    disable_interrupts();
    console_printf("FAIL: configASSERT at %s:%lu\n", file, line);
    for (;;) {
    }
}

static void run_one(const char *name, void (*run)(void))
{
    size_t heap_before = xPortGetFreeHeapSize();
    UBaseType_t tasks_before = uxTaskGetNumberOfTasks();
    console_printf("%s\n", name);
    run();
    let_idle_run();
    check(xPortGetFreeHeapSize() == heap_before, name, "gives back the heap it used");
    check(uxTaskGetNumberOfTasks() == tasks_before, name, "leaves no task behind");
    check(uxTaskPriorityGet(NULL) == RUNNER_PRIORITY, name, "leaves the runner its priority");
}

static void runner(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        run_one(tests[i].name, tests[i].run);
    }
    if (failures == 0) {
        console_printf("PASS\n");
    } else {
        console_printf("FAIL: %u\n", failures);
    }
    vTaskSuspend(NULL);
}

int main(void)
{
    console_start();
    xTaskCreate(runner, "runner", 512, NULL, RUNNER_PRIORITY, NULL);
    vTaskStartScheduler();
    console_printf("FAIL: the scheduler did not start\n");
    return 1;
}
