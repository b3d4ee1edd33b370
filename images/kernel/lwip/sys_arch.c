/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lwIP's operating system layer: semaphores, mutexes, mailboxes, threads, protection, time. lwip/sys.h says what each
 * function promises. */
#include "lwip/sys.h"

#include "lwip/tcpip.h"

void sys_init(void)
{
}

/* lwIP's 0 means for ever. Rounded up: never shorter than asked for. */
static TickType_t prvTicks(u32_t ulMilliseconds)
{
    if (ulMilliseconds == 0) {
        return portMAX_DELAY;
    }
    return (TickType_t)(((uint64_t)ulMilliseconds * configTICK_RATE_HZ + 999) / 1000);
}

/* --- Semaphores and mutexes ----------------------------------------------------------------------------- */

err_t sys_sem_new(sys_sem_t *sem, u8_t count)
{
    *sem = xSemaphoreCreateCounting(1, count);
    return *sem != NULL ? ERR_OK : ERR_MEM;
}

void sys_sem_signal(sys_sem_t *sem)
{
    (void)xSemaphoreGive(*sem); /* Signalled already: binary, nothing to add. */
}

/* Milliseconds waited, or SYS_ARCH_TIMEOUT. */
u32_t sys_arch_sem_wait(sys_sem_t *sem, u32_t timeout)
{
    u32_t ulStart = sys_now();

    return xSemaphoreTake(*sem, prvTicks(timeout)) ? sys_now() - ulStart : SYS_ARCH_TIMEOUT;
}

void sys_sem_free(sys_sem_t *sem)
{
    vSemaphoreDelete(*sem);
}

err_t sys_mutex_new(sys_mutex_t *mutex)
{
    *mutex = xSemaphoreCreateMutex();
    return *mutex != NULL ? ERR_OK : ERR_MEM;
}

void sys_mutex_lock(sys_mutex_t *mutex)
{
    (void)xSemaphoreTake(*mutex, portMAX_DELAY);
}

void sys_mutex_unlock(sys_mutex_t *mutex)
{
    (void)xSemaphoreGive(*mutex);
}

void sys_mutex_free(sys_mutex_t *mutex)
{
    vSemaphoreDelete(*mutex);
}

/* --- Mailboxes ------------------------------------------------------------------------------------------ */

err_t sys_mbox_new(sys_mbox_t *mbox, int size)
{
    *mbox = xQueueCreate((UBaseType_t)size, sizeof(void *));
    return *mbox != NULL ? ERR_OK : ERR_MEM;
}

void sys_mbox_post(sys_mbox_t *mbox, void *msg)
{
    (void)xQueueSend(*mbox, &msg, portMAX_DELAY);
}

err_t sys_mbox_trypost(sys_mbox_t *mbox, void *msg)
{
    return xQueueSend(*mbox, &msg, 0) ? ERR_OK : ERR_MEM;
}

err_t sys_mbox_trypost_fromisr(sys_mbox_t *mbox, void *msg)
{
    BaseType_t xWoken = pdFALSE;
    BaseType_t xSent = xQueueSendFromISR(*mbox, &msg, &xWoken);

    portYIELD_FROM_ISR(xWoken);
    return xSent ? ERR_OK : ERR_MEM;
}

static u32_t prvFetch(sys_mbox_t *mbox, void **msg, TickType_t xTicks)
{
    u32_t ulStart = sys_now();
    void *pvDropped;

    return xQueueReceive(*mbox, msg != NULL ? msg : &pvDropped, xTicks) ? sys_now() - ulStart : SYS_ARCH_TIMEOUT;
}

u32_t sys_arch_mbox_fetch(sys_mbox_t *mbox, void **msg, u32_t timeout)
{
    return prvFetch(mbox, msg, prvTicks(timeout));
}

u32_t sys_arch_mbox_tryfetch(sys_mbox_t *mbox, void **msg)
{
    return prvFetch(mbox, msg, 0) == SYS_ARCH_TIMEOUT ? SYS_MBOX_EMPTY : 0;
}

void sys_mbox_free(sys_mbox_t *mbox)
{
    configASSERT(uxQueueMessagesWaiting(*mbox) == 0);
    vQueueDelete(*mbox);
}

/* --- Threads -------------------------------------------------------------------------------------------- */

sys_thread_t sys_thread_new(const char *name, lwip_thread_fn thread, void *arg, int stacksize, int prio)
{
    TaskHandle_t xTask = NULL;
    uint16_t usWords = (uint16_t)((size_t)stacksize / sizeof(StackType_t));
    BaseType_t xCreated = xTaskCreate(thread, name, usWords, arg, (UBaseType_t)prio, &xTask);

    configASSERT(xCreated == pdPASS); /* lwIP forbids failure. */
    (void)xCreated;
    return xTask;
}

/* --- Protection and time -------------------------------------------------------------------------------- */

sys_prot_t sys_arch_protect(void)
{
    return portSET_INTERRUPT_MASK_FROM_ISR();
}

void sys_arch_unprotect(sys_prot_t pval)
{
    portCLEAR_INTERRUPT_MASK_FROM_ISR(pval);
}

u32_t sys_now(void)
{
    return xTaskGetTickCount() * portTICK_PERIOD_MS;
}

u32_t sys_jiffies(void)
{
    return xTaskGetTickCount();
}

/* --- Who may call the stack's core ----------------------------------------------------------------------- */

static TaskHandle_t xTcpipTask;

void sys_mark_tcpip_thread(void)
{
    xTcpipTask = xTaskGetCurrentTaskHandle();
}

/* Before tcpip_init's thread runs, anybody may: nobody else does. */
void sys_check_core_locking(void)
{
    configASSERT(xPortIsInsideInterrupt() == 0);
    if (xTcpipTask == NULL) {
        return;
    }
#if LWIP_TCPIP_CORE_LOCKING
    configASSERT(xSemaphoreGetMutexHolder(lock_tcpip_core) == xTaskGetCurrentTaskHandle());
#else
    configASSERT(xTaskGetCurrentTaskHandle() == xTcpipTask);
#endif
}
