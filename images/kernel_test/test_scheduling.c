/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who runs when: priorities, time slices, delays, the tick's wrap, suspension. */
#include "check.h"

#define DEMCR REGISTER(0xE000EDFC) /* ARMv7-M C1.6.5 */
#define DEMCR_TRCENA BIT(24)
#define DWT_CTRL REGISTER(0xE0001000) /* ARMv7-M C1.8.7 */
#define DWT_CTRL_CYCCNTENA BIT(0)
#define DWT_CYCCNT REGISTER(0xE0001004)

extern volatile TickType_t xTickCount;
extern uint32_t clock_hclk;

static void count_up(void *argument)
{
    volatile unsigned *count = argument;
    for (;;) {
        (*count)++;
    }
}

static void count_once(void *argument)
{
    (*(volatile unsigned *)argument)++;
    vTaskDelete(NULL);
}

void test_higher_priority_runs_at_once(void)
{
    static volatile unsigned below, above, equal;
    align_to_tick();
    TaskHandle_t low = spawn(count_up, "low", (void *)&below, 1);
    CHECK(below == 0);
    spawn(count_once, "equal", (void *)&equal, RUNNER_PRIORITY);
    CHECK(equal == 0);
    spawn(count_once, "high", (void *)&above, RUNNER_PRIORITY + 1);
    CHECK(above == 1);
    vTaskDelay(3);
    CHECK(below > 0 && equal == 1);
    unsigned before = below;
    for (volatile unsigned i = 0; i < 10000; i++) {
    }
    CHECK(below == before);
    vTaskDelete(low);
}

static void count_ticks_seen(void *argument)
{
    volatile unsigned *seen = argument;
    TickType_t last = xTaskGetTickCount() - 1;
    for (;;) {
        TickType_t now = xTaskGetTickCount();
        *seen += now != last;
        last = now;
    }
}

void test_equals_share_time(void)
{
    static volatile unsigned seen[3];
    TaskHandle_t tasks[3];
    align_to_tick();
    for (unsigned i = 0; i < 3; i++) {
        tasks[i] = spawn(count_ticks_seen, "equal", (void *)&seen[i], 2);
    }
    vTaskDelay(60);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(seen[i] >= 18 && seen[i] <= 22);
        vTaskDelete(tasks[i]);
    }
}

/* Zero where there is no cycle counter. */
static uint32_t cycles_of_delay(TickType_t ticks)
{
    DEMCR |= DEMCR_TRCENA;
    DWT_CTRL |= DWT_CTRL_CYCCNTENA;
    align_to_tick();
    uint32_t start = DWT_CYCCNT;
    vTaskDelay(ticks);
    return DWT_CYCCNT - start;
}

void test_delays_are_exact(void)
{
    static const TickType_t delays[] = {1, 2, 3, 10, 50};
    for (unsigned i = 0; i < sizeof delays / sizeof delays[0]; i++) {
        align_to_tick();
        TickType_t start = xTaskGetTickCount();
        vTaskDelay(delays[i]);
        CHECK(xTaskGetTickCount() - start == delays[i]);
    }
    uint32_t cycles = cycles_of_delay(10), expected = clock_hclk / 100;
    CHECK(cycles == 0 || (cycles > expected - expected / 100 && cycles < expected + expected / 100));
}

void test_period_is_kept(void)
{
    align_to_tick();
    TickType_t start = xTaskGetTickCount(), wake = start;
    for (unsigned i = 1; i <= 10; i++) {
        vTaskDelay(i % 3); /* work of changing length */
        vTaskDelayUntil(&wake, 3);
        CHECK(xTaskGetTickCount() - start == 3 * i);
    }
    vTaskDelay(5);
    vTaskDelayUntil(&wake, 3); /* too late already: no delay */
    CHECK(xTaskGetTickCount() - start == 35 && wake - start == 33);
}

#define BEFORE_WRAP ((TickType_t)-8)

static void note_wake_time(void *argument)
{
    volatile TickType_t *slot = argument;
    TickType_t wake = BEFORE_WRAP;
    vTaskDelayUntil(&wake, *slot);
    *slot = xTaskGetTickCount();
    vTaskDelete(NULL);
}

/* Of three sleepers one wakes before the tick count wraps, one at 0 and one after. */
void test_tick_count_wraps(void)
{
    static volatile TickType_t slots[] = {12, 8, 4};
    TickType_t wake = BEFORE_WRAP;
    align_to_tick();
    taskENTER_CRITICAL();
    TickType_t before = xTickCount;
    xTickCount = BEFORE_WRAP;
    taskEXIT_CRITICAL();
    for (unsigned i = 0; i < 3; i++) {
        spawn(note_wake_time, "sleeper", (void *)&slots[i], RUNNER_PRIORITY + 1);
    }
    vTaskDelayUntil(&wake, 14);
    CHECK(slots[0] == 4 && slots[1] == 0 && slots[2] == (TickType_t)-4);
    CHECK(xTaskGetTickCount() == 6);
    taskENTER_CRITICAL();
    xTickCount += before;
    taskEXIT_CRITICAL();
}

void test_suspended_task_stands_still(void)
{
    static volatile unsigned count;
    TaskHandle_t task = spawn(count_up, "counter", (void *)&count, 1);
    CHECK(eTaskGetState(task) == eReady && eTaskGetState(xTaskGetCurrentTaskHandle()) == eRunning);
    vTaskDelay(2);
    vTaskSuspend(task);
    CHECK(eTaskGetState(task) == eSuspended);
    unsigned before = count;
    vTaskDelay(2);
    CHECK(before > 0 && count == before);
    vTaskResume(task);
    vTaskDelay(2);
    CHECK(count > before);
    vTaskDelete(task);
}

void test_suspended_scheduler_holds_switches_back(void)
{
    static volatile unsigned count;
    vTaskSuspendAll();
    vTaskSuspendAll();
    CHECK(xTaskGetSchedulerState() == taskSCHEDULER_SUSPENDED);
    spawn(count_once, "high", (void *)&count, RUNNER_PRIORITY + 1);
    CHECK(count == 0);
    CHECK(xTaskResumeAll() == pdFALSE && count == 0);
    CHECK(xTaskResumeAll() == pdTRUE && count == 1);
    CHECK(xTaskGetSchedulerState() == taskSCHEDULER_RUNNING);
}

void test_priority_can_be_changed(void)
{
    static volatile unsigned count;
    TaskHandle_t task = spawn(count_once, "riser", (void *)&count, 1);
    CHECK(uxTaskPriorityGet(task) == 1 && count == 0);
    vTaskPrioritySet(task, RUNNER_PRIORITY + 1);
    CHECK(count == 1);
    count = 0;
    spawn(count_once, "waiter", (void *)&count, 2);
    vTaskPrioritySet(NULL, 1);
    CHECK(count == 1);
    vTaskPrioritySet(NULL, RUNNER_PRIORITY);
}
