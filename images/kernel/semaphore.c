/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Semaphores and mutexes: queues of empty items, of which only the count matters. */
#include "kernel.h"
#include "semphr.h"

SemaphoreHandle_t xSemaphoreCreateCounting(UBaseType_t uxMaxCount, UBaseType_t uxInitialCount)
{
    Queue_t *pxQueue = xQueueCreate(uxMaxCount, 0);

    configASSERT(uxInitialCount <= uxMaxCount);
    if (pxQueue != NULL) {
        pxQueue->uxMessagesWaiting = uxInitialCount;
    }
    return pxQueue;
}

SemaphoreHandle_t xSemaphoreCreateMutex(void)
{
    Queue_t *pxQueue = xSemaphoreCreateCounting(1, 1);

    if (pxQueue == NULL) {
        return NULL;
    }
    pxQueue->pcHead = NULL;
    pxQueue->u.xSemaphore.xMutexHolder = NULL;
    pxQueue->u.xSemaphore.uxRecursiveCallCount = 0;
    return pxQueue;
}

static BaseType_t prvIsMutex(const Queue_t *pxQueue)
{
    return pxQueue->pcHead == NULL;
}

/* --- Priority inheritance, with kernel interrupts masked. A mutex taken before the start has no holder. --- */

static void prvInherit(TCB_t *pxHolder)
{
    if (pxHolder != NULL && pxHolder->uxPriority < pxCurrentTCB->uxPriority) {
        vTaskChangePriority(pxHolder, pxCurrentTCB->uxPriority);
    }
}

/* A waiter gave up: the holder falls back to the most urgent one left. With several mutexes it keeps what it has until
 * it gives the last. */
static void prvDisinheritAfterTimeout(const Queue_t *pxQueue)
{
    const List_t *pxWaiters = &pxQueue->xTasksWaitingToReceive;
    TCB_t *pxHolder = pxQueue->u.xSemaphore.xMutexHolder;
    UBaseType_t uxPriority;

    if (pxHolder == NULL || pxHolder->uxMutexesHeld != 1) {
        return;
    }
    uxPriority = pxHolder->uxBasePriority;
    if (!listLIST_IS_EMPTY(pxWaiters) && configMAX_PRIORITIES - listHEAD(pxWaiters)->xItemValue > uxPriority) {
        uxPriority = configMAX_PRIORITIES - listHEAD(pxWaiters)->xItemValue;
    }
    if (pxHolder->uxPriority != uxPriority) {
        vTaskChangePriority(pxHolder, uxPriority);
    }
}

static void prvBecomeHolder(Queue_t *pxQueue)
{
    pxQueue->u.xSemaphore.xMutexHolder = pxCurrentTCB;
    if (pxCurrentTCB != NULL) {
        pxCurrentTCB->uxMutexesHeld++;
    }
}

/* pdTRUE when the holder's priority fell, so that another task may be due. */
static BaseType_t prvResignAsHolder(Queue_t *pxQueue)
{
    TCB_t *pxHolder = pxQueue->u.xSemaphore.xMutexHolder;

    configASSERT(pxHolder == pxCurrentTCB);
    pxQueue->u.xSemaphore.xMutexHolder = NULL;
    if (pxHolder == NULL || --pxHolder->uxMutexesHeld != 0 || pxHolder->uxPriority == pxHolder->uxBasePriority) {
        return pdFALSE;
    }
    vTaskChangePriority(pxHolder, pxHolder->uxBasePriority);
    return pdTRUE;
}

TaskHandle_t xSemaphoreGetMutexHolder(SemaphoreHandle_t xMutex)
{
    return prvIsMutex(xMutex) ? xMutex->u.xSemaphore.xMutexHolder : NULL;
}

/* --- From tasks ---------------------------------------------------------------------------------------- */

static BaseType_t prvWait(Queue_t *pxQueue, TickType_t *pxTicks)
{
    if (*pxTicks != 0 && prvIsMutex(pxQueue)) {
        prvInherit(pxQueue->u.xSemaphore.xMutexHolder);
    }
    return xTaskWait(&pxQueue->xTasksWaitingToReceive, pxTicks);
}

BaseType_t xSemaphoreTake(SemaphoreHandle_t xSemaphore, TickType_t xTicksToWait)
{
    BaseType_t xFree;

    taskENTER_CRITICAL();
    while (xSemaphore->uxMessagesWaiting == 0 && prvWait(xSemaphore, &xTicksToWait)) {
    }
    xFree = xSemaphore->uxMessagesWaiting != 0;
    if (xFree) {
        xSemaphore->uxMessagesWaiting--;
    }
    if (prvIsMutex(xSemaphore)) {
        if (xFree) {
            prvBecomeHolder(xSemaphore);
        } else {
            prvDisinheritAfterTimeout(xSemaphore);
        }
    }
    taskEXIT_CRITICAL();
    return xFree;
}

BaseType_t xSemaphoreGive(SemaphoreHandle_t xSemaphore)
{
    BaseType_t xRoom, xPreempt;

    taskENTER_CRITICAL();
    xRoom = xSemaphore->uxMessagesWaiting < xSemaphore->uxLength;
    if (xRoom) {
        xPreempt = prvIsMutex(xSemaphore) && prvResignAsHolder(xSemaphore);
        xSemaphore->uxMessagesWaiting++;
        xPreempt |= xTaskUnblockFirst(&xSemaphore->xTasksWaitingToReceive);
        vTaskYieldIf(xPreempt);
    }
    taskEXIT_CRITICAL();
    return xRoom;
}

BaseType_t xSemaphoreTakeRecursive(SemaphoreHandle_t xMutex, TickType_t xTicksToWait)
{
    /* Only the holder can find itself the holder: no race. */
    if (xSemaphoreGetMutexHolder(xMutex) != xTaskGetCurrentTaskHandle() && !xSemaphoreTake(xMutex, xTicksToWait)) {
        return pdFALSE;
    }
    xMutex->u.xSemaphore.uxRecursiveCallCount++;
    return pdTRUE;
}

BaseType_t xSemaphoreGiveRecursive(SemaphoreHandle_t xMutex)
{
    if (xSemaphoreGetMutexHolder(xMutex) != xTaskGetCurrentTaskHandle()) {
        return pdFAIL;
    }
    if (--xMutex->u.xSemaphore.uxRecursiveCallCount == 0) {
        return xSemaphoreGive(xMutex);
    }
    return pdPASS;
}

/* --- From handlers ------------------------------------------------------------------------------------- */

BaseType_t xSemaphoreTakeFromISR(SemaphoreHandle_t xSemaphore, BaseType_t *pxHigherPriorityTaskWoken)
{
    configASSERT(!prvIsMutex(xSemaphore));
    return xQueueReceiveFromISR(xSemaphore, NULL, pxHigherPriorityTaskWoken);
}

BaseType_t xSemaphoreGiveFromISR(SemaphoreHandle_t xSemaphore, BaseType_t *pxHigherPriorityTaskWoken)
{
    configASSERT(!prvIsMutex(xSemaphore));
    return xQueueSendToBackFromISR(xSemaphore, NULL, pxHigherPriorityTaskWoken);
}
