/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks, the scheduler and direct-to-task notifications. */
#ifndef TASK_H
#define TASK_H

#include "FreeRTOS.h"

typedef struct tskTaskControlBlock *TaskHandle_t;

typedef enum { eRunning, eReady, eBlocked, eSuspended, eDeleted, eInvalid } eTaskState;

#define tskIDLE_PRIORITY 0UL
#define taskSCHEDULER_SUSPENDED ((BaseType_t)0)
#define taskSCHEDULER_NOT_STARTED ((BaseType_t)1)
#define taskSCHEDULER_RUNNING ((BaseType_t)2)

#define taskYIELD() portYIELD()
#define taskENTER_CRITICAL() portENTER_CRITICAL()
#define taskEXIT_CRITICAL() portEXIT_CRITICAL()
#define taskENTER_CRITICAL_FROM_ISR() portSET_INTERRUPT_MASK_FROM_ISR()
#define taskEXIT_CRITICAL_FROM_ISR(uxSaved) portCLEAR_INTERRUPT_MASK_FROM_ISR(uxSaved)
#define taskDISABLE_INTERRUPTS() portDISABLE_INTERRUPTS()
#define taskENABLE_INTERRUPTS() portENABLE_INTERRUPTS()

/* --- Tasks. A NULL handle means the calling task. ------------------------------------------------------ */

/* usStackDepth in words. pdPASS, or errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY. */
BaseType_t xTaskCreate(TaskFunction_t pxTaskCode, const char *pcName, uint16_t usStackDepth, void *pvParameters,
                       UBaseType_t uxPriority, TaskHandle_t *pxCreatedTask);
/* A task that deletes itself, or returns, is freed by the idle task; another task is freed at once. */
void vTaskDelete(TaskHandle_t xTask);
void vTaskSuspend(TaskHandle_t xTask);
void vTaskResume(TaskHandle_t xTask);
BaseType_t xTaskResumeFromISR(TaskHandle_t xTask);
UBaseType_t uxTaskPriorityGet(TaskHandle_t xTask);
void vTaskPrioritySet(TaskHandle_t xTask, UBaseType_t uxNewPriority);
TaskHandle_t xTaskGetCurrentTaskHandle(void);
TaskHandle_t xTaskGetIdleTaskHandle(void);
char *pcTaskGetName(TaskHandle_t xTask);
eTaskState eTaskGetState(TaskHandle_t xTask);
UBaseType_t uxTaskGetNumberOfTasks(void);
/* Words of the stack that were never written. */
UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t xTask);

/* --- Scheduler and time -------------------------------------------------------------------------------- */

/* Returns only when the idle task cannot be allocated. */
void vTaskStartScheduler(void);
BaseType_t xTaskGetSchedulerState(void);
/* Suspending nests and holds back task switches only: interrupts and the tick go on. A task must not block meanwhile. */
void vTaskSuspendAll(void);
BaseType_t xTaskResumeAll(void);
TickType_t xTaskGetTickCount(void);
TickType_t xTaskGetTickCountFromISR(void);
void vTaskDelay(TickType_t xTicksToDelay);
void vTaskDelayUntil(TickType_t *pxPreviousWakeTime, TickType_t xTimeIncrement);

/* --- Notifications: one 32-bit value and one pending flag per task -------------------------------------- */

typedef enum {
    eNoAction,
    eSetBits,
    eIncrement,
    eSetValueWithOverwrite,
    eSetValueWithoutOverwrite,
} eNotifyAction;

BaseType_t xTaskNotify(TaskHandle_t xTask, uint32_t ulValue, eNotifyAction eAction);
BaseType_t xTaskNotifyFromISR(TaskHandle_t xTask, uint32_t ulValue, eNotifyAction eAction,
                              BaseType_t *pxHigherPriorityTaskWoken);
#define xTaskNotifyGive(xTask) xTaskNotify((xTask), 0, eIncrement)
void vTaskNotifyGiveFromISR(TaskHandle_t xTask, BaseType_t *pxHigherPriorityTaskWoken);
uint32_t ulTaskNotifyTake(BaseType_t xClearCountOnExit, TickType_t xTicksToWait);
BaseType_t xTaskNotifyWait(uint32_t ulBitsToClearOnEntry, uint32_t ulBitsToClearOnExit, uint32_t *pulValue,
                           TickType_t xTicksToWait);
BaseType_t xTaskNotifyStateClear(TaskHandle_t xTask);

/* --- Hooks the image may define (weak in hooks.c) ------------------------------------------------------- */

void vApplicationStackOverflowHook(TaskHandle_t xTask, char *pcTaskName);
void vApplicationMallocFailedHook(void);
void vApplicationIdleHook(void);

#endif
