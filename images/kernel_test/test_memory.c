/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap, what deleted tasks leave, and stacks. */
#include "check.h"

#include <string.h>

#include "kernel.h"

static unsigned failed_allocations;
static const char *overflowed;

void vApplicationMallocFailedHook(void)
{
    failed_allocations++;
}

void vApplicationStackOverflowHook(TaskHandle_t task, char *name)
{
    (void)task;
    overflowed = name;
}

void test_heap_merges_neighbours(void)
{
    uint8_t *blocks[4];
    for (unsigned i = 0; i < 4; i++) {
        blocks[i] = pvPortMalloc(100 + i);
        CHECK(blocks[i] != NULL && (uintptr_t)blocks[i] % 8 == 0);
        memset(blocks[i], 0xFF, 100 + i);
    }
    vPortFree(blocks[0]);
    vPortFree(blocks[2]);
    vPortFree(blocks[1]); /* joins both neighbours */
    uint8_t *large = pvPortCalloc(3, 100);
    CHECK(large == blocks[0]);
    for (unsigned i = 0; i < 300; i++) {
        CHECK(large[i] == 0);
    }
    vPortFree(large);
    vPortFree(blocks[3]);
    vPortFree(NULL);
}

void test_heap_refuses_politely(void)
{
    failed_allocations = 0;
    CHECK(pvPortMalloc(xPortGetFreeHeapSize() + 1) == NULL && failed_allocations == 1);
    CHECK(pvPortMalloc((size_t)-4) == NULL && failed_allocations == 2);
    CHECK(pvPortCalloc(0x40000001, 8) == NULL); /* 8 bytes, if the product were cut to 32 bits */
    CHECK(pvPortMalloc(0) == NULL);
    size_t free = xPortGetFreeHeapSize();
    void *block = pvPortMalloc(1000);
    CHECK(xPortGetFreeHeapSize() <= free - 1000);
    CHECK(xPortGetMinimumEverFreeHeapSize() <= xPortGetFreeHeapSize());
    vPortFree(block);
    CHECK(xTaskCreate(NULL, "huge", 0xFFFF, NULL, 1, NULL) == errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY);
}

static void do_nothing(void *argument)
{
    (void)argument; /* and return, which deletes the task too */
}

static void wait_for_ever(void *argument)
{
    uint32_t value;
    xQueueReceive(argument, &value, portMAX_DELAY);
}

void test_deleted_tasks_give_their_memory_back(void)
{
    QueueHandle_t queue = xQueueCreate(1, sizeof(uint32_t));
    size_t free = xPortGetFreeHeapSize();
    for (unsigned i = 0; i < 50; i++) {
        TaskHandle_t blocked = spawn(wait_for_ever, "blocked", queue, RUNNER_PRIORITY + 1);
        TaskHandle_t ready = spawn(do_nothing, "ready", NULL, 1);
        spawn(do_nothing, "brief", NULL, RUNNER_PRIORITY + 1);
        vTaskDelete(ready);
        vTaskDelete(blocked);
        let_idle_run();
        CHECK(xPortGetFreeHeapSize() == free);
    }
    vQueueDelete(queue); /* asserts that nobody is left in its lists */
}

static void use_hundred_words(void *argument)
{
    volatile uint32_t words[100];
    words[0] = (uintptr_t)argument;
    vTaskSuspend(NULL);
    (void)words[0];
}

void test_stack_high_water_mark(void)
{
    TaskHandle_t fresh = spawn(do_nothing, "fresh", NULL, 1);
    TaskHandle_t deep = spawn(use_hundred_words, "deep", NULL, RUNNER_PRIORITY + 1);
    UBaseType_t used_by_deep = 192 - uxTaskGetStackHighWaterMark(deep);
    CHECK(192 - uxTaskGetStackHighWaterMark(fresh) == 17); /* r4-r11, EXC_RETURN and what exception entry pushes */
    CHECK(used_by_deep >= 100 + 17 && used_by_deep < 192 - 4);
    vTaskDelete(fresh);
    vTaskDelete(deep);
}

/* What an overflow does first. */
static void write_to_lowest_word(void *argument)
{
    (void)argument;
    xTaskGetCurrentTaskHandle()->pxStack[0] = 0;
    vTaskSuspend(NULL);
}

void test_stack_overflow_is_noticed(void)
{
    CHECK(overflowed == NULL);
    TaskHandle_t task = spawn(write_to_lowest_word, "deep", NULL, RUNNER_PRIORITY + 1);
    CHECK(overflowed != NULL && strcmp(overflowed, "deep") == 0);
    vTaskDelete(task);
}
