/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lwIP's view of the compiler and the board. */
#ifndef ARCH_CC_H
#define ARCH_CC_H

#include <stdint.h>

#include "console.h"

uint32_t lwip_rand(void);

#define LWIP_RAND() lwip_rand()
#define LWIP_PLATFORM_DIAG(message) do { console_printf message; } while (0)
#define LWIP_PLATFORM_ASSERT(message) \
    do { \
        console_printf("lwIP: %s (%s:%d)\n", message, __FILE__, __LINE__); \
        for (;;) { \
        } \
    } while (0)
#define LWIP_ERRNO_STDINCLUDE 1

#endif
