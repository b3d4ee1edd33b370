/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel's own files share. Tools find the TCB and the lists below by these names. */
#ifndef KERNEL_H
#define KERNEL_H

#include "list.h"
#include "queue.h"
#include "task.h"

enum { taskNOT_WAITING_NOTIFICATION, taskWAITING_NOTIFICATION, taskNOTIFICATION_RECEIVED };

typedef struct tskTaskControlBlock {
    StackType_t *pxTopOfStack; /* First member: PendSV stores PSP through pxCurrentTCB. */
    ListItem_t xStateListItem; /* In a ready, delayed, suspended or termination list. */
    ListItem_t xEventListItem; /* In the list of a queue the task waits for; sorted by falling priority. */
    UBaseType_t uxPriority; /* Effective: base or inherited. */
    StackType_t *pxStack; /* Lowest address. */
    char pcTaskName[configMAX_TASK_NAME_LEN];
    StackType_t *pxEndOfStack; /* Highest word. */
    UBaseType_t uxTCBNumber; /* 1, 2, 3 ... in order of creation. */
    UBaseType_t uxBasePriority;
    UBaseType_t uxMutexesHeld;
    volatile uint32_t ulNotifiedValue;
    volatile uint8_t ucNotifyState;
} TCB_t;

extern TCB_t *volatile pxCurrentTCB;
extern List_t pxReadyTasksLists[configMAX_PRIORITIES];
extern List_t *volatile pxDelayedTaskList, *volatile pxOverflowDelayedTaskList;
extern List_t xPendingReadyList, xSuspendedTaskList, xTasksWaitingTermination;
extern volatile UBaseType_t uxCurrentNumberOfTasks, uxTopReadyPriority, uxSchedulerSuspended, uxDeletedTasksWaitingCleanUp;
extern volatile BaseType_t xSchedulerRunning, xYieldPending;
extern volatile TickType_t xTickCount;

/* --- scheduler.c. All of these are called with kernel interrupts masked. ------------------------------- */

void vTaskMakeReady(TCB_t *pxTCB);
/* Takes the task out of whatever it waits for and makes it ready; pdTRUE when it should preempt the current one. */
BaseType_t xTaskUnblock(TCB_t *pxTCB);
/* xTaskUnblock for the most urgent task waiting in the event list, if there is one. */
BaseType_t xTaskUnblockFirst(List_t *pxEventList);
/* Blocks the current task, in the event list too unless NULL, until it is unblocked or *pxTicks have passed, which are
 * counted down. pdFALSE, at once, when they are 0. */
BaseType_t xTaskWait(List_t *pxEventList, TickType_t *pxTicks);
void vTaskChangePriority(TCB_t *pxTCB, UBaseType_t uxPriority);
void vTaskInitialiseLists(void);

/* Called by the port's handlers. */
void vTaskSwitchContext(void);
/* pdTRUE when a task switch is due. */
BaseType_t xTaskIncrementTick(void);

/* A switch asked for by a task happens when its critical section ends; one asked for by a handler is reported. */
static inline void vTaskYieldIf(BaseType_t xPreempt)
{
    if (xPreempt && xSchedulerRunning) {
        portYIELD();
    }
}

static inline void vTaskReportWoken(BaseType_t xPreempt, BaseType_t *pxHigherPriorityTaskWoken)
{
    if (xPreempt && pxHigherPriorityTaskWoken != NULL) {
        *pxHigherPriorityTaskWoken = pdTRUE;
    } else if (xPreempt) {
        xYieldPending = pdTRUE; /* The next tick switches. */
    }
}

/* --- tasks.c ------------------------------------------------------------------------------------------- */

void vTaskFreeTerminated(void);

static inline TCB_t *prvTCB(TaskHandle_t xTask)
{
    return xTask != NULL ? xTask : pxCurrentTCB;
}

/* --- queue.c ------------------------------------------------------------------------------------------- */

typedef struct QueueDefinition {
    int8_t *pcHead; /* The items; NULL marks a mutex. */
    int8_t *pcWriteTo; /* The next free slot. */
    union {
        struct {
            int8_t *pcTail; /* Behind the last slot. */
            int8_t *pcReadFrom; /* The slot read last. */
        } xQueue;
        struct {
            TaskHandle_t xMutexHolder;
            UBaseType_t uxRecursiveCallCount;
        } xSemaphore;
    } u;
    List_t xTasksWaitingToSend;
    List_t xTasksWaitingToReceive;
    volatile UBaseType_t uxMessagesWaiting; /* Of a semaphore: its count. */
    UBaseType_t uxLength;
    UBaseType_t uxItemSize;
} Queue_t;

/* --- port.c -------------------------------------------------------------------------------------------- */

/* The stack frame from which PendSV will start the task. */
StackType_t *pxPortInitialiseStack(StackType_t *pxTop, TaskFunction_t pxCode, void *pvParameters);
/* heap.c */
void *pvPortMallocCleared(size_t xBytes);

void vPortStartScheduler(void) __attribute__((noreturn));
void vPortAssertMayCallKernel(void);
extern volatile UBaseType_t uxCriticalNesting;

#endif
