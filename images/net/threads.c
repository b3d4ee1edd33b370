/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lwIP with tasks: the ETH interrupt wakes the receive task, which hands frames to the tcpip task. */
#include "threads.h"

#include "FreeRTOS.h"
#include "console.h"
#include "eth.h"
#include "interface.h"
#include "lwip/tcpip.h"
#include "rng.h"
#include "semphr.h"
#include "task.h"

#define RECEIVE_PRIORITY 5
#define RECEIVE_STACK_WORDS 256
#define LINK_CHECK_MS 250

static TaskHandle_t receive_task;
static SemaphoreHandle_t console_mutex;

void threads_start_console(void) { console_mutex = xSemaphoreCreateMutex(); }

static bool console_is_shared(void)
{
    return console_mutex && xTaskGetSchedulerState() == taskSCHEDULER_RUNNING && !xPortIsInsideInterrupt();
}

void console_lock(void)
{
    if (console_is_shared()) {
        xSemaphoreTake(console_mutex, portMAX_DELAY);
    }
}

void console_unlock(void)
{
    if (console_is_shared()) {
        xSemaphoreGive(console_mutex);
    }
}

uint32_t lwip_rand(void)
{
    uint32_t word;
    return rng_word(&word) ? word : xTaskGetTickCount() * 2654435761u;
}

void eth_frames_arrived(void)
{
    BaseType_t woken = pdFALSE;
    vTaskNotifyGiveFromISR(receive_task, &woken);
    portYIELD_FROM_ISR(woken);
}

static void receive(void *unused)
{
    (void)unused;
    TickType_t checked = xTaskGetTickCount() - pdMS_TO_TICKS(LINK_CHECK_MS);
    for (;;) {
        interface_input();
        if (xTaskGetTickCount() - checked >= pdMS_TO_TICKS(LINK_CHECK_MS)) {
            checked = xTaskGetTickCount();
            LOCK_TCPIP_CORE();
            interface_check_link();
            UNLOCK_TCPIP_CORE();
        }
        ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(LINK_CHECK_MS));
    }
}

static void tell(void *waiting) { xTaskNotifyGive((TaskHandle_t)waiting); }

/* Frames come only after the receive task has seen the link, so its handle is set before the interrupt needs it. */
bool threads_start_network(void)
{
    tcpip_init(tell, xTaskGetCurrentTaskHandle());
    ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
    LOCK_TCPIP_CORE();
    bool started = interface_start(tcpip_input);
    UNLOCK_TCPIP_CORE();
    return started
        && xTaskCreate(receive, "eth_rx", RECEIVE_STACK_WORDS, NULL, RECEIVE_PRIORITY, &receive_task) == pdPASS;
}
