/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lwIP's operating system types (NO_SYS=0) on our kernel. Stack sizes given to sys_thread_new are in bytes. */
#ifndef LWIP_ARCH_SYS_ARCH_H
#define LWIP_ARCH_SYS_ARCH_H

#include "FreeRTOS.h"
#include "queue.h"
#include "semphr.h"
#include "task.h"

typedef SemaphoreHandle_t sys_sem_t;
typedef SemaphoreHandle_t sys_mutex_t; /* With priority inheritance. */
typedef QueueHandle_t sys_mbox_t; /* Of pointers. */
typedef TaskHandle_t sys_thread_t;
typedef UBaseType_t sys_prot_t; /* BASEPRI before sys_arch_protect. */

#define SYS_SEM_NULL NULL
#define SYS_MBOX_NULL NULL

#define sys_sem_valid_val(sem) ((sem) != NULL)
#define sys_sem_valid(sem) sys_sem_valid_val(*(sem))
#define sys_sem_set_invalid(sem) (*(sem) = NULL)
#define sys_mutex_valid_val(mutex) ((mutex) != NULL)
#define sys_mutex_valid(mutex) sys_mutex_valid_val(*(mutex))
#define sys_mutex_set_invalid(mutex) (*(mutex) = NULL)
#define sys_mbox_valid_val(mbox) ((mbox) != NULL)
#define sys_mbox_valid(mbox) sys_mbox_valid_val(*(mbox))
#define sys_mbox_set_invalid(mbox) (*(mbox) = NULL)

#define sys_msleep(ms) vTaskDelay(pdMS_TO_TICKS(ms))

/* For lwipopts.h: LWIP_MARK_TCPIP_THREAD() and LWIP_ASSERT_CORE_LOCKED(). */
void sys_mark_tcpip_thread(void);
void sys_check_core_locking(void);

#endif
