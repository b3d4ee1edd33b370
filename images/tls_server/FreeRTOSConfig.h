/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel as this image wants it. */
#ifndef FREERTOSCONFIG_H
#define FREERTOSCONFIG_H

#include "clock.h"

#define configCPU_CLOCK_HZ clock_hclk

/* The heap of all tasks, TLS and stacks included, lies in CCM (main.c): no DMA ever touches it. */
#define configAPPLICATION_ALLOCATED_HEAP 1
#ifndef configTOTAL_HEAP_SIZE
#define configTOTAL_HEAP_SIZE (64 * 1024)
#endif

#endif
