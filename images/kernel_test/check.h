/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tests run one after another in one task, "runner", and leave nothing behind: no task, no block of the heap. */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>

#include "FreeRTOS.h"
#include "queue.h"
#include "semphr.h"
#include "stm32f407.h"
#include "task.h"

#define RUNNER_PRIORITY 5

/* Says on the console which condition of which test does not hold; the tests go on. For the runner only. */
#define CHECK(condition) check((condition), __func__, #condition)
void check(bool holds, const char *test, const char *condition);

/* A task with a small stack. Above the runner's priority, it has run until it blocked when this returns. */
TaskHandle_t spawn(TaskFunction_t code, const char *name, void *argument, UBaseType_t priority);

/* Wait for the next tick, so that what follows has a whole one. */
void align_to_tick(void);

/* Let the idle task free what deleted itself. */
void let_idle_run(void);

/* An interrupt without a device: the test says what its handler does and makes it pending. */
void interrupt_on(void (*handler)(void), uint8_t priority);
void interrupt_off(void);
void interrupt_trigger(void);

void test_context_survives_switches(void);
void test_rounding_mode_belongs_to_its_task(void);

void test_higher_priority_runs_at_once(void);
void test_equals_share_time(void);
void test_delays_are_exact(void);
void test_period_is_kept(void);
void test_tick_count_wraps(void);
void test_suspended_task_stands_still(void);
void test_suspended_scheduler_holds_switches_back(void);
void test_priority_can_be_changed(void);

void test_queue_keeps_order(void);
void test_queue_blocks_and_times_out(void);
void test_queue_serves_the_most_urgent_first(void);
void test_queue_follows_changed_priorities(void);
void test_semaphore_counts(void);
void test_mutex_lends_its_waiter_s_priority(void);
void test_mutex_takes_priority_back_after_timeout(void);
void test_recursive_mutex(void);

void test_interrupt_notifies(void);
void test_interrupt_that_does_not_yield(void);
void test_interrupt_feeds_queue_and_semaphore(void);
void test_critical_section_masks_kernel_interrupts(void);
void test_notification_values(void);

void test_heap_merges_neighbours(void);
void test_heap_refuses_politely(void);
void test_deleted_tasks_give_their_memory_back(void);
void test_stack_high_water_mark(void);
void test_stack_overflow_is_noticed(void);

#endif
