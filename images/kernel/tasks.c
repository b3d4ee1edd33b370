/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks: creation, deletion, suspension, priority, inspection. */
#include "kernel.h"

#include <string.h>

static const uint8_t ucStackPaint = 0xA5;

volatile UBaseType_t uxDeletedTasksWaitingCleanUp;

/* --- Creation ------------------------------------------------------------------------------------------ */

static TCB_t *prvAllocate(uint16_t usStackDepth)
{
    StackType_t *pxStack = pvPortMalloc(usStackDepth * sizeof(StackType_t));
    TCB_t *pxTCB = pxStack != NULL ? pvPortMallocCleared(sizeof(TCB_t)) : NULL;

    if (pxTCB == NULL) {
        vPortFree(pxStack);
        return NULL;
    }
    memset(pxStack, ucStackPaint, usStackDepth * sizeof(StackType_t));
    pxTCB->pxStack = pxStack;
    pxTCB->pxEndOfStack = pxStack + usStackDepth - 1;
    return pxTCB;
}

static void prvFree(TCB_t *pxTCB)
{
    vPortFree(pxTCB->pxStack);
    vPortFree(pxTCB);
}

static void prvInitialise(TCB_t *pxTCB, const char *pcName, UBaseType_t uxPriority)
{
    strncpy(pxTCB->pcTaskName, pcName != NULL ? pcName : "", configMAX_TASK_NAME_LEN - 1);
    pxTCB->uxPriority = uxPriority < configMAX_PRIORITIES ? uxPriority : configMAX_PRIORITIES - 1;
    pxTCB->uxBasePriority = pxTCB->uxPriority;
    vListInitialiseItem(&pxTCB->xStateListItem, pxTCB);
    vListInitialiseItem(&pxTCB->xEventListItem, pxTCB);
}

static void prvAdd(TCB_t *pxTCB)
{
    static UBaseType_t uxTaskNumber;

    taskENTER_CRITICAL();
    if (uxTaskNumber == 0) {
        vTaskInitialiseLists();
    }
    pxTCB->uxTCBNumber = ++uxTaskNumber;
    uxCurrentNumberOfTasks++;
    vTaskMakeReady(pxTCB);
    vTaskYieldIf(xSchedulerRunning && pxTCB->uxPriority > pxCurrentTCB->uxPriority);
    taskEXIT_CRITICAL();
}

BaseType_t xTaskCreate(TaskFunction_t pxTaskCode, const char *pcName, uint16_t usStackDepth, void *pvParameters,
                       UBaseType_t uxPriority, TaskHandle_t *pxCreatedTask)
{
    TCB_t *pxTCB = prvAllocate(usStackDepth);

    if (pxTCB == NULL) {
        return errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY;
    }
    prvInitialise(pxTCB, pcName, uxPriority);
    pxTCB->pxTopOfStack = pxPortInitialiseStack(pxTCB->pxEndOfStack + 1, pxTaskCode, pvParameters);
    if (pxCreatedTask != NULL) { /* Before the new task can run and look at it. */
        *pxCreatedTask = pxTCB;
    }
    prvAdd(pxTCB);
    return pdPASS;
}

/* --- Deletion ------------------------------------------------------------------------------------------ */

void vTaskDelete(TaskHandle_t xTask)
{
    TCB_t *pxTCB = prvTCB(xTask);
    BaseType_t xSelf = pxTCB == pxCurrentTCB;

    taskENTER_CRITICAL();
    vListRemove(&pxTCB->xStateListItem);
    vListRemove(&pxTCB->xEventListItem);
    uxCurrentNumberOfTasks--;
    if (xSelf) { /* It stands on the stack to be freed. */
        vListInsertEnd(&xTasksWaitingTermination, &pxTCB->xStateListItem);
        uxDeletedTasksWaitingCleanUp++;
        vTaskYieldIf(pdTRUE);
    }
    taskEXIT_CRITICAL();
    if (!xSelf) {
        prvFree(pxTCB);
    }
}

void vTaskFreeTerminated(void)
{
    while (uxDeletedTasksWaitingCleanUp != 0) {
        TCB_t *pxTCB;

        taskENTER_CRITICAL();
        pxTCB = listHEAD(&xTasksWaitingTermination)->pvOwner;
        vListRemove(&pxTCB->xStateListItem);
        uxDeletedTasksWaitingCleanUp--;
        taskEXIT_CRITICAL();
        prvFree(pxTCB);
    }
}

