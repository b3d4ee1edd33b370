/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queues. Items are copied with kernel interrupts masked, so keep them small: a pointer to anything large. */
#include "kernel.h"

#include <string.h>

QueueHandle_t xQueueCreate(UBaseType_t uxLength, UBaseType_t uxItemSize)
{
    size_t xBytes = uxLength * uxItemSize;
    Queue_t *pxQueue;

    configASSERT(uxLength != 0 && (uxItemSize == 0 || xBytes / uxItemSize == uxLength));
    pxQueue = pvPortMallocCleared(sizeof(Queue_t) + xBytes);
    if (pxQueue == NULL) {
        return NULL;
    }
    pxQueue->pcHead = (int8_t *)(pxQueue + 1);
    pxQueue->pcWriteTo = pxQueue->pcHead;
    pxQueue->u.xQueue.pcTail = pxQueue->pcHead + xBytes;
    pxQueue->u.xQueue.pcReadFrom = pxQueue->u.xQueue.pcTail - uxItemSize;
    pxQueue->uxLength = uxLength;
    pxQueue->uxItemSize = uxItemSize;
    vListInitialise(&pxQueue->xTasksWaitingToSend);
    vListInitialise(&pxQueue->xTasksWaitingToReceive);
    return pxQueue;
}

/* No task may be waiting on it. */
void vQueueDelete(QueueHandle_t xQueue)
{
    configASSERT(listLIST_IS_EMPTY(&xQueue->xTasksWaitingToSend) && listLIST_IS_EMPTY(&xQueue->xTasksWaitingToReceive));
    vPortFree(xQueue);
}

/* --- The ring of items, with kernel interrupts masked --------------------------------------------------- */

static int8_t *prvSlotAfter(const Queue_t *pxQueue, int8_t *pcSlot)
{
    pcSlot += pxQueue->uxItemSize;
    return pcSlot == pxQueue->u.xQueue.pcTail ? pxQueue->pcHead : pcSlot;
}

static int8_t *prvSlotBefore(const Queue_t *pxQueue, int8_t *pcSlot)
{
    return (pcSlot == pxQueue->pcHead ? pxQueue->u.xQueue.pcTail : pcSlot) - pxQueue->uxItemSize;
}

static BaseType_t prvIsFull(const Queue_t *pxQueue)
{
    return pxQueue->uxMessagesWaiting == pxQueue->uxLength;
}

/* These two return pdTRUE when a task that waited for the change should preempt the current one. */
static BaseType_t prvPutBack(Queue_t *pxQueue, const void *pvItem)
{
    memcpy(pxQueue->pcWriteTo, pvItem, pxQueue->uxItemSize);
    pxQueue->pcWriteTo = prvSlotAfter(pxQueue, pxQueue->pcWriteTo);
    pxQueue->uxMessagesWaiting++;
    return xTaskUnblockFirst(&pxQueue->xTasksWaitingToReceive);
}

static BaseType_t prvPutFront(Queue_t *pxQueue, const void *pvItem)
{
    memcpy(pxQueue->u.xQueue.pcReadFrom, pvItem, pxQueue->uxItemSize);
    pxQueue->u.xQueue.pcReadFrom = prvSlotBefore(pxQueue, pxQueue->u.xQueue.pcReadFrom);
    pxQueue->uxMessagesWaiting++;
    return xTaskUnblockFirst(&pxQueue->xTasksWaitingToReceive);
}

static BaseType_t prvGet(Queue_t *pxQueue, void *pvBuffer)
{
    pxQueue->u.xQueue.pcReadFrom = prvSlotAfter(pxQueue, pxQueue->u.xQueue.pcReadFrom);
    memcpy(pvBuffer, pxQueue->u.xQueue.pcReadFrom, pxQueue->uxItemSize);
    pxQueue->uxMessagesWaiting--;
    return xTaskUnblockFirst(&pxQueue->xTasksWaitingToSend);
}

/* The item stays, so the next task waiting for one may have it. */
static BaseType_t prvPeek(Queue_t *pxQueue, void *pvBuffer)
{
    memcpy(pvBuffer, prvSlotAfter(pxQueue, pxQueue->u.xQueue.pcReadFrom), pxQueue->uxItemSize);
    return xTaskUnblockFirst(&pxQueue->xTasksWaitingToReceive);
}

