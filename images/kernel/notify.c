/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Direct-to-task notifications. */
#include "kernel.h"

/* pdFAIL only when a pending value was not to be overwritten. */
static BaseType_t prvUpdateValue(TCB_t *pxTCB, uint32_t ulValue, eNotifyAction eAction, uint8_t ucOldState)
{
    if (eAction == eSetValueWithoutOverwrite && ucOldState == taskNOTIFICATION_RECEIVED) {
        return pdFAIL;
    }
    if (eAction == eSetBits) {
        pxTCB->ulNotifiedValue |= ulValue;
    } else if (eAction == eIncrement) {
        pxTCB->ulNotifiedValue++;
    } else if (eAction != eNoAction) {
        pxTCB->ulNotifiedValue = ulValue;
    }
    return pdPASS;
}

/* With kernel interrupts masked. *pxPreempt is set when the notified task should run at once. */
static BaseType_t prvNotify(TCB_t *pxTCB, uint32_t ulValue, eNotifyAction eAction, BaseType_t *pxPreempt)
{
    uint8_t ucOldState = pxTCB->ucNotifyState;

    pxTCB->ucNotifyState = taskNOTIFICATION_RECEIVED;
    *pxPreempt = ucOldState == taskWAITING_NOTIFICATION && xTaskUnblock(pxTCB);
    return prvUpdateValue(pxTCB, ulValue, eAction, ucOldState);
}

BaseType_t xTaskNotify(TaskHandle_t xTask, uint32_t ulValue, eNotifyAction eAction)
{
    BaseType_t xResult, xPreempt;

    taskENTER_CRITICAL();
    xResult = prvNotify(xTask, ulValue, eAction, &xPreempt);
    vTaskYieldIf(xPreempt);
    taskEXIT_CRITICAL();
    return xResult;
}

BaseType_t xTaskNotifyFromISR(TaskHandle_t xTask, uint32_t ulValue, eNotifyAction eAction,
                              BaseType_t *pxHigherPriorityTaskWoken)
{
    BaseType_t xResult, xPreempt;
    UBaseType_t uxSaved;

    vPortAssertMayCallKernel();
    uxSaved = taskENTER_CRITICAL_FROM_ISR();
    xResult = prvNotify(xTask, ulValue, eAction, &xPreempt);
    vTaskReportWoken(xPreempt, pxHigherPriorityTaskWoken);
    taskEXIT_CRITICAL_FROM_ISR(uxSaved);
    return xResult;
}

void vTaskNotifyGiveFromISR(TaskHandle_t xTask, BaseType_t *pxHigherPriorityTaskWoken)
{
    (void)xTaskNotifyFromISR(xTask, 0, eIncrement, pxHigherPriorityTaskWoken);
}

static void prvWait(TickType_t xTicks)
{
    if (xTicks == 0) {
        return;
    }
    pxCurrentTCB->ucNotifyState = taskWAITING_NOTIFICATION;
    (void)xTaskWait(NULL, &xTicks);
}

/* A binary semaphore when the count is cleared on exit, a counting one when it is decremented. */
uint32_t ulTaskNotifyTake(BaseType_t xClearCountOnExit, TickType_t xTicksToWait)
{
    uint32_t ulValue;

    taskENTER_CRITICAL();
    if (pxCurrentTCB->ulNotifiedValue == 0) {
        prvWait(xTicksToWait);
    }
    ulValue = pxCurrentTCB->ulNotifiedValue;
    if (ulValue != 0) {
        pxCurrentTCB->ulNotifiedValue = xClearCountOnExit ? 0 : ulValue - 1;
    }
    pxCurrentTCB->ucNotifyState = taskNOT_WAITING_NOTIFICATION;
    taskEXIT_CRITICAL();
    return ulValue;
}

BaseType_t xTaskNotifyWait(uint32_t ulBitsToClearOnEntry, uint32_t ulBitsToClearOnExit, uint32_t *pulValue,
                           TickType_t xTicksToWait)
{
    BaseType_t xReceived;

    taskENTER_CRITICAL();
    if (pxCurrentTCB->ucNotifyState != taskNOTIFICATION_RECEIVED) {
        pxCurrentTCB->ulNotifiedValue &= ~ulBitsToClearOnEntry;
        prvWait(xTicksToWait);
    }
    if (pulValue != NULL) {
        *pulValue = pxCurrentTCB->ulNotifiedValue;
    }
    xReceived = pxCurrentTCB->ucNotifyState == taskNOTIFICATION_RECEIVED;
    if (xReceived) {
        pxCurrentTCB->ulNotifiedValue &= ~ulBitsToClearOnExit;
    }
    pxCurrentTCB->ucNotifyState = taskNOT_WAITING_NOTIFICATION;
    taskEXIT_CRITICAL();
    return xReceived;
}

/* pdTRUE when a notification was pending. */
BaseType_t xTaskNotifyStateClear(TaskHandle_t xTask)
{
    TCB_t *pxTCB = prvTCB(xTask);
    BaseType_t xPending;

    taskENTER_CRITICAL();
    xPending = pxTCB->ucNotifyState == taskNOTIFICATION_RECEIVED;
    if (xPending) {
        pxTCB->ucNotifyState = taskNOT_WAITING_NOTIFICATION;
    }
    taskEXIT_CRITICAL();
    return xPending;
}
