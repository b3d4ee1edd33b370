/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef THREADS_H
#define THREADS_H

#include <stdbool.h>

/* Start lwIP with its own task and the Ethernet with a receive task. To be called once, from a task; false, with the
 * reason on the console, if the hardware is missing. */
bool threads_start_network(void);

/* Console lines of different tasks no longer mix after this. To be called before the scheduler starts. */
void threads_start_console(void);

#endif
