/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Binary and counting semaphores, and mutexes with priority inheritance. */
#ifndef SEMPHR_H
#define SEMPHR_H

#include "queue.h"

typedef QueueHandle_t SemaphoreHandle_t;

/* A binary semaphore is created empty, a mutex free. NULL when the heap is exhausted. */
SemaphoreHandle_t xSemaphoreCreateCounting(UBaseType_t uxMaxCount, UBaseType_t uxInitialCount);
SemaphoreHandle_t xSemaphoreCreateMutex(void);
#define xSemaphoreCreateBinary() xSemaphoreCreateCounting(1, 0)
#define xSemaphoreCreateRecursiveMutex() xSemaphoreCreateMutex()
#define vSemaphoreDelete(xSemaphore) vQueueDelete(xSemaphore)

/* pdTRUE, or pdFALSE when it was not free within xTicksToWait. */
BaseType_t xSemaphoreTake(SemaphoreHandle_t xSemaphore, TickType_t xTicksToWait);
/* pdTRUE, or pdFALSE when the count is at its maximum. Only the holder may give a mutex. */
BaseType_t xSemaphoreGive(SemaphoreHandle_t xSemaphore);

/* Not for mutexes, which have no holder in a handler. */
BaseType_t xSemaphoreTakeFromISR(SemaphoreHandle_t xSemaphore, BaseType_t *pxHigherPriorityTaskWoken);
BaseType_t xSemaphoreGiveFromISR(SemaphoreHandle_t xSemaphore, BaseType_t *pxHigherPriorityTaskWoken);

/* Freed by as many gives as takes. xSemaphoreGiveRecursive is pdFAIL for anyone but the holder. */
BaseType_t xSemaphoreTakeRecursive(SemaphoreHandle_t xMutex, TickType_t xTicksToWait);
BaseType_t xSemaphoreGiveRecursive(SemaphoreHandle_t xMutex);

TaskHandle_t xSemaphoreGetMutexHolder(SemaphoreHandle_t xMutex);
#define uxSemaphoreGetCount(xSemaphore) uxQueueMessagesWaiting(xSemaphore)

#endif