/* --- From tasks ---------------------------------------------------------------------------------------- */

static BaseType_t prvSend(Queue_t *pxQueue, const void *pvItem, TickType_t xTicks,
                          BaseType_t (*pxPut)(Queue_t *, const void *))
{
    BaseType_t xRoom;

    taskENTER_CRITICAL();
    while (prvIsFull(pxQueue) && xTaskWait(&pxQueue->xTasksWaitingToSend, &xTicks)) {
    }
    xRoom = !prvIsFull(pxQueue);
    if (xRoom) {
        vTaskYieldIf(pxPut(pxQueue, pvItem));
    }
    taskEXIT_CRITICAL();
    return xRoom;
}

BaseType_t xQueueSendToBack(QueueHandle_t xQueue, const void *pvItem, TickType_t xTicksToWait)
{
    return prvSend(xQueue, pvItem, xTicksToWait, prvPutBack);
}

BaseType_t xQueueSendToFront(QueueHandle_t xQueue, const void *pvItem, TickType_t xTicksToWait)
{
    return prvSend(xQueue, pvItem, xTicksToWait, prvPutFront);
}

static BaseType_t prvReceive(Queue_t *pxQueue, void *pvBuffer, TickType_t xTicks,
                             BaseType_t (*pxTake)(Queue_t *, void *))
{
    BaseType_t xItem;

    taskENTER_CRITICAL();
    while (pxQueue->uxMessagesWaiting == 0 && xTaskWait(&pxQueue->xTasksWaitingToReceive, &xTicks)) {
    }
    xItem = pxQueue->uxMessagesWaiting != 0;
    if (xItem) {
        vTaskYieldIf(pxTake(pxQueue, pvBuffer));
    }
    taskEXIT_CRITICAL();
    return xItem;
}

BaseType_t xQueueReceive(QueueHandle_t xQueue, void *pvBuffer, TickType_t xTicksToWait)
{
    return prvReceive(xQueue, pvBuffer, xTicksToWait, prvGet);
}

BaseType_t xQueuePeek(QueueHandle_t xQueue, void *pvBuffer, TickType_t xTicksToWait)
{
    return prvReceive(xQueue, pvBuffer, xTicksToWait, prvPeek);
}

/* --- From handlers ------------------------------------------------------------------------------------- */

BaseType_t xQueueSendToBackFromISR(QueueHandle_t xQueue, const void *pvItem, BaseType_t *pxHigherPriorityTaskWoken)
{
    UBaseType_t uxSaved;
    BaseType_t xRoom;

    vPortAssertMayCallKernel();
    uxSaved = taskENTER_CRITICAL_FROM_ISR();
    xRoom = !prvIsFull(xQueue);
    if (xRoom) {
        vTaskReportWoken(prvPutBack(xQueue, pvItem), pxHigherPriorityTaskWoken);
    }
    taskEXIT_CRITICAL_FROM_ISR(uxSaved);
    return xRoom;
}

BaseType_t xQueueReceiveFromISR(QueueHandle_t xQueue, void *pvBuffer, BaseType_t *pxHigherPriorityTaskWoken)
{
    UBaseType_t uxSaved;
    BaseType_t xItem;

    vPortAssertMayCallKernel();
    uxSaved = taskENTER_CRITICAL_FROM_ISR();
    xItem = xQueue->uxMessagesWaiting != 0;
    if (xItem) {
        vTaskReportWoken(prvGet(xQueue, pvBuffer), pxHigherPriorityTaskWoken);
    }
    taskEXIT_CRITICAL_FROM_ISR(uxSaved);
    return xItem;
}

/* --- Counts -------------------------------------------------------------------------------------------- */

UBaseType_t uxQueueMessagesWaiting(QueueHandle_t xQueue)
{
    return xQueue->uxMessagesWaiting;
}

UBaseType_t uxQueueMessagesWaitingFromISR(QueueHandle_t xQueue)
{
    return xQueue->uxMessagesWaiting;
}

UBaseType_t uxQueueSpacesAvailable(QueueHandle_t xQueue)
{
    return xQueue->uxLength - xQueue->uxMessagesWaiting;
}
