/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupt handlers that use the kernel, and notifications. */
#include "check.h"

#define KERNEL_PRIORITY 0x80 /* may call the kernel */
#define MOST_URGENT_KERNEL_PRIORITY configMAX_SYSCALL_INTERRUPT_PRIORITY
#define UNMASKED_PRIORITY 0x40 /* may not, and is never held back by it */

static volatile unsigned notified, interrupts;
static TaskHandle_t waiter;
static QueueHandle_t queue;
static SemaphoreHandle_t semaphore;

static void count_notifications(void *argument)
{
    (void)argument;
    for (;;) {
        notified += ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
    }
}

static void give_notification(void)
{
    BaseType_t woken = pdFALSE;
    interrupts++;
    vTaskNotifyGiveFromISR(waiter, &woken);
    portYIELD_FROM_ISR(woken);
}

void test_interrupt_notifies(void)
{
    interrupts = notified = 0;
    waiter = spawn(count_notifications, "waiter", NULL, RUNNER_PRIORITY + 1);
    interrupt_on(give_notification, KERNEL_PRIORITY);
    for (unsigned i = 1; i <= 100; i++) {
        interrupt_trigger(); /* the handler, then the waiter, run before this returns */
        CHECK(interrupts == i && notified == i);
    }
    vTaskPrioritySet(waiter, 1); /* now the waiter comes later, and takes all at once */
    for (unsigned i = 0; i < 3; i++) {
        interrupt_trigger();
    }
    CHECK(interrupts == 103 && notified == 100);
    vTaskDelay(1);
    CHECK(notified == 103);
    interrupt_off();
    vTaskDelete(waiter);
}

static void give_notification_without_yield(void)
{
    vTaskNotifyGiveFromISR(waiter, NULL);
}

void test_interrupt_that_does_not_yield(void)
{
    notified = 0;
    waiter = spawn(count_notifications, "waiter", NULL, RUNNER_PRIORITY + 1);
    interrupt_on(give_notification_without_yield, KERNEL_PRIORITY);
    align_to_tick();
    TickType_t start = xTaskGetTickCount();
    interrupt_trigger();
    CHECK(notified == 0);
    while (xTaskGetTickCount() == start) {
    }
    CHECK(notified == 1); /* the tick's handler looked */
    interrupt_off();
    vTaskDelete(waiter);
}

static void feed_both(void)
{
    BaseType_t woken = pdFALSE;
    uint32_t value = ++interrupts;
    xQueueSendFromISR(queue, &value, &woken);
    xSemaphoreGiveFromISR(semaphore, &woken);
    portYIELD_FROM_ISR(woken);
}

static void drain_one(void)
{
    uint32_t value;
    interrupts = xQueueReceiveFromISR(queue, &value, NULL) == pdPASS ? value : 0;
}

static void sum_queue(void *argument)
{
    uint32_t value;
    while (xQueueReceive(queue, &value, portMAX_DELAY) == pdPASS && value < 1000) {
        *(volatile unsigned *)argument += value;
    }
    vTaskDelete(NULL);
}

void test_interrupt_feeds_queue_and_semaphore(void)
{
    static volatile unsigned sum;
    uint32_t last = 1000;
    interrupts = 0;
    queue = xQueueCreate(2, sizeof(uint32_t));
    semaphore = xSemaphoreCreateCounting(10, 0);
    spawn(sum_queue, "summer", (void *)&sum, RUNNER_PRIORITY + 1);
    interrupt_on(feed_both, KERNEL_PRIORITY);
    for (unsigned i = 0; i < 4; i++) {
        interrupt_trigger();
    }
    CHECK(sum == 1 + 2 + 3 + 4);
    CHECK(uxSemaphoreGetCount(semaphore) == 4);
    xQueueSend(queue, &last, 0); /* the summer ends */
    xQueueSend(queue, &last, 0);
    interrupt_on(drain_one, KERNEL_PRIORITY);
    interrupt_trigger();
    CHECK(interrupts == 1000 && uxQueueMessagesWaiting(queue) == 0);
    interrupt_off();
    vQueueDelete(queue);
    vSemaphoreDelete(semaphore);
}

static void count_interrupt(void)
{
    interrupts++;
}

void test_critical_section_masks_kernel_interrupts(void)
{
    interrupts = 0;
    interrupt_on(count_interrupt, MOST_URGENT_KERNEL_PRIORITY);
    taskENTER_CRITICAL();
    taskENTER_CRITICAL();
    interrupt_trigger();
    unsigned inside = interrupts;
    taskEXIT_CRITICAL();
    unsigned still_inside = interrupts;
    taskEXIT_CRITICAL();
    CHECK(inside == 0 && still_inside == 0 && interrupts == 1);
    interrupt_on(count_interrupt, UNMASKED_PRIORITY);
    taskENTER_CRITICAL();
    interrupt_trigger();
    inside = interrupts;
    taskEXIT_CRITICAL();
    CHECK(inside == 2);
    interrupt_off();
}

void test_notification_values(void)
{
    TaskHandle_t self = xTaskGetCurrentTaskHandle();
    uint32_t value;
    CHECK(ulTaskNotifyTake(pdTRUE, 2) == 0);
    xTaskNotifyGive(self);
    xTaskNotifyGive(self);
    CHECK(ulTaskNotifyTake(pdFALSE, 0) == 2 && ulTaskNotifyTake(pdTRUE, 0) == 1);
    CHECK(xTaskNotify(self, 0x5, eSetBits) == pdPASS && xTaskNotify(self, 0x8, eSetBits) == pdPASS);
    CHECK(xTaskNotify(self, 1, eSetValueWithoutOverwrite) == pdFAIL);
    CHECK(xTaskNotifyWait(0, 0x1, &value, 0) == pdTRUE && value == 0xD);
    CHECK(xTaskNotifyWait(0, 0, &value, 1) == pdFALSE && value == 0xC);
    CHECK(xTaskNotify(self, 3, eSetValueWithOverwrite) == pdPASS && xTaskNotifyStateClear(NULL) == pdTRUE);
    CHECK(xTaskNotifyStateClear(NULL) == pdFALSE && ulTaskNotifyTake(pdTRUE, 0) == 3);
}
