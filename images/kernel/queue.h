/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queues of fixed-size items, copied in and out. Semaphores (semphr.h) are queues of empty items. */
#ifndef QUEUE_H
#define QUEUE_H

#include "task.h"

typedef struct QueueDefinition *QueueHandle_t;

/* NULL when the heap is exhausted. */
QueueHandle_t xQueueCreate(UBaseType_t uxLength, UBaseType_t uxItemSize);
void vQueueDelete(QueueHandle_t xQueue);

/* pdPASS, or errQUEUE_FULL when no room appeared within xTicksToWait. */
BaseType_t xQueueSendToBack(QueueHandle_t xQueue, const void *pvItem, TickType_t xTicksToWait);
BaseType_t xQueueSendToFront(QueueHandle_t xQueue, const void *pvItem, TickType_t xTicksToWait);
#define xQueueSend(xQueue, pvItem, xTicksToWait) xQueueSendToBack((xQueue), (pvItem), (xTicksToWait))

/* pdPASS, or errQUEUE_EMPTY when no item arrived within xTicksToWait. */
BaseType_t xQueueReceive(QueueHandle_t xQueue, void *pvBuffer, TickType_t xTicksToWait);
BaseType_t xQueuePeek(QueueHandle_t xQueue, void *pvBuffer, TickType_t xTicksToWait);

/* *pxHigherPriorityTaskWoken becomes pdTRUE when the handler should end with portYIELD_FROM_ISR; it may be NULL. */
BaseType_t xQueueSendToBackFromISR(QueueHandle_t xQueue, const void *pvItem, BaseType_t *pxHigherPriorityTaskWoken);
BaseType_t xQueueReceiveFromISR(QueueHandle_t xQueue, void *pvBuffer, BaseType_t *pxHigherPriorityTaskWoken);
#define xQueueSendFromISR(xQueue, pvItem, pxWoken) xQueueSendToBackFromISR((xQueue), (pvItem), (pxWoken))

UBaseType_t uxQueueMessagesWaiting(QueueHandle_t xQueue);
UBaseType_t uxQueueMessagesWaitingFromISR(QueueHandle_t xQueue);
UBaseType_t uxQueueSpacesAvailable(QueueHandle_t xQueue);

#endif
