/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queues, semaphores and mutexes across priorities. */
#include "check.h"

static char order[8]; /* who got through, in turn */
static unsigned order_length;

static void note(char who)
{
    if (order_length < sizeof order - 1) {
        order[order_length++] = who;
        order[order_length] = '\0';
    }
}

static bool order_was(const char *expected)
{
    bool same = true;
    for (unsigned i = 0; i <= order_length; i++) {
        same = same && order[i] == expected[i];
    }
    order_length = 0;
    order[0] = '\0';
    return same;
}

/* --- Queues -------------------------------------------------------------------------------------------- */

struct item {
    uint32_t number;
    char letters[7]; /* an odd size on purpose */
};

void test_queue_keeps_order(void)
{
    QueueHandle_t queue = xQueueCreate(3, sizeof(struct item));
    struct item in = {0, "abcdef"}, out;
    for (uint32_t i = 0; i < 20; i++) { /* two in, two out: the ring of three wraps at every place */
        in.number = 2 * i;
        CHECK(xQueueSend(queue, &in, 0) == pdPASS);
        in.number++;
        CHECK(xQueueSend(queue, &in, 0) == pdPASS);
        CHECK(xQueueReceive(queue, &out, 0) == pdPASS && out.number == 2 * i && out.letters[5] == 'f');
        CHECK(xQueueReceive(queue, &out, 0) == pdPASS && out.number == 2 * i + 1);
    }
    in.number = 1;
    CHECK(xQueueSendToBack(queue, &in, 0) == pdPASS);
    in.number = 2;
    CHECK(xQueueSendToFront(queue, &in, 0) == pdPASS);
    CHECK(xQueuePeek(queue, &out, 0) == pdPASS && out.number == 2);
    CHECK(uxQueueMessagesWaiting(queue) == 2 && uxQueueSpacesAvailable(queue) == 1);
    CHECK(xQueueReceive(queue, &out, 0) == pdPASS && out.number == 2);
    CHECK(xQueueReceive(queue, &out, 0) == pdPASS && out.number == 1);
    vQueueDelete(queue);
}

static void send_three(void *argument)
{
    for (uint32_t i = 0; i < 3; i++) {
        xQueueSend(argument, &i, portMAX_DELAY);
        note((char)('0' + i));
    }
    vTaskDelete(NULL);
}

void test_queue_blocks_and_times_out(void)
{
    QueueHandle_t queue = xQueueCreate(1, sizeof(uint32_t));
    uint32_t value = 0;
    align_to_tick();
    TickType_t start = xTaskGetTickCount();
    CHECK(xQueueReceive(queue, &value, 4) == errQUEUE_EMPTY);
    CHECK(xTaskGetTickCount() - start == 4);
    TaskHandle_t sender = spawn(send_three, "sender", queue, RUNNER_PRIORITY + 1);
    CHECK(order_was("0") && eTaskGetState(sender) == eBlocked);
    CHECK(xQueueSend(queue, &value, 2) == errQUEUE_FULL);
    CHECK(xQueueReceive(queue, &value, 0) == pdPASS && value == 0);
    CHECK(order_was("1"));
    CHECK(xQueueReceive(queue, &value, 0) == pdPASS && value == 1);
    CHECK(order_was("2"));
    CHECK(xQueueReceive(queue, &value, 0) == pdPASS && value == 2);
    vQueueDelete(queue);
}

static void receive_one(void *argument)
{
    uint32_t value;
    if (xQueueReceive(argument, &value, 20) == pdPASS) {
        note(pcTaskGetName(NULL)[0]);
    }
    vTaskDelete(NULL);
}

void test_queue_serves_the_most_urgent_first(void)
{
    QueueHandle_t queue = xQueueCreate(4, sizeof(uint32_t));
    uint32_t value = 7;
    align_to_tick();
    spawn(receive_one, "low", queue, 2);
    spawn(receive_one, "first", queue, 3);
    vTaskDelay(1); /* "first" waits before "second" does */
    spawn(receive_one, "second", queue, 3);
    spawn(receive_one, "high", queue, RUNNER_PRIORITY + 1);
    vTaskDelay(1);
    CHECK(order_was(""));
    for (unsigned i = 0; i < 4; i++) {
        CHECK(xQueueSend(queue, &value, 0) == pdPASS);
    }
    CHECK(order[0] == 'h' && order[1] == '\0');
    vTaskDelay(2);
    CHECK(order_was("hfsl"));
    CHECK(uxQueueMessagesWaiting(queue) == 0);
    vQueueDelete(queue);
}

void test_queue_follows_changed_priorities(void)
{
    QueueHandle_t queue = xQueueCreate(2, sizeof(uint32_t));
    uint32_t value = 7;
    align_to_tick();
    TaskHandle_t riser = spawn(receive_one, "riser", queue, 1);
    spawn(receive_one, "other", queue, 2);
    vTaskDelay(2);
    vTaskPrioritySet(riser, 3);
    CHECK(xQueueSend(queue, &value, 0) == pdPASS);
    vTaskDelay(2);
    CHECK(order_was("r"));
    CHECK(xQueueSend(queue, &value, 0) == pdPASS);
    vTaskDelay(2);
    CHECK(order_was("o"));
    vQueueDelete(queue);
}

