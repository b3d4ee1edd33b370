/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which task runs: ready lists, waiting, the tick, the idle task. */
#include "kernel.h"

TCB_t *volatile pxCurrentTCB;
List_t pxReadyTasksLists[configMAX_PRIORITIES];
List_t xDelayedTaskList1, xDelayedTaskList2; /* By wake-up time: before xTickCount wraps, and after. */
List_t *volatile pxDelayedTaskList = &xDelayedTaskList1;
List_t *volatile pxOverflowDelayedTaskList = &xDelayedTaskList2;
List_t xPendingReadyList; /* Always empty: this kernel readies tasks at once. Tools want to see it. */
List_t xSuspendedTaskList; /* Suspended, and waiting without a timeout. */
List_t xTasksWaitingTermination;

volatile UBaseType_t uxCurrentNumberOfTasks, uxTopReadyPriority, uxSchedulerSuspended;
volatile BaseType_t xSchedulerRunning, xYieldPending;
volatile TickType_t xTickCount;

static TaskHandle_t xIdleTaskHandle;

void vTaskInitialiseLists(void)
{
    for (UBaseType_t ux = 0; ux < configMAX_PRIORITIES; ux++) {
        vListInitialise(&pxReadyTasksLists[ux]);
    }
    vListInitialise(&xDelayedTaskList1);
    vListInitialise(&xDelayedTaskList2);
    vListInitialise(&xPendingReadyList);
    vListInitialise(&xSuspendedTaskList);
    vListInitialise(&xTasksWaitingTermination);
}

/* --- Ready --------------------------------------------------------------------------------------------- */

void vTaskMakeReady(TCB_t *pxTCB)
{
    if (pxTCB->uxPriority > uxTopReadyPriority) {
        uxTopReadyPriority = pxTCB->uxPriority;
    }
    vListInsertEnd(&pxReadyTasksLists[pxTCB->uxPriority], &pxTCB->xStateListItem);
}

BaseType_t xTaskUnblock(TCB_t *pxTCB)
{
    vListRemove(&pxTCB->xEventListItem);
    vListRemove(&pxTCB->xStateListItem);
    vTaskMakeReady(pxTCB);
    return pxTCB->uxPriority > pxCurrentTCB->uxPriority;
}

BaseType_t xTaskUnblockFirst(List_t *pxEventList)
{
    if (listLIST_IS_EMPTY(pxEventList)) {
        return pdFALSE;
    }
    return xTaskUnblock(listHEAD(pxEventList)->pvOwner);
}

/* Re-sorts the task in the lists whose order depends on its priority. */
void vTaskChangePriority(TCB_t *pxTCB, UBaseType_t uxPriority)
{
    List_t *pxEventList = pxTCB->xEventListItem.pvContainer;
    BaseType_t xReady = pxTCB->xStateListItem.pvContainer == &pxReadyTasksLists[pxTCB->uxPriority];

    pxTCB->uxPriority = uxPriority;
    if (pxEventList != NULL) {
        vListRemove(&pxTCB->xEventListItem);
        pxTCB->xEventListItem.xItemValue = configMAX_PRIORITIES - uxPriority;
        vListInsert(pxEventList, &pxTCB->xEventListItem);
    }
    if (xReady) {
        vListRemove(&pxTCB->xStateListItem);
        vTaskMakeReady(pxTCB);
    }
}

/* A task that has run into the lowest words of its stack has done damage below it already, or is about to. */
static void prvCheckStack(TCB_t *pxTCB)
{
    BaseType_t xIntact = pxTCB->pxTopOfStack > pxTCB->pxStack + 4;

    for (int i = 0; i < 4; i++) {
        xIntact = xIntact && pxTCB->pxStack[i] == 0xA5A5A5A5;
    }
    if (!xIntact) {
        vApplicationStackOverflowHook(pxTCB, pxTCB->pcTaskName);
    }
}

/* The next of the most urgent ready tasks: round robin among equals. */
void vTaskSwitchContext(void)
{
    if (uxSchedulerSuspended != 0) {
        xYieldPending = pdTRUE;
        return;
    }
    xYieldPending = pdFALSE;
    if (pxCurrentTCB != NULL) {
        prvCheckStack(pxCurrentTCB);
    }
    while (listLIST_IS_EMPTY(&pxReadyTasksLists[uxTopReadyPriority])) {
        uxTopReadyPriority--; /* Ends at the idle task, which never blocks. */
    }
    pxCurrentTCB = pvListNextOwner(&pxReadyTasksLists[uxTopReadyPriority]);
}

/* --- Waiting ------------------------------------------------------------------------------------------- */

static void prvSleepCurrentTask(TickType_t xTicks)
{
    ListItem_t *pxItem = &pxCurrentTCB->xStateListItem;
    TickType_t xWake = xTickCount + xTicks;

    vListRemove(pxItem);
    if (xTicks == portMAX_DELAY) {
        vListInsertEnd(&xSuspendedTaskList, pxItem);
        return;
    }
    pxItem->xItemValue = xWake;
    vListInsert(xWake < xTickCount ? pxOverflowDelayedTaskList : pxDelayedTaskList, pxItem);
}

