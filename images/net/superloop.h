/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SUPERLOOP_H
#define SUPERLOOP_H

/* Everything up to a running lwIP without threads: clock, console, RNG, tick, interface. Does not return if the
 * hardware is missing. */
void superloop_start(const char *banner);

/* Let lwIP work on what has arrived and what is due. */
void superloop_poll(void);

/* Sleep until something can have changed: a frame, or the next millisecond. */
void superloop_sleep(void);

#endif