/* --- Suspension ---------------------------------------------------------------------------------------- */

void vTaskSuspend(TaskHandle_t xTask)
{
    TCB_t *pxTCB = prvTCB(xTask);

    taskENTER_CRITICAL();
    vListRemove(&pxTCB->xStateListItem);
    vListRemove(&pxTCB->xEventListItem);
    vListInsertEnd(&xSuspendedTaskList, &pxTCB->xStateListItem);
    if (pxTCB->ucNotifyState == taskWAITING_NOTIFICATION) {
        pxTCB->ucNotifyState = taskNOT_WAITING_NOTIFICATION;
    }
    vTaskYieldIf(pxTCB == pxCurrentTCB);
    taskEXIT_CRITICAL();
}

/* The suspended list also holds the tasks that wait without a timeout. */
static BaseType_t prvIsSuspended(const TCB_t *pxTCB)
{
    return pxTCB->xStateListItem.pvContainer == &xSuspendedTaskList && pxTCB->xEventListItem.pvContainer == NULL &&
           pxTCB->ucNotifyState != taskWAITING_NOTIFICATION;
}

void vTaskResume(TaskHandle_t xTask)
{
    taskENTER_CRITICAL();
    if (prvIsSuspended(xTask)) {
        vTaskYieldIf(xTaskUnblock(xTask));
    }
    taskEXIT_CRITICAL();
}

BaseType_t xTaskResumeFromISR(TaskHandle_t xTask)
{
    UBaseType_t uxSaved;
    BaseType_t xYield;

    vPortAssertMayCallKernel();
    uxSaved = taskENTER_CRITICAL_FROM_ISR();
    xYield = prvIsSuspended(xTask) && xTaskUnblock(xTask);
    taskEXIT_CRITICAL_FROM_ISR(uxSaved);
    return xYield;
}

/* --- Priority ------------------------------------------------------------------------------------------ */

UBaseType_t uxTaskPriorityGet(TaskHandle_t xTask)
{
    return prvTCB(xTask)->uxPriority;
}

/* An inherited priority outlasts a lower new one, until the mutex is given. */
void vTaskPrioritySet(TaskHandle_t xTask, UBaseType_t uxNewPriority)
{
    TCB_t *pxTCB = prvTCB(xTask);

    configASSERT(uxNewPriority < configMAX_PRIORITIES);
    taskENTER_CRITICAL();
    if (pxTCB->uxPriority == pxTCB->uxBasePriority || uxNewPriority > pxTCB->uxPriority) {
        vTaskChangePriority(pxTCB, uxNewPriority);
    }
    pxTCB->uxBasePriority = uxNewPriority;
    vTaskYieldIf(pxTCB == pxCurrentTCB || pxTCB->uxPriority > pxCurrentTCB->uxPriority);
    taskEXIT_CRITICAL();
}

/* --- Inspection ---------------------------------------------------------------------------------------- */

TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
    return pxCurrentTCB;
}

char *pcTaskGetName(TaskHandle_t xTask)
{
    return prvTCB(xTask)->pcTaskName;
}

UBaseType_t uxTaskGetNumberOfTasks(void)
{
    return uxCurrentNumberOfTasks;
}

static eTaskState prvState(const TCB_t *pxTCB)
{
    const List_t *pxList = pxTCB->xStateListItem.pvContainer;

    if (pxTCB == pxCurrentTCB) {
        return eRunning;
    }
    if (pxList == &xTasksWaitingTermination || pxList == NULL) {
        return eDeleted;
    }
    if (pxList == &pxReadyTasksLists[pxTCB->uxPriority]) {
        return eReady;
    }
    return prvIsSuspended(pxTCB) ? eSuspended : eBlocked;
}

eTaskState eTaskGetState(TaskHandle_t xTask)
{
    eTaskState eState;

    taskENTER_CRITICAL();
    eState = prvState(xTask);
    taskEXIT_CRITICAL();
    return eState;
}

UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t xTask)
{
    const uint8_t *pucStack = (const uint8_t *)prvTCB(xTask)->pxStack;
    UBaseType_t uxBytes = 0;

    while (pucStack[uxBytes] == ucStackPaint) {
        uxBytes++;
    }
    return uxBytes / sizeof(StackType_t);
}