BaseType_t xTaskWait(List_t *pxEventList, TickType_t *pxTicks)
{
    TickType_t xStart = xTickCount, xElapsed;

    if (*pxTicks == 0) {
        return pdFALSE;
    }
    configASSERT(xSchedulerRunning && uxSchedulerSuspended == 0 && uxCriticalNesting == 1);
    if (pxEventList != NULL) {
        pxCurrentTCB->xEventListItem.xItemValue = configMAX_PRIORITIES - pxCurrentTCB->uxPriority;
        vListInsert(pxEventList, &pxCurrentTCB->xEventListItem);
    }
    prvSleepCurrentTask(*pxTicks);
    portYIELD();
    taskEXIT_CRITICAL(); /* Other tasks run here. */
    taskENTER_CRITICAL();
    xElapsed = xTickCount - xStart;
    if (*pxTicks != portMAX_DELAY) {
        *pxTicks -= xElapsed < *pxTicks ? xElapsed : *pxTicks;
    }
    return pdTRUE;
}

void vTaskDelay(TickType_t xTicksToDelay)
{
    if (xTicksToDelay == 0) {
        taskYIELD();
        return;
    }
    taskENTER_CRITICAL();
    (void)xTaskWait(NULL, &xTicksToDelay);
    taskEXIT_CRITICAL();
}

void vTaskDelayUntil(TickType_t *pxPreviousWakeTime, TickType_t xTimeIncrement)
{
    TickType_t xLeft;

    taskENTER_CRITICAL();
    xLeft = *pxPreviousWakeTime + xTimeIncrement - xTickCount;
    *pxPreviousWakeTime += xTimeIncrement;
    if (xLeft <= xTimeIncrement) { /* Larger: the time has passed, the difference wrapped. */
        (void)xTaskWait(NULL, &xLeft);
    }
    taskEXIT_CRITICAL();
}

/* --- The tick ------------------------------------------------------------------------------------------ */

static void prvSwapDelayedLists(void)
{
    List_t *pxList = pxDelayedTaskList;

    pxDelayedTaskList = pxOverflowDelayedTaskList;
    pxOverflowDelayedTaskList = pxList;
}

BaseType_t xTaskIncrementTick(void)
{
    BaseType_t xSwitch = xYieldPending;

    xTickCount++;
    if (xTickCount == 0) {
        prvSwapDelayedLists();
    }
    while (!listLIST_IS_EMPTY(pxDelayedTaskList) && listHEAD(pxDelayedTaskList)->xItemValue <= xTickCount) {
        xSwitch |= xTaskUnblock(listHEAD(pxDelayedTaskList)->pvOwner);
    }
    return xSwitch || listCURRENT_LIST_LENGTH(&pxReadyTasksLists[pxCurrentTCB->uxPriority]) > 1;
}

TickType_t xTaskGetTickCount(void)
{
    return xTickCount; /* One aligned word: read atomically. */
}

TickType_t xTaskGetTickCountFromISR(void)
{
    return xTickCount;
}

/* --- Holding the scheduler ----------------------------------------------------------------------------- */

void vTaskSuspendAll(void)
{
    /* No critical section: a task that gets in between leaves the count as it found it. */
    uxSchedulerSuspended++;
    __asm volatile("" ::: "memory");
}

/* pdTRUE when the switch that was held back has happened. */
BaseType_t xTaskResumeAll(void)
{
    BaseType_t xYield;

    taskENTER_CRITICAL();
    configASSERT(uxSchedulerSuspended != 0);
    uxSchedulerSuspended--;
    xYield = uxSchedulerSuspended == 0 && xYieldPending;
    vTaskYieldIf(xYield);
    taskEXIT_CRITICAL();
    return xYield;
}

BaseType_t xTaskGetSchedulerState(void)
{
    if (!xSchedulerRunning) {
        return taskSCHEDULER_NOT_STARTED;
    }
    return uxSchedulerSuspended != 0 ? taskSCHEDULER_SUSPENDED : taskSCHEDULER_RUNNING;
}

/* --- The idle task and the start ----------------------------------------------------------------------- */

static void prvIdleTask(void *pvParameters)
{
    (void)pvParameters;
    for (;;) {
        vTaskFreeTerminated();
        vApplicationIdleHook();
        if (listCURRENT_LIST_LENGTH(&pxReadyTasksLists[tskIDLE_PRIORITY]) > 1) {
            taskYIELD();
        } else {
            __asm volatile("dsb\n\twfi\n\tisb" ::: "memory");
        }
    }
}

TaskHandle_t xTaskGetIdleTaskHandle(void)
{
    return xIdleTaskHandle;
}

void vTaskStartScheduler(void)
{
    BaseType_t xCreated =
        xTaskCreate(prvIdleTask, "IDLE", configMINIMAL_STACK_SIZE, NULL, tskIDLE_PRIORITY, &xIdleTaskHandle);

    if (xCreated != pdPASS) {
        return;
    }
    portDISABLE_INTERRUPTS(); /* Until the first task runs. */
    vTaskSwitchContext();
    xSchedulerRunning = pdTRUE;
    vPortStartScheduler();
}