static void take_binary(void *argument)
{
    xSemaphoreTake(argument, portMAX_DELAY);
    note('b');
    vTaskDelete(NULL);
}

void test_semaphore_counts(void)
{
    SemaphoreHandle_t binary = xSemaphoreCreateBinary(), counting = xSemaphoreCreateCounting(3, 2);
    CHECK(xSemaphoreTake(binary, 0) == pdFALSE);
    CHECK(xSemaphoreGive(binary) == pdTRUE && xSemaphoreGive(binary) == pdFALSE);
    CHECK(xSemaphoreTake(binary, 0) == pdTRUE && xSemaphoreTake(binary, 1) == pdFALSE);
    CHECK(xSemaphoreGive(counting) == pdTRUE && xSemaphoreGive(counting) == pdFALSE);
    CHECK(uxSemaphoreGetCount(counting) == 3);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(xSemaphoreTake(counting, 0) == pdTRUE);
    }
    CHECK(xSemaphoreTake(counting, 0) == pdFALSE);
    spawn(take_binary, "high", binary, RUNNER_PRIORITY + 1);
    CHECK(order_was(""));
    CHECK(xSemaphoreGive(binary) == pdTRUE && order_was("b"));
    vSemaphoreDelete(binary);
    vSemaphoreDelete(counting);
}

/* --- Mutexes ------------------------------------------------------------------------------------------- */

static void hold_for_five_ticks(void *argument)
{
    xSemaphoreTake(argument, portMAX_DELAY);
    for (TickType_t start = xTaskGetTickCount(); xTaskGetTickCount() - start < 5;) {
    }
    note('l');
    xSemaphoreGive(argument);
    note('L');
    vTaskDelete(NULL);
}

static void occupy_for_ten_ticks(void *argument)
{
    (void)argument;
    for (TickType_t start = xTaskGetTickCount(); xTaskGetTickCount() - start < 10;) {
    }
    note('m');
    vTaskDelete(NULL);
}

static void take_and_give(void *argument)
{
    xSemaphoreTake(argument, portMAX_DELAY);
    note('h');
    xSemaphoreGive(argument);
    vTaskDelete(NULL);
}

/* The classic inversion: without inheritance "medium" would keep "low", and so "high", waiting. */
void test_mutex_lends_its_waiter_s_priority(void)
{
    SemaphoreHandle_t mutex = xSemaphoreCreateMutex();
    align_to_tick();
    TaskHandle_t low = spawn(hold_for_five_ticks, "low", mutex, 1);
    vTaskDelay(1);
    CHECK(xSemaphoreGetMutexHolder(mutex) == low);
    spawn(occupy_for_ten_ticks, "medium", NULL, 2);
    spawn(take_and_give, "high", mutex, 3);
    vTaskDelay(1);
    CHECK(uxTaskPriorityGet(low) == 3);
    vTaskDelay(30);
    CHECK(order_was("lhmL"));
    CHECK(xSemaphoreGetMutexHolder(mutex) == NULL);
    vSemaphoreDelete(mutex);
}

static void take_for_three_ticks(void *argument)
{
    note(xSemaphoreTake(argument, 3) ? 'y' : 'n');
    vTaskDelete(NULL);
}

static void hold_until_resumed(void *argument)
{
    xSemaphoreTake(argument, portMAX_DELAY);
    vTaskSuspend(NULL);
    xSemaphoreGive(argument);
    vTaskDelete(NULL);
}

void test_mutex_takes_priority_back_after_timeout(void)
{
    SemaphoreHandle_t mutex = xSemaphoreCreateMutex();
    align_to_tick();
    TaskHandle_t low = spawn(hold_until_resumed, "low", mutex, 1);
    vTaskDelay(1);
    spawn(take_and_give, "patient", mutex, 2);
    spawn(take_for_three_ticks, "hasty", mutex, 4);
    vTaskDelay(1);
    CHECK(uxTaskPriorityGet(low) == 4);
    vTaskDelay(4);
    CHECK(order_was("n"));
    CHECK(uxTaskPriorityGet(low) == 2); /* "patient" still waits */
    vTaskResume(low);
    vTaskDelay(2);
    CHECK(order_was("h"));
    vSemaphoreDelete(mutex);
}

static void try_mutex(void *argument)
{
    note(xSemaphoreGiveRecursive(argument) ? 'G' : 'g');
    note(xSemaphoreTakeRecursive(argument, 0) ? 'T' : 't');
    vTaskDelete(NULL);
}

void test_recursive_mutex(void)
{
    SemaphoreHandle_t mutex = xSemaphoreCreateRecursiveMutex();
    for (unsigned i = 0; i < 3; i++) {
        CHECK(xSemaphoreTakeRecursive(mutex, 0) == pdTRUE);
    }
    CHECK(xSemaphoreGiveRecursive(mutex) == pdTRUE && xSemaphoreGiveRecursive(mutex) == pdTRUE);
    spawn(try_mutex, "other", mutex, RUNNER_PRIORITY + 1);
    CHECK(order_was("gt"));
    CHECK(xSemaphoreGiveRecursive(mutex) == pdTRUE);
    CHECK(xSemaphoreGiveRecursive(mutex) == pdFAIL);
    CHECK(xSemaphoreGetMutexHolder(mutex) == NULL);
    vSemaphoreDelete(mutex);
}
