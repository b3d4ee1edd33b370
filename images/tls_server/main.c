/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_server: the device of the bug report. A preemptive kernel, lwIP in its own task, one TLS task that serves one
 * connection at a time while others wait in the backlog, and one heap for all tasks. */
#include "FreeRTOS.h"
#include "clock.h"
#include "connection.h"
#include "console.h"
#include "interface.h"
#include "threads.h"
#include "rng.h"
#include "stm32f407.h"
#include "task.h"
#include "tls.h"

#define TLS_PRIORITY 2
#ifndef TLS_STACK_WORDS
#define TLS_STACK_WORDS 1536 /* a handshake needs 2.2 KB; the console's formatting comes on top */
#endif

uint8_t ucHeap[configTOTAL_HEAP_SIZE] __attribute__((section(".ccm"), aligned(portBYTE_ALIGNMENT)));

static void serve(struct connection *connection)
{
    struct tls_transport transport = {connection, connection_send, connection_receive};
    console_printf("connection from %s\n", connection_peer(connection));
    tls_serve(&transport);
    connection_close(connection);
}

static void tls_task(void *unused)
{
    static const struct tls_heap heap = {pvPortCalloc, vPortFree, xPortGetFreeHeapSize};
    (void)unused;
    if (!threads_start_network() || !tls_start(&heap) || !connection_listen(TLS_PORT)) {
        console_printf("the server does not start\n");
        vTaskDelete(NULL);
    }
    console_printf("listening on %s:%d\n", INTERFACE_ADDRESS, TLS_PORT);
    for (;;) {
        struct connection *connection = connection_next();
        if (connection) {
            serve(connection);
        }
    }
}

void vApplicationMallocFailedHook(void) { console_printf("heap: no block is large enough\n"); }

void vApplicationStackOverflowHook(TaskHandle_t task, char *name)
{
    (void)task;
    disable_interrupts();
    console_printf("stack overflow in task %s\n", name);
    for (;;) {
    }
}

int main(void)
{
    bool crystal = clock_start();
    console_start();
    console_printf("tls_server: mbed TLS 2.28.3 and lwIP 2.1.3 on an STM32F407\n");
    console_printf("clock: %lu MHz%s\n", (unsigned long)clock_hclk / 1000000,
                   crystal ? "" : ", the crystal or PLL did not start");
    rng_start();
    threads_start_console();
    xTaskCreate(tls_task, "tls", TLS_STACK_WORDS, NULL, TLS_PRIORITY, NULL);
    vTaskStartScheduler();
    console_printf("the scheduler does not start\n");
}
