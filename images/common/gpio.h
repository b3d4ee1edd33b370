/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GPIO_H
#define GPIO_H

#include <stdint.h>

/* Give a pin to a peripheral: alternate function (RM0090 8.3.2, data sheet table 9), push-pull, fastest slew. */
void gpio_alternate(unsigned port, unsigned pin, uint32_t function);

#endif
