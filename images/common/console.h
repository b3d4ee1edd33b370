/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdarg.h>
#include <stddef.h>

/* USART2 at 115200 8N1 on PD5/PD6 (PA2, its other TX pin, carries the Ethernet's MDIO).
 * Call again after the APB1 clock has changed. */
void console_start(void);

void console_write(const char *text, size_t length);

/* One received byte, or -1 if none has come. */
int console_read(void);

/* printf, at most 160 characters a call; newlines go out as CR LF. */
void console_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Called around every console_printf; empty unless the image defines them (images with threads do). */
void console_lock(void);
void console_unlock(void);

#endif
